package command

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/suggest"
	"github.com/wtsim/wtsim/sim"
)

// listed is a line of `wtsim list --json`.
type listed struct {
	Name       string   `json:"name"`
	Doc        string   `json:"doc"`
	Expect     string   `json:"expect"` // "holds" or "violation"
	Properties []string `json:"properties"`
	Deviations *int     `json:"deviations,omitempty"`
}

func (a *app) list(args []string) (int, error) {
	f := a.flags("list", " [PREFIX] [flags]", "  wtsim list\n  wtsim list patterns/\n  wtsim list --json")
	asJSON := f.Bool("json", false, "print one JSON object a line")
	if done, err := parse(f, args, "[PREFIX]"); done || err != nil {
		return exitHeld, err
	}
	var scenarios []sim.Scenario
	var names []string
	for _, s := range a.scenarios {
		names = append(names, s.Name, group(s.Name))
		if strings.HasPrefix(s.Name, f.Arg(0)) {
			scenarios = append(scenarios, s)
		}
	}
	if len(a.scenarios) == 0 {
		return 0, errNone
	}
	if f.Arg(0) != "" && len(scenarios) == 0 {
		return 0, fmt.Errorf("list: no scenario's name begins with %q%s; `wtsim list` shows them", f.Arg(0), suggest.DidYouMean(f.Arg(0), names))
	}
	if *asJSON {
		return exitHeld, a.eachJSON(len(scenarios), func(i int) any { return listedOf(scenarios[i]) })
	}
	return exitHeld, a.listGroups(scenarios)
}

// group is the application, or catalogue, that a scenario belongs to.
func group(name string) string {
	name, _, _ = strings.Cut(name, "/")
	return name
}

// listGroups prints scenarios under the names of their groups.
func (a *app) listGroups(scenarios []sim.Scenario) error {
	groups := map[string][]sim.Scenario{}
	var order []string
	for _, s := range scenarios {
		g := group(s.Name)
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], s)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for i, g := range order {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, g)
		for _, s := range groups[g] {
			l := listedOf(s)
			expect := l.Expect
			if l.Deviations != nil {
				expect = fmt.Sprintf("violation (%d)", *l.Deviations)
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\n", l.Name, expect, l.Doc)
		}
	}
	return w.Flush()
}

func listedOf(s sim.Scenario) listed {
	l := listed{Name: s.Name, Doc: s.Doc, Expect: "holds", Properties: []string{}}
	for _, p := range s.Properties {
		l.Properties = append(l.Properties, p.Name())
	}
	if s.Expect.Violation {
		l.Expect, l.Deviations = "violation", &s.Expect.Deviations
	}
	return l
}

func (a *app) faults(args []string) (int, error) {
	f := a.flags("faults", " [flags]", "  wtsim faults\n  wtsim faults --json")
	asJSON := f.Bool("json", false, "print one JSON object a line")
	if done, err := parse(f, args); done || err != nil {
		return exitHeld, err
	}
	kinds := cloud.Kinds()
	if *asJSON {
		return exitHeld, a.eachJSON(len(kinds), func(i int) any { return kinds[i] })
	}
	for _, k := range kinds {
		fmt.Fprintf(a.stdout, "%s\n    %s\n    offered: %s\n    sources: %s\n", k.Kind, k.Doc, k.Offered, strings.Join(k.Sources, "\n             "))
	}
	return exitHeld, nil
}

// eachJSON prints one object a line.
func (a *app) eachJSON(n int, object func(int) any) error {
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	for i := range n {
		if err := e.Encode(object(i)); err != nil {
			return err
		}
	}
	return nil
}

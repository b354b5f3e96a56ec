package command

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

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
	f := a.flags("list", " [flags]", "  wtsim list\n  wtsim list --json")
	asJSON := f.Bool("json", false, "print one JSON object a line")
	if done, err := parse(f, args); done || err != nil {
		return exitHeld, err
	}
	if *asJSON {
		return exitHeld, a.eachJSON(len(a.scenarios), func(i int) any { return describe(a.scenarios[i]) })
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, s := range a.scenarios {
		l := describe(s)
		expect := l.Expect
		if l.Deviations != nil {
			expect = fmt.Sprintf("violation (%d)", *l.Deviations)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", l.Name, expect, l.Doc)
	}
	return exitHeld, w.Flush()
}

func describe(s sim.Scenario) listed {
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
	kinds := sim.Kinds()
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

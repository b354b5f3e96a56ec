package command

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/internal/sigma"
	"github.com/wtsim/wtsim/props"
)

// propsOptions are the flags of `wtsim props`.
type propsOptions struct {
	format string
	schema bool
	asJSON bool
	from   string
}

const propsExamples = `  wtsim props checkout.yaml
  wtsim props gdpr7.json --format mermaid
  wtsim props checkout.yaml --format dot | dot -Tsvg > checkout.svg
  wtsim props --schema > wtsim-props.schema.json
  wtsim props --import sigma brute_force.yml > brute_force.yaml`

// described is a line of `wtsim props --json`.
type described struct {
	Kind        string         `json:"kind"`
	Name        string         `json:"name"`
	Sentence    string         `json:"sentence"`
	Variables   []string       `json:"variables"`
	Quantifiers []string       `json:"quantifiers,omitempty"` // of all variables, from the first that some value must do for on
	EachTime    bool           `json:"each_time,omitempty"`
	Registers   []registerJSON `json:"registers,omitempty"`
	Start       string         `json:"start"`
	States      []string       `json:"states"`
	Events      []eventJSON    `json:"events"`
	Transitions []props.Edge   `json:"transitions"`
	Warnings    []string       `json:"warnings"`
}

type registerJSON struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Length string `json:"length,omitempty"` // of a window
	Depth  int    `json:"depth,omitempty"`  // of a stack
}

type eventJSON struct {
	Type  string            `json:"type"`
	Binds map[string]string `json:"binds"` // parameters by variable
	Wants []string          `json:"wants,omitempty"`
}

func (a *app) props(args []string) (int, error) {
	o := &propsOptions{}
	f := a.flags("props", " FILE [flags]", propsExamples)
	f.StringVar(&o.format, "format", "text", "how to draw the state machines: text, mermaid or dot")
	f.BoolVar(&o.schema, "schema", false, "print the JSON Schema of property files in YAML, for editors")
	f.StringVar(&o.from, "import", "", "convert rules of another kind to a property file in YAML, and print it: sigma, for Sigma's correlation rules")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object a line")
	if done, err := parse(f, args, "[FILE]"); done || err != nil {
		return exitHeld, err
	}
	switch {
	case o.schema && f.NArg() > 0:
		return 0, fmt.Errorf("props: unexpected argument %q with --schema; see wtsim props --help", f.Arg(0))
	case !o.schema && f.NArg() == 0:
		return 0, errors.New("props: FILE is missing; see wtsim props --help")
	case o.schema:
		_, err := a.stdout.Write(props.Schema())
		return exitHeld, err
	}
	if formats := []string{"text", "mermaid", "dot"}; !slices.Contains(formats, o.format) {
		return 0, fmt.Errorf("props: --format is %q, wanted text, mermaid or dot; see wtsim props --help", o.format)
	}
	if o.from != "" && o.from != "sigma" {
		return 0, fmt.Errorf("props: --import is %q, wanted sigma; see wtsim props --help", o.from)
	}
	content, err := os.ReadFile(f.Arg(0))
	if err != nil {
		return 0, fmt.Errorf("props: %w", err)
	}
	if o.from != "" {
		return exitHeld, a.convert(o.from, f.Arg(0), content)
	}
	ps, err := props.Parse(f.Arg(0), content)
	if err != nil {
		return 0, err
	}
	if o.asJSON {
		return exitHeld, a.eachJSON(len(ps), func(i int) any { return describeProperty(ps[i]) })
	}
	for i, p := range ps {
		a.draw(o.format, i, p)
	}
	return exitHeld, nil
}

// convert prints rules of another kind as properties. What is printed is valid:
// the file that it was made of is told where it is not.
func (a *app) convert(from, file string, content []byte) error {
	out, err := sigma.Convert(file, content)
	if err != nil {
		return err
	}
	if _, err := props.Parse(file+", converted from "+from, out); err != nil {
		return err
	}
	_, err = a.stdout.Write(out)
	return err
}

// draw prints one property. Warnings of a drawing go to standard error, since
// its output is for another program.
func (a *app) draw(format string, i int, p *props.Property) {
	title := strings.Join(strings.Fields(p.String()), " ") // a comment is one line
	switch format {
	case "mermaid":
		fmt.Fprintf(a.stdout, "%%%% %s\n%s", title, p.Mermaid())
	case "dot":
		fmt.Fprintf(a.stdout, "// %s\n%s", title, p.Dot())
	default:
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		fmt.Fprintf(a.stdout, "%s\n  %s\n\n%s", p.Name(), p.Sentence(), p.Text())
		for i, w := range p.Warnings() {
			if i == 0 {
				fmt.Fprintln(a.stdout)
			}
			fmt.Fprintf(a.stdout, "  warning: %s\n", w)
		}
		return
	}
	for _, w := range p.Warnings() {
		fmt.Fprintf(a.stderr, "wtsim: warning: property %q: %s\n", p.Name(), w)
	}
}

func describeProperty(p *props.Property) described {
	auto := p.AsWritten()
	d := described{Kind: "property", Name: p.Name(), Sentence: p.Sentence(), Variables: p.Vars(), Start: auto.States[props.StartState],
		States: auto.States[props.StartState:], Events: []eventJSON{}, Transitions: p.Edges(), Warnings: p.Warnings()}
	if d.Variables == nil {
		d.Variables = []string{}
	}
	if d.Warnings == nil {
		d.Warnings = []string{}
	}
	if d.Transitions == nil {
		d.Transitions = []props.Edge{}
	}
	if some := p.Automaton().Some; some != nil {
		d.Quantifiers, d.EachTime = some.Quantifiers(), some.EachTime
	}
	for _, r := range auto.Registers {
		register := registerJSON{Name: r.Name(), Kind: r.Kind().String(), Depth: r.Depth()}
		if r.Kind() == props.WindowRegister {
			register.Length = r.Length().String()
		}
		if r.Distinct() {
			register.Kind = "distinct"
		}
		d.Registers = append(d.Registers, register)
	}
	for _, t := range auto.Events {
		e := eventJSON{Type: t.Type, Binds: map[string]string{}, Wants: t.Wants}
		for _, b := range t.Binds {
			e.Binds[auto.Variables[b.Variable]] = b.Shown()
		}
		d.Events = append(d.Events, e)
	}
	return d
}

package command

import (
	"fmt"
	"slices"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

// describeOptions are the flags of `wtsim describe`.
type describeOptions struct {
	format  string
	asJSON  bool
	subject search.Subject
}

const describeExamples = `  wtsim describe checkout
  wtsim describe checkout --format mermaid
  wtsim describe checkout --format dot | dot -Tsvg > checkout.svg
  wtsim describe ./shopsim:Scenario --json`

func (a *app) describe(args []string) (int, error) {
	o := &describeOptions{}
	f := a.flags("describe", " SCENARIO [flags]", describeExamples)
	f.StringVar(&o.format, "format", "text", "text, or a drawing of the flow: mermaid or dot")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object")
	if done, err := parse(f, args, "SCENARIO"); done || err != nil {
		return exitHeld, err
	}
	if formats := []string{"text", "mermaid", "dot"}; !slices.Contains(formats, o.format) {
		return 0, fmt.Errorf("describe: --format is %q, wanted text, mermaid or dot; see wtsim describe --help", o.format)
	}
	if ref, ok := parseRef(f.Arg(0)); ok && !a.known(f.Arg(0)) {
		return a.runPackage(ref, append([]string{"describe"}, args...))
	}
	var err error
	if o.subject, err = a.scenario(f.Arg(0)); err != nil {
		return 0, err
	}
	if _, ok := workers.CurrentJob(); ok {
		return exitHeld, a.describeHere(o)
	}
	return a.inChild("describe", args, func(f *search.Fatal) (int, error) {
		name := o.subject.Scenario().Name
		return 0, fmt.Errorf("%s: its benign run ends the process: %s; see `wtsim trace %s`", name, f.Why, calledAs(name))
	})
}

func (a *app) describeHere(o *describeOptions) error {
	benign := o.subject.Run(scheduler.Benign{})
	d := report.Describe(o.subject.Simulation, benign)
	switch {
	case o.asJSON:
		return encoder(a.stdout).Encode(d)
	case o.format == "mermaid":
		fmt.Fprint(a.stdout, d.Flow.Mermaid())
	case o.format == "dot":
		fmt.Fprint(a.stdout, d.Flow.Dot(d.Name))
	default:
		fmt.Fprint(a.stdout, d.Text())
	}
	return nil
}

package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
)

// Reach is how far a run got: whether it shows anything.
type Reach struct {
	Broken        []Broken // functions whose constructors have failed each time, in order
	Asked, Failed int      // requests of clients that were answered at last; with 5xx
	Status        int      // of the last that failed
	Answer        string   // its body
}

// Broken is a function that never came to be.
type Broken struct {
	Function string
	Err      string // of the last time
}

// reach is that of the run, when it has come to rest.
func (w *world) reach() Reach {
	w.gate.mu.Lock() // constructors have told under it
	defer w.gate.mu.Unlock()
	r := w.workload.reach
	for _, f := range w.fleet.functions {
		last, built := "", false
		for _, i := range w.fleet.instances {
			switch {
			case i.fn != f || !i.built:
			case i.buildErr == nil:
				built = true
			default:
				last = i.buildErr.Error()
			}
		}
		if last != "" && !built {
			r.Broken = append(r.Broken, Broken{f.Name, last})
		}
	}
	return r
}

// What [Scenario.Meant] may name: what a search takes for a mistake where it
// finds it, and is none. Those with a space at their end are followed by a name.
const (
	MeantNoProperties = "no properties"
	MeantRequests     = "failing requests"
	MeantConstructor  = "failing constructor " // of a function
	MeantNoEvents     = "no events"            // that any property is about
	MeantProperty     = "property "            // that cannot be violated, or has seen no event
	MeantRule         = "rule "                // that matches nothing, by the event that it emits
	MeantEvent        = "event "               // that is never seen
	MeantLack         = "lack of "             // a command or a method that the simulator refuses
)

// checkMeant returns the first of the names that stands for nothing.
func (s *Scenario) checkMeant() error {
	for _, name := range s.Meant {
		if !s.means(name) {
			return fmt.Errorf("meant: there is nothing that is called %q, wanted a name as a failing search gives it, such as %q, %q or %q",
				name, MeantNoProperties, MeantRequests, MeantRule+"X")
		}
	}
	return nil
}

func (s *Scenario) means(name string) bool {
	if name == MeantNoProperties || name == MeantRequests || name == MeantNoEvents {
		return true
	}
	if f, ok := strings.CutPrefix(name, MeantConstructor); ok {
		return slices.ContainsFunc(s.Functions, func(x Function) bool { return x.Name == f })
	}
	if p, ok := strings.CutPrefix(name, MeantProperty); ok {
		return slices.ContainsFunc(s.Properties, func(x *props.Property) bool { return x.Name() == p })
	}
	if e, ok := strings.CutPrefix(name, MeantRule); ok {
		return slices.ContainsFunc(s.Rules, func(x probe.Rule) bool { return x.Emit == e })
	}
	return strings.HasPrefix(name, MeantEvent) || strings.HasPrefix(name, MeantLack)
}

// answered takes note of what a client was told at last.
func (r *Reach) answered(resp cloud.Response) {
	r.Asked++
	if resp.Status >= 500 {
		r.Failed++
		r.Status, r.Answer = resp.Status, string(resp.Body)
	}
}

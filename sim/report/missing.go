package report

import "github.com/wtsim/wtsim/sim"

// Missing is a step of the benign run that the run lacks.
type Missing struct {
	*sim.Step
	Of string // the invocation there
}

// Words tell it.
func (m Missing) Words() string {
	if m.Kind == sim.KindStart {
		return m.Of + ", which is " + who(m.Step) + " of the benign run"
	}
	return m.What + " of " + m.Of
}

// invocations names what tasks are invoked for.
func invocations(steps []sim.Step) map[string]string {
	out := map[string]string{}
	for i := range steps {
		s := &steps[i]
		switch {
		case s.Kind == sim.KindStart:
			out[s.Task.Text] = s.Trigger.Of(s.Function)
		case out[s.Task.Text] == "":
			out[s.Task.Text] = who(s)
		}
	}
	return out
}

package sim

import (
	"fmt"
	"slices"
	"sync"

	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
)

// benign is what the stores hold at the end of the benign run. It is found out
// once a Simulation, and only if a property asks.
type benign struct {
	once  sync.Once
	state *stores // nil if that run has not become quiescent
	why   string  // then
}

// comparing returns a property that asks for the end of the benign run; nil if
// there is none.
func (s Scenario) comparing() *props.Property {
	i := slices.IndexFunc(s.Properties, func(p *props.Property) bool { return p != nil && p.Compares() })
	if i < 0 {
		return nil
	}
	return s.Properties[i]
}

// knowBenign finds out how the benign run ends.
func (s *Simulation) knowBenign() {
	if s.scenario.comparing() == nil {
		return
	}
	s.benign.once.Do(func() {
		w, err := s.world(scheduler.Benign{}, WatchNothing, nil)
		s.benign.state = w.final
		if r := w.finish(err); w.final == nil {
			s.benign.why = fmt.Sprintf("the benign run does not become quiescent (%s)", r.Verdict)
		}
	})
}

// keepBenign keeps what the stores hold if this is the run of knowBenign, the
// only one for which it is not known yet.
func (w *world) keepBenign() {
	if b := w.sim.benign; b.state != nil || b.why != "" || w.sim.scenario.comparing() == nil {
		return
	}
	w.final = newStores(w.services.backends).kept()
}

// quiescent is a run as properties see it.
type quiescent struct {
	*stores
	w *world
}

// Benign returns what the stores hold at the end of the benign run.
func (q *quiescent) Benign() (props.State, error) {
	b := q.w.sim.benign
	switch {
	case q.w.final != nil: // it is the one
		return q.w.final, nil
	case b.state == nil:
		return nil, fmt.Errorf("%w: %s", props.ErrUndecided, b.why)
	}
	return b.state, nil
}

// Calls returns what clients have asked.
func (q *quiescent) Calls() []props.Call {
	var all []props.Call
	for _, c := range q.w.workload.calls {
		all = append(all, *c)
	}
	return all
}

package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
)

// Looked is what a violated check of the run's end has looked at: what a store
// holds under a key, or what a client's request was answered.
type Looked struct {
	Service, Key string
	Task         string // the request's first attempt
}

// looker is a quiescent run that remembers what it was asked for.
type looker struct {
	*quiescent
	at []Looked
}

// Get notes the key.
func (l *looker) Get(service, key string) (string, bool) {
	if x := (Looked{Service: service, Key: key}); !slices.Contains(l.at, x) {
		l.at = append(l.at, x)
	}
	return l.quiescent.Get(service, key)
}

// lookedAt asks the check of a violation once more, for what it is about: of all
// that it looks at what it names, where it names any.
func (w *world) lookedAt(v *monitor.Violation) []Looked {
	i := slices.IndexFunc(w.sim.scenario.Properties, func(p *props.Property) bool { return p.Name() == v.Property && p.Check() != nil })
	if i < 0 {
		return nil
	}
	l := &looker{quiescent: &quiescent{newStores(w.services.backends), w}}
	if err := w.sim.scenario.Properties[i].Check()(l); err == nil {
		return nil // it is no function of the run
	}
	for _, c := range w.workload.calls {
		if root := fmt.Sprintf("%s/%d", c.Client, c.Number); w.sim.scenario.Properties[i].LooksAtCalls() {
			l.at = append(l.at, Looked{Key: root, Task: cloud.NameTask(c.Function, cloud.About(cloud.Named(root))).Text})
		}
	}
	named := slices.DeleteFunc(slices.Clone(l.at), func(x Looked) bool { return !strings.Contains(v.Detail, x.Key) })
	if len(named) > 0 {
		return named
	}
	return l.at
}

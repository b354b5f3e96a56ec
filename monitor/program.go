package monitor

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/wtsim/wtsim/props"
)

// maxDomains bounds the combinations of variables that instances of one
// property can bind; a property for people has a handful.
const maxDomains = 1024

// Program is a set of properties made ready to be monitored. It does not
// change, and may be used by several goroutines.
type Program struct {
	plans   []plan
	routes  map[string][]route // by event type, in order of property
	tables  int                // tables of all plans
	indexes int                // indexes of all plans
	vars    int                // the most variables that a property has
}

// route leads an event to one property that has its type in the alphabet.
type route struct{ plan, letter int }

// set is a set of a property's variables.
type set uint64

// plan is what can be said of a property's instances before any event.
type plan struct {
	property *props.Property
	auto     *props.Automaton // nil for a check at quiescence
	dead     []bool           // by state: no violation can be reached
	domains  []domain         // the sets that instances can bind; the first is empty
	letters  []letter         // by event type of the automaton
	indexes  int
}

// domain is a set of variables that instances can bind.
type domain struct {
	vars    set
	event   bool    // events bind it: its dead are remembered
	parts   []int   // the domains properly contained in it
	indexes []index // the ways in which its instances are looked up
}

// index finds instances by the values of some of their variables.
type index struct {
	by   set
	slot int
}

// letter is what an event of one type does to instances.
type letter struct {
	*props.EventType
	vars   set
	domain int
	larger []int  // index slots: instances that contain the event's binding
	joins  []join // where to look for partners in a join
}

// join pairs an event's binding with instances of one other domain, neither
// of which contains the other.
type join struct {
	slot    int // the index of the partners
	by      set // what they must share with the event
	partner int // their domain
	domain  int // the domain of the join
	// Where an instance that is contained in the join, but not in the
	// partner, is stored, the join continues another slice than the
	// partner's, and is found from there.
	insideEvent  []int // such domains that the event alone determines
	insideTheTwo []int // the others, among them the join itself
}

// Compile makes properties ready to be monitored. It returns the first thing
// that is wrong with them.
func Compile(properties ...*props.Property) (*Program, error) {
	p := &Program{routes: make(map[string][]route)}
	for i, property := range properties {
		if property == nil {
			return nil, fmt.Errorf("property %d is nil", i+1)
		}
		if err := property.Validate(); err != nil {
			return nil, err
		}
		for _, earlier := range properties[:i] {
			if earlier.Name() == property.Name() {
				return nil, fmt.Errorf("property %q: a second one of this name", property.Name())
			}
		}
		if err := p.add(property); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *Program) add(property *props.Property) error {
	pl := plan{property: property, auto: property.Automaton()}
	if pl.auto != nil {
		pl.dead = deadStates(pl.auto)
		if err := pl.close(); err != nil {
			return err
		}
		for i := range pl.auto.Events {
			pl.plan(&pl.auto.Events[i])
			name := pl.auto.Events[i].Type
			p.routes[name] = append(p.routes[name], route{len(p.plans), i})
		}
		p.vars = max(p.vars, len(pl.auto.Variables))
	}
	p.tables += len(pl.domains)
	p.indexes += pl.indexes
	p.plans = append(p.plans, pl)
	return nil
}

// deadStates tells from which states neither violated nor a state that must
// not be the last can be reached. Guards are taken to hold in any
// combination.
func deadStates(a *props.Automaton) []bool {
	dead := make([]bool, len(a.States))
	for s := range dead {
		dead[s] = s != props.ViolatedState && !a.AtEnd[s]
	}
	for changed := true; changed; {
		changed = false
		for s := props.StartState; s < len(dead); s++ {
			if dead[s] && slices.ContainsFunc(a.Successors(s), func(to int) bool { return !dead[to] }) {
				dead[s], changed = false, true
			}
		}
	}
	dead[props.ViolatedState] = true // what is violated is not violated again
	return dead
}

// close finds the domains: what events bind, and all unions of these.
func (pl *plan) close() error {
	domains := []domain{{}}
	for i := range pl.auto.Events {
		vars := varsOf(&pl.auto.Events[i])
		for _, d := range domains {
			if union := d.vars | vars; find(domains, union) < 0 {
				domains = append(domains, domain{vars: union})
			}
		}
		domains[find(domains, vars)].event = true
		if len(domains) > maxDomains {
			return fmt.Errorf("property %q: its letters bind variables in more than %d combinations", pl.property.Name(), maxDomains)
		}
	}
	for i := range domains {
		for j := range domains {
			if domains[j].vars.within(domains[i].vars) && i != j {
				domains[i].parts = append(domains[i].parts, j)
			}
		}
	}
	pl.domains = domains
	return nil
}

// plan prepares what an event of one type does.
func (pl *plan) plan(t *props.EventType) {
	l := letter{EventType: t, vars: varsOf(t)}
	l.domain = find(pl.domains, l.vars)
	for i := range pl.domains {
		switch other := pl.domains[i].vars; {
		case other.within(l.vars):
		case l.vars.within(other):
			l.larger = append(l.larger, pl.index(i, l.vars))
		default:
			l.joins = append(l.joins, pl.join(l.vars, i))
		}
	}
	pl.letters = append(pl.letters, l)
}

func (pl *plan) join(vars set, partner int) join {
	with := pl.domains[partner].vars
	j := join{by: vars & with, partner: partner, domain: find(pl.domains, vars|with)}
	j.slot = pl.index(partner, j.by)
	for i, d := range pl.domains {
		switch {
		case d.vars.within(with) || !d.vars.within(vars|with):
		case d.vars.within(vars):
			j.insideEvent = append(j.insideEvent, i)
		default:
			j.insideTheTwo = append(j.insideTheTwo, i)
		}
	}
	return j
}

// index returns the slot of the index of a domain by some variables.
func (pl *plan) index(domain int, by set) int {
	d := &pl.domains[domain]
	for _, x := range d.indexes {
		if x.by == by {
			return x.slot
		}
	}
	d.indexes = append(d.indexes, index{by, pl.indexes})
	pl.indexes++
	return pl.indexes - 1
}

func varsOf(t *props.EventType) (s set) {
	for _, b := range t.Binds {
		s |= 1 << b.Variable
	}
	return s
}

func find(domains []domain, vars set) int {
	return slices.IndexFunc(domains, func(d domain) bool { return d.vars == vars })
}

func (s set) within(t set) bool { return s&^t == 0 }

func (s set) len() int { return bits.OnesCount64(uint64(s)) }

// first returns the least variable, and the set without it.
func (s set) first() (int, set) { return bits.TrailingZeros64(uint64(s)), s & (s - 1) }

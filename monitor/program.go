package monitor

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/wtsim/wtsim/monitor/internal/machine"
	"github.com/wtsim/wtsim/props"
)

// maxDomains bounds the combinations of variables that instances of one
// property can bind; a property for people has a handful.
const maxDomains = 1024

// Program is a set of properties made ready to be monitored. It does not
// change, and may be used by several goroutines.
type Program struct {
	plans  []plan
	routes map[string][]route // by event type, in order of property
	others []route            // of all types that no property names
	vars   int                // the most variables that a property has
	timed  bool               // some property hangs on how much time passes
}

// route leads an event to one property that has its type in the alphabet.
type route struct{ plan, letter int }

// set is a set of a property's variables.
type set uint64

// plan is what can be said of a property's instances before any event.
type plan struct {
	property  *props.Property
	automaton *props.Automaton // nil for a check at quiescence
	over      []bool           // by state: no violation can be reached
	domains   []domain         // the sets that instances can bind; the first is empty
	letters   []letter         // by event type of the automaton
	home      uint64           // of the first share, see cube.go
	agree     []int            // the variables that all events bind, see place.go
	lazy      bool             // joins are found when an event names them, see lazy.go
	sure      bool             // none of its events is ever missing, see lossy.go
	roles     bool             // some events have several, see roles.go
}

// domain is a set of variables that instances can bind.
type domain struct {
	vars    set
	list    []int   // the variables, ascending
	event   bool    // events bind it: its dead are remembered
	top     bool    // no other domain contains it
	parts   []int   // the domains properly contained in it
	indexes []index // the ways in which its instances are looked up
	recipe  recipe  // how the state of a newborn is found, where joins are lazy
	counted bool    // some recipe needs the functions of its instances
}

// index finds instances by the values of some of their variables.
type index struct {
	by   set
	cols []int // where in the domain's list they stand
}

// letter is what an event of one type does to instances.
type letter struct {
	*props.EventType
	vars   set
	list   []int // the variables, ascending
	domain int
	leads  bool     // it is the first role of its events
	sure   bool     // none of its events is ever missing, see lossy.go
	larger []finder // instances that contain the event's binding
	joins  []join   // where to look for partners in a join
}

// finder is one index of one domain.
type finder struct{ domain, index int }

// join pairs an event's binding with instances of one other domain, neither
// of which contains the other.
type join struct {
	finder       // the partners
	by     []int // what they must share with the event
	added  set   // what they add to it
	union  int   // the domain of the join
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

// Properties returns the names of the properties, in order.
func (p *Program) Properties() (names []string) {
	for i := range p.plans {
		names = append(names, p.plans[i].property.Name())
	}
	return names
}

// Timed reports whether a verdict hangs on how much time passes: on a deadline.
func (p *Program) Timed() bool { return p.timed }

// Only returns the program of some of the properties, by name.
func (p *Program) Only(names []string) *Program {
	out := &Program{routes: make(map[string][]route)}
	for i := range p.plans {
		if property := p.plans[i].property; slices.Contains(names, property.Name()) {
			if err := out.add(property); err != nil {
				panic("monitor: a property that was compiled: " + err.Error())
			}
		}
	}
	return out
}

func (p *Program) add(property *props.Property) error {
	pl := plan{property: property, automaton: property.Automaton(), home: homeOf(property.Name())}
	if pl.automaton != nil {
		pl.over = machine.DeadStates(pl.automaton)
		if err := pl.close(); err != nil {
			return err
		}
		pl.roles = hasRoles(pl.automaton)
		pl.lazy = !pl.roles && pl.canBeLazy()
		for i := range pl.automaton.Events {
			pl.plan(&pl.automaton.Events[i])
		}
		pl.sure = len(pl.letters) > 0 && !slices.ContainsFunc(pl.letters, func(l letter) bool { return !l.sure })
		p.lead(pl.letters)
		p.vars = max(p.vars, len(pl.automaton.Variables))
		p.timed = p.timed || pl.automaton.Timed()
		pl.agree = pl.commonVariables().list()
	}
	p.plans = append(p.plans, pl)
	return nil
}

// lead leads event types to the next property, by its letters. What these do not
// name, they have as others.
func (p *Program) lead(letters []letter) {
	named := map[string]bool{}
	var others []route
	for i, l := range letters {
		r := route{len(p.plans), i}
		if l.Other {
			others = append(others, r)
			continue
		}
		if _, known := p.routes[l.Type]; !known {
			p.routes[l.Type] = slices.Clone(p.others)
		}
		p.routes[l.Type], named[l.Type] = append(p.routes[l.Type], r), true
	}
	for name := range p.routes { //wtsim:order each on its own
		if !named[name] {
			p.routes[name] = append(p.routes[name], others...)
		}
	}
	p.others = append(p.others, others...)
}

// routesOf returns where events of a type lead.
func (p *Program) routesOf(eventType string) []route {
	if routes, named := p.routes[eventType]; named {
		return routes
	}
	return p.others
}

// close finds the domains: what events bind, and all unions of these.
func (pl *plan) close() error {
	domains := []domain{{}}
	for i := range pl.automaton.Events {
		vars := varsOf(&pl.automaton.Events[i])
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
		domains[i].list, domains[i].top = domains[i].vars.list(), true
	}
	for i := range domains {
		for j := range domains {
			if domains[j].vars.within(domains[i].vars) && i != j {
				domains[i].parts = append(domains[i].parts, j)
				domains[j].top = false
			}
		}
	}
	for i := range domains { // parts are there before what contains them
		slices.SortStableFunc(domains[i].parts, func(a, b int) int { return domains[a].vars.len() - domains[b].vars.len() })
	}
	pl.domains = domains
	return nil
}

// plan prepares what an event of one type does.
func (pl *plan) plan(t *props.EventType) {
	l := letter{EventType: t, vars: varsOf(t)}
	l.domain, l.list = find(pl.domains, l.vars), l.vars.list()
	l.sure = !t.Other && slices.Contains(pl.property.Complete(), t.Type)
	l.leads = !slices.ContainsFunc(pl.letters, func(before letter) bool { return before.Type == t.Type })
	for i := range pl.domains {
		d := &pl.domains[i]
		switch {
		case d.vars.within(l.vars) || pl.lazy && !d.event:
		case l.vars.within(d.vars):
			l.larger = append(l.larger, pl.finder(i, l.vars))
		case !pl.lazy:
			l.joins = append(l.joins, pl.join(l.vars, i))
		}
	}
	pl.letters = append(pl.letters, l)
}

func (pl *plan) join(vars set, partner int) join {
	with := pl.domains[partner].vars
	j := join{by: (vars & with).list(), added: with &^ vars, union: find(pl.domains, vars|with)}
	j.finder = pl.finder(partner, vars&with)
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

// finder returns the index of a domain by some of its variables.
func (pl *plan) finder(domain int, by set) finder {
	d := &pl.domains[domain]
	for i, x := range d.indexes {
		if x.by == by {
			return finder{domain, i}
		}
	}
	x := index{by: by, cols: []int{}} // nil would mean all
	for col, v := range d.list {
		if by&(1<<v) != 0 {
			x.cols = append(x.cols, col)
		}
	}
	d.indexes = append(d.indexes, x)
	return finder{domain, len(d.indexes) - 1}
}

// mostRoutes is how many roles an event has in all properties, at most.
func (p *Program) mostRoutes() (most int) {
	most = len(p.others)
	for _, routes := range p.routes { //wtsim:order the greatest is the same
		most = max(most, len(routes))
	}
	return most
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

// list returns the variables, ascending.
func (s set) list() []int {
	all := make([]int, 0, s.len())
	for v := 0; s != 0; {
		v, s = s.first()
		all = append(all, v)
	}
	return all
}

// first returns the least variable, and the set without it.
func (s set) first() (int, set) { return bits.TrailingZeros64(uint64(s)), s & (s - 1) }

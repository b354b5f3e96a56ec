package monitor

import (
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/values"
)

// Most of what an event costs is waiting for memory: the tables that find
// values and instances do not fit into a core's cache. But a core waits for
// many places at once if it knows them all. So events are taken in groups, and
// what the events of a group will look up is loaded before: first the slots
// where their values stand, then those where their instances do, then these.
// What is loaded is not looked at, so that nothing hangs on whether it is what
// will be needed.

// ahead is the working memory of that.
type ahead struct {
	values []uint64 // hashes
	aims   []aim
	plain  []values.Symbol // by variable, canonical
	loaded uint32          // what was loaded, summed up: else the compiler would leave it out
}

// aim is a slot of a table, and later the instance there.
type aim struct {
	pool *pool
	slot *cell
	cell cell
}

// expectValues loads what gives the values of events their numbers. each
// calls its argument for each of the events.
func (m *engine) expectValues(each func(func(*event.Event))) {
	t, a := &m.symbols, &m.ahead
	if len(t.Slots) == 0 {
		return
	}
	a.values = a.values[:0]
	each(func(e *event.Event) {
		for _, r := range m.program.routesOf(e.Type) {
			for _, b := range m.stores[r.plan].letters[r.letter].Binds {
				if v, ok := b.Of(e); ok && v.CanBind() {
					a.values = append(a.values, t.HashOf(v.Kind(), v.Text()))
				}
			}
		}
	})
	mask := uint64(len(t.Slots) - 1)
	for _, hash := range a.values {
		a.loaded += t.Slots[hash&mask].Number
	}
}

// expect says that an event will be applied soon.
func (m *engine) expect(o *occurrence) {
	for i := range o.routed {
		r := &o.routed[i]
		s := &m.stores[r.plan]
		l := s.letterOf(r.letter)
		for i, v := range l.list {
			m.ahead.plain[v] = m.symbols.Canonical(r.values[i])
		}
		d := &s.domains[l.domain]
		m.aimAt(&s.pools[l.domain], &s.pools[l.domain].main, d.list)
		for _, part := range d.parts {
			m.aimAt(&s.pools[part], &s.pools[part].main, s.domains[part].list)
		}
		for i := range s.pools[l.domain].index { // where it is linked if it is new
			x := &d.indexes[i]
			m.aimAtGroup(&s.pools[l.domain], i, x.cols)
		}
		for _, f := range l.larger {
			if p := &s.pools[f.domain]; p.index != nil {
				m.aimAt(p, &p.index[f.index], l.list)
			}
		}
	}
}

func (m *engine) aimAt(p *pool, t *table, vars []int) {
	if len(vars) == 0 || t.n == 0 {
		return
	}
	var room [8]values.Symbol
	key := pick(room[:0], m.ahead.plain, vars)
	at := key[0]
	if len(key) > 1 {
		at = values.Symbol(hashOf(key) & uint32(len(t.slots)-1))
	}
	if int(at) < len(t.slots) {
		m.ahead.aims = append(m.ahead.aims, aim{pool: p, slot: &t.slots[at]})
	}
}

// aimAtGroup is aimAt, for a group of an index given by columns.
func (m *engine) aimAtGroup(p *pool, index int, cols []int) {
	var room [8]int
	vars := room[:0]
	for _, col := range cols {
		vars = append(vars, p.list[col])
	}
	m.aimAt(p, &p.index[index], vars)
}

// fetch loads what the expected events will look up.
func (m *engine) fetch() {
	a := &m.ahead
	for i := range a.aims {
		a.aims[i].cell = *a.aims[i].slot - 1
	}
	for i := range a.aims {
		if x := &a.aims[i]; int(x.cell) < len(x.pool.all) {
			a.loaded += x.pool.all[x.cell].state
			if n := len(x.pool.indexes); n > 0 {
				a.loaded += uint32(x.pool.links[int(x.cell)*n].before)
			}
		}
	}
	a.aims = a.aims[:0]
}

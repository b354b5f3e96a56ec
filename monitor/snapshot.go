package monitor

import "slices"

// takenDown is a copy of what is large of an engine, and changes: of a snapshot, for
// whoever writes it. The copy is swept there, not the engine.
type takenDown struct {
	trails trails
	order  []*pool         // copies, in the order in which they are swept
	pools  map[*pool]*pool // the copies, by what they are of
}

// plain tells whether all that instances of an engine are can be copied at once: nothing is lacking,
// doubted or inherited, and no order is open.
func plain(stores []store) bool {
	for i := range stores {
		s := &stores[i]
		if len(s.settled) > 0 {
			return false
		}
		for d := range s.pools {
			p := &s.pools[d]
			if len(p.spelt)+len(p.inherited)+len(p.lacking)+len(p.doubted)+len(p.fuzzy) > 0 {
				return false
			}
		}
	}
	return true
}

// takeDown copies what is plain.
func takeDown(all *trails, stores []store) *takenDown {
	t := &takenDown{trails: all.frozen(), pools: map[*pool]*pool{}}
	for i := range stores {
		s := &stores[i]
		for d := range s.pools {
			p := &s.pools[d]
			q := &pool{domain: p.domain, all: slices.Clone(p.all), keys: slices.Clone(p.keys)}
			t.order, t.pools[p] = append(t.order, q), q
		}
	}
	return t
}

// sweep keeps what instances have of the trails, as sweepTrails does, and numbers it
// anew. It is called once, before the pools are written.
func (t *takenDown) sweep() *trails {
	swept := &trails{}
	live := make([]bool, t.trails.records.n)
	for _, p := range t.order {
		for c := range p.all {
			p.all[c].trail = swept.adopt(&t.trails, p.all[c].trail, live)
		}
	}
	swept.keepLive(&t.trails, live, func(text string) string { return text })
	return swept
}

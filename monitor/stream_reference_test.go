package monitor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// arrival is an event as it comes in.
type arrival struct {
	happening
	source int
	at     int // milliseconds
	seq    int // -1 for none
	lossy  bool
}

// place is what the reference finds out of the order of arrivals: for each
// its effective time and its position in its source; and which are late. It
// is semantics.md's section on order, and that on time, one arrival after the
// other, with everything computed anew each time.
type placed struct {
	effective []int
	late      []bool
	settled   []bool
	epoch     []int  // how often its source was forgotten before it
	forgot    []bool // it is the first after that
	newest    int    // time seen, of what was late too
}

func placeAll(as []arrival, skew, lateness, ttl int) placed {
	p := placed{make([]int, len(as)), make([]bool, len(as)), make([]bool, len(as)), make([]int, len(as)), make([]bool, len(as)), 0}
	newest := -1 << 40
	for n := range as {
		p.forget(as[:n+1], newest-skew-lateness-ttl, ttl > 0)
		order := sourceOrder(as[:n+1], as[n].source, p)
		times := effectiveTimes(as, order, p)
		i := slices.Index(order, n)
		newest = max(newest, times[i])
		p.newest = newest
		watermark := newest - skew - lateness
		p.late[n] = times[i] < watermark || ttl > 0 && as[n].at < watermark-ttl || slices.ContainsFunc(order[i:], func(later int) bool { return p.settled[later] })
		order = sourceOrder(as[:n+1], as[n].source, p)
		for j, t := range effectiveTimes(as, order, p) {
			p.effective[order[j]] = t
		}
		for e := range n + 1 {
			p.settled[e] = p.settled[e] || !p.late[e] && p.effective[e] < watermark
		}
	}
	return p
}

// forget is what a time to live does to sources: one whose events are all
// settled, and older than that, is as if it had never been seen.
func (p placed) forget(as []arrival, limit int, mortal bool) {
	n := len(as) - 1
	last, any := -1<<40, false
	for e, a := range as[:n] {
		if a.source != as[n].source {
			continue
		}
		if p.epoch[n] = p.epoch[e]; p.forgot[e] { // it began anew, be it with one that was late
			last, any = -1<<40, false
		}
		if p.late[e] {
			continue
		}
		if last, any = max(last, p.effective[e]), true; !p.settled[e] {
			return
		}
	}
	if mortal && any && last < limit {
		p.epoch[n]++
		p.forgot[n] = true
	}
}

// sourceOrder returns the events of a source in its order: by sequence; one
// without stands right after the one that came before it.
func sourceOrder(as []arrival, source int, p placed) []int {
	type ranked struct{ anchor, event int }
	var all []ranked
	anchor := -1
	for e, a := range as {
		if a.source != source {
			continue
		}
		if p.forgot[e] {
			anchor = -1
		}
		if a.seq >= 0 {
			anchor = a.seq
		}
		if !p.late[e] {
			all = append(all, ranked{anchor, e})
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int {
		return cmp.Or(p.epoch[a.event]-p.epoch[b.event], a.anchor-b.anchor)
	})
	var order []int
	for _, r := range all {
		order = append(order, r.event)
	}
	return order
}

func effectiveTimes(as []arrival, order []int, p placed) []int {
	times := make([]int, len(order))
	for i, e := range order {
		times[i] = as[e].at
		if i > 0 {
			times[i] = max(times[i], times[i-1])
		}
		if p.settled[e] {
			times[i] = p.effective[e]
		}
	}
	return times
}

// exactOrder returns the events that are not late: by effective time, at
// equal times by arrival, but those of a source in its order in the places
// that they hold.
func exactOrder(as []arrival, p placed) []int {
	var all []int
	for e := range as {
		if !p.late[e] {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b int) int { return p.effective[a] - p.effective[b] })
	out := slices.Clone(all)
	for i := range all {
		order := sourceOrder(as, as[all[i]].source, p)
		nth := 0 // among the places that its source holds at this time
		for _, e := range all[:i] {
			if as[e].source == as[all[i]].source && p.effective[e] == p.effective[all[i]] {
				nth++
			}
		}
		order = slices.DeleteFunc(order, func(e int) bool { return p.effective[e] != p.effective[all[i]] })
		out[i] = order[nth]
	}
	return out
}

// spread is what an instance comes to, over all orders.
type spread struct {
	in            bound
	certain, some bool
	byTime        int          // the violating event in the order by time; -1 if that does not violate
	at            map[int]bool // the events that violate in some order
	slice         []int        // in exact order
	precedes      func(a, b int) bool
}

// spreads is semantics.md's section on skew: all instances, and for each all
// linear extensions of its slice; those that some order violates.
func (mo *model) spreads(as []arrival, p placed, skew int, f flaw) (out []spread) {
	for _, s := range mo.instances(as, p, skew, f) {
		s.certain, s.at = true, map[int]bool{}
		s.byTime = mo.violatingEvent(as, s.slice)
		s.orders(nil, func(order []int) {
			if at := mo.violatingEvent(as, order); at >= 0 {
				s.some, s.at[at] = true, true
			} else {
				s.certain = false
			}
		})
		if s.some {
			out = append(out, s)
		}
	}
	return out
}

// instances returns all instances with their slices.
func (mo *model) instances(as []arrival, p placed, skew int, f flaw) []spread {
	trace := exactOrder(as, p)
	precedes := func(a, b int) bool {
		if as[a].source == as[b].source && f != chainsForgotten {
			order := sourceOrder(as, as[a].source, p)
			return slices.Index(order, a) < slices.Index(order, b)
		}
		if f == skewOffByOne {
			return p.effective[a]+skew <= p.effective[b]
		}
		return p.effective[a]+skew < p.effective[b]
	}
	instances := map[string]bound{}
	root := slices.Repeat(bound{-1}, mo.vars)
	instances[fmt.Sprint(root)] = root
	for _, e := range trace {
		if b, ok := mo.binding(as[e].happening); ok {
			for _, in := range sortedBounds(instances) {
				if u, ok := in.join(b); ok {
					instances[fmt.Sprint(u)] = u
				}
			}
		}
	}
	var out []spread
	for _, in := range sortedBounds(instances) {
		s := spread{in: in, precedes: precedes}
		for _, e := range trace {
			if b, ok := mo.binding(as[e].happening); ok && b.within(in) {
				s.slice = append(s.slice, e)
			}
		}
		out = append(out, s)
	}
	return out
}

func sortedBounds(m map[string]bound) []bound {
	var all []bound
	for _, k := range sorted(m) {
		all = append(all, m[k])
	}
	return all
}

// orders calls each linear extension of the slice.
func (s *spread) orders(done []int, call func([]int)) {
	if len(done) == len(s.slice) {
		call(done)
		return
	}
	for _, e := range s.slice {
		free := !slices.Contains(done, e) && !slices.ContainsFunc(s.slice, func(other int) bool {
			return !slices.Contains(done, other) && other != e && s.precedes(other, e)
		})
		if free {
			s.orders(append(slices.Clip(done), e), call)
		}
	}
}

// violatingEvent runs the automaton; -1 if it is not violated.
func (mo *model) violatingEvent(as []arrival, order []int) int {
	state := 2
	for _, e := range order {
		if state = mo.after(state, as[e].happening); state == 0 {
			return e
		}
	}
	return -1
}

func (mo *model) after(state int, h happening) int {
	if state < 2 {
		return state
	}
	flag := 0
	if h.flag {
		flag = 1
	}
	return mo.next[state][h.kind][flag]
}

// judged is a report of the stream, as the reference reads it.
type judged struct {
	in      bound
	certain bool
	event   int
	witness []int
	states  []string
}

// compare checks a stream's reports against the reference; the first
// difference is returned.
func (mo *model) compare(as []arrival, want []spread, got []judged) string {
	find := func(in bound) *judged {
		i := slices.IndexFunc(got, func(j judged) bool { return slices.Equal(j.in, in) })
		if i < 0 {
			return nil
		}
		return &got[i]
	}
	stronger := func(a, b bool) bool { return a || !b }
	for _, s := range want {
		hides := func(at func(int) bool, certain bool) bool {
			return slices.ContainsFunc(got, func(j judged) bool {
				return j.in.within(s.in) && !slices.Equal(j.in, s.in) && stronger(j.certain, certain) && at(j.event)
			})
		}
		j := find(s.in)
		switch {
		case j == nil && s.byTime >= 0 && !hides(func(e int) bool { return e == s.byTime }, s.certain):
			return fmt.Sprintf("%v is not reported, certain is %v", s.in, s.certain)
		case j == nil && !hides(func(e int) bool { return s.at[e] }, s.certain):
			return fmt.Sprintf("%v is not reported, it is possible", s.in)
		case j == nil:
		case j.certain != s.certain:
			return fmt.Sprintf("%v: certain is %v, want %v", s.in, j.certain, s.certain)
		case hides(func(e int) bool { return e == j.event }, s.certain):
			return fmt.Sprintf("%v is reported although a smaller one is", s.in)
		default:
			if why := mo.wrongWitness(as, s, *j); why != "" {
				return fmt.Sprintf("%v: %s", s.in, why)
			}
		}
	}
	for _, j := range got {
		if !slices.ContainsFunc(want, func(s spread) bool { return slices.Equal(s.in, j.in) }) {
			return fmt.Sprintf("%v is reported, nothing violates it", j.in)
		}
	}
	return ""
}

func (mo *model) wrongWitness(as []arrival, s spread, j judged) string {
	if s.byTime >= 0 && (j.event != s.byTime || !slices.Equal(j.witness, s.slice[:len(j.witness)])) {
		return fmt.Sprintf("the order by time violates at %d, got %v", s.byTime, j.witness)
	}
	state := 2
	for i, e := range j.witness {
		for _, other := range s.slice {
			if s.precedes(other, e) && !slices.Contains(j.witness[:i], other) {
				return fmt.Sprintf("witness %v: %d must come before %d", j.witness, other, e)
			}
		}
		if !slices.Contains(s.slice, e) || slices.Contains(j.witness[:i], e) {
			return fmt.Sprintf("witness %v is not of the slice %v", j.witness, s.slice)
		}
		if state = mo.after(state, as[e].happening); stateName(state) != j.states[i] || (state == 0) != (i == len(j.witness)-1) {
			return fmt.Sprintf("witness %v leads to %v, got %s at %d", j.witness, stateName(state), j.states[i], i)
		}
	}
	if len(j.witness) == 0 || j.witness[len(j.witness)-1] != j.event {
		return fmt.Sprintf("witness %v does not end with %d", j.witness, j.event)
	}
	return ""
}

func showArrivals(as []arrival) string {
	var b strings.Builder
	for i, a := range as {
		fmt.Fprintf(&b, "%d: T%d%v flag %v from %d at %d seq %d\n", i, a.kind, a.values, a.flag, a.source, a.at, a.seq)
	}
	return b.String()
}

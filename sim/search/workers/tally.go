package workers

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// tally is what the schedules of a search have shown, each with the number of
// the first schedule that did. So it can be told up to any schedule, whoever
// ran which, and in which order they came.
type tally struct {
	orders map[uint64]int // hashes of partial orders
	cases  map[string]firsts
	reach  *search.Tally
}

// firsts are the schedules in which a case of an effect, see [search.Coverage],
// was offered first and taken first; 0 if none.
type firsts struct {
	Offered int `json:"offered"`
	Taken   int `json:"taken,omitempty"`
}

func newTally() tally {
	return tally{orders: map[uint64]int{}, cases: map[string]firsts{}, reach: search.NewTally(nil)}
}

// add takes in a schedule.
func (t tally) add(e *ended) {
	t.order(e.Order, e.Number)
	for _, name := range e.Taken {
		t.note(name, firsts{e.Number, e.Number})
	}
	t.reach.Note(e.Reached, e.Number)
	for _, name := range e.Missing {
		t.note(name, firsts{Offered: e.Number})
	}
}

// reachedToo takes in what others have reached.
func (t tally) reachedToo(first map[string]int) {
	for name, n := range first { //wtsim:order a map to a map
		t.reach.Note([]string{name}, n)
	}
}

// unreached tells of it. What is likely a mistake fails a search, and all of
// it one that is strict.
func (e *End) unreached(all []search.Vacuity, strict bool) {
	for _, v := range all {
		e.Unreached = append(e.Unreached, v.Says)
		if (v.Fails || strict) && e.Verdict == sim.Held {
			e.Verdict, e.Why, e.Complete = sim.Inconclusive, v.String(), false
		}
	}
}

func (t tally) order(hash uint64, number int) {
	if hash != 0 { // 0 is one that is not known
		t.orders[hash] = earlier(t.orders[hash], number)
	}
}

func (t tally) note(name string, f firsts) {
	old := t.cases[name]
	t.cases[name] = firsts{earlier(old.Offered, f.Offered), earlier(old.Taken, f.Taken)}
}

// earlier is the lower of two schedules, where 0 is none.
func earlier(a, b int) int {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// merge takes in another tally.
func (t tally) merge(u tally) {
	for hash, n := range u.orders { //wtsim:order a map to a map
		t.order(hash, n)
	}
	t.reachedToo(u.reach.First)
	for name, f := range u.cases { //wtsim:order a map to a map
		t.note(name, f)
	}
}

// Statistics are what a search has shown besides violations.
type Statistics struct {
	Behaviours int      `json:"behaviours,omitempty"` // distinct partial orders
	Pruned     int      `json:"pruned,omitempty"`     // plans that would have ended like others
	PerSecond  float64  `json:"per_second,omitempty"` // schedules
	Covered    int      `json:"covered,omitempty"`    // cases of the at-least-once closure
	Coverable  int      `json:"coverable,omitempty"`
	Uncovered  []string `json:"uncovered,omitempty"` // by name
	Unreached  []string `json:"unreached,omitempty"` // rules and events of the scenario that no schedule has seen, in words
}

// statistics are what the schedules up to a number have shown.
func (t tally) statistics(through int) Statistics {
	var s Statistics
	for _, n := range t.orders { //wtsim:order a count
		if n <= through {
			s.Behaviours++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.cases)) {
		switch f := t.cases[name]; {
		case f.Taken > 0 && f.Taken <= through:
			s.Covered++
		case f.Offered <= through:
			s.Uncovered = append(s.Uncovered, name)
		}
	}
	s.Coverable = s.Covered + len(s.Uncovered)
	return s
}

// covered returns how many cases there are, and how many of them were taken.
func (t tally) covered() (taken, all int) {
	for _, f := range t.cases { //wtsim:order a count
		if f.Taken > 0 {
			taken++
		}
	}
	return taken, len(t.cases)
}

// packed are the partial orders in few bytes: by schedule, the difference to
// the schedule before as a varint, and the hash in eight bytes.
func (t tally) packed() []byte {
	hashes := slices.SortedFunc(maps.Keys(t.orders), func(a, b uint64) int {
		return cmp.Or(cmp.Compare(t.orders[a], t.orders[b]), cmp.Compare(a, b))
	})
	var out []byte
	last := 0
	for _, h := range hashes {
		out = binary.AppendUvarint(out, uint64(t.orders[h]-last))
		out = binary.BigEndian.AppendUint64(out, h)
		last = t.orders[h]
	}
	return out
}

// unpack takes in what packed has made.
func (t tally) unpack(data []byte) error {
	for n := uint64(0); len(data) > 0; {
		more, size := binary.Uvarint(data)
		if size <= 0 || len(data) < size+8 {
			return errors.New("is cut short")
		}
		n += more
		t.order(binary.BigEndian.Uint64(data[size:]), int(n))
		data = data[size+8:]
	}
	return nil
}

package workers

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// Merged is what the shards of a search have shown together. The zero value
// has none; [Merged.End] wants one.
type Merged struct {
	shards  []*Shard // by shard; nil where there is none
	paths   []string // of these
	seen    tally
	unclear Unclear
	missing []string // what is not there, in words
}

// Add takes in a shard. It says if it is there already. The error says what is
// not of the same search.
func (m *Merged) Add(path string, s *Shard) (again string, err error) {
	if m.shards == nil {
		m.shards, m.paths, m.seen = make([]*Shard, s.Shards), make([]string, s.Shards), newTally()
	}
	if other := m.any(); other != nil {
		if what, theirs, ours := difference(other, s); what != "" {
			return "", fmt.Errorf("%s: %s is %s, but %s in %s; wanted the shards of one search", path, what, ours, theirs, m.paths[other.Shard-1])
		}
	}
	i := s.Shard - 1
	if old := m.shards[i]; old != nil {
		again = fmt.Sprintf("%s: shard %d/%d again, as in %s", path, s.Shard, s.Shards, m.paths[i])
		if !s.further(old) {
			return again, nil
		}
		again += ", which did not get so far and is left out"
	}
	m.shards[i], m.paths[i] = s, path
	m.seen.merge(s.seen) // of a shard that is there twice too: both have run the same schedules
	return again, nil
}

// further reports whether s is more of its shard than another file.
func (s *Shard) further(other *Shard) bool {
	if s.Found != other.Found {
		return other.Found == 0 || s.Found != 0 && s.Found < other.Found
	}
	return s.Through > other.Through
}

// difference tells the first thing in which two files are not of one search.
func difference(a, b *Shard) (what, in, of string) {
	bound := func(s *Shard) any {
		if s.Bound == nil {
			return "not given"
		}
		return *s.Bound
	}
	for _, d := range []struct {
		what string
		a, b any
	}{
		{"the scenario", a.Scenario, b.Scenario},
		{"--strategy", a.Strategy, b.Strategy},
		{"--bound", bound(a), bound(b)},
		{"--schedules", a.Schedules, b.Schedules},
		{"--for", a.For, b.For},
		{"--first-seed", a.FirstSeed, b.FirstSeed},
		{"--no-shrink", a.NoShrink, b.NoShrink},
		{"the number of shards", a.Shards, b.Shards},
		{"wtsim", a.Wtsim, b.Wtsim},
		{"Go", a.Go, b.Go},
		{"the runtime", a.Runtime, b.Runtime},
	} {
		if d.a != d.b {
			return d.what, fmt.Sprintf("%q", fmt.Sprint(d.a)), fmt.Sprintf("%q", fmt.Sprint(d.b))
		}
	}
	return "", "", ""
}

// miss finds out what is not there, and the first schedule that could not be
// judged.
func (m *Merged) miss() {
	m.missing, m.unclear = nil, Unclear{}
	for i, s := range m.shards {
		switch {
		case s == nil:
			m.missing = append(m.missing, fmt.Sprintf("shard %d/%d is missing", i+1, len(m.shards)))
			continue
		case s.Interrupted:
			m.missing = append(m.missing, fmt.Sprintf("shard %d/%d was interrupted", i+1, len(m.shards)))
		}
		if s.Unclear != nil {
			m.unclear.note(s.Unclear.Schedule, s.Unclear.Why)
		}
	}
}

// any is the first of the shards that are there; nil if none is.
func (m *Merged) any() *Shard {
	for _, s := range m.shards {
		if s != nil {
			return s
		}
	}
	return nil
}

// first is the shard with the lowest schedule that violates, else the lowest
// that was found and does not repeat, else nil.
func (m *Merged) first() *Shard {
	var best *Shard
	for _, s := range m.shards {
		if s == nil || s.Found == 0 {
			continue
		}
		if better := s.Verdict == sim.Violated; best == nil || better != (best.Verdict == sim.Violated) && better ||
			better == (best.Verdict == sim.Violated) && s.Found < best.Found {
			best = s
		}
	}
	return best
}

// MergedEnd is the end of a search as its shards tell it together.
type MergedEnd struct {
	End          // without a Finding: what is told of it is the shard's own
	Shard *Shard // that has found the violation; any, if none has
	Told  bool   // what the shard tells is the end; else it is a lower schedule, or there is nothing
	Lacks string // what is missing, in words; empty if nothing is
}

// End says what the shards have shown.
func (m *Merged) End() *MergedEnd {
	m.miss()
	lacks := strings.Join(m.missing, "; ")
	if s := m.first(); s != nil {
		e := &MergedEnd{End: End{Verdict: s.Verdict, Schedules: m.ran(s.Found), Statistics: m.statistics(s.Found), Number: s.Found},
			Shard: s, Told: true, Lacks: lacks}
		e.Elapsed, e.Pruned = m.elapsed(), s.Pruned
		if e.because(m.unclear); e.Why != "" {
			e.Told = false
		}
		return e
	}
	return m.nothing(lacks)
}

// nothing is the end of a search that has found nothing.
func (m *Merged) nothing(lacks string) *MergedEnd {
	s := m.any()
	e := &MergedEnd{End: End{Verdict: sim.Held, Schedules: m.ran(math.MaxInt), Statistics: m.statistics(math.MaxInt), Elapsed: m.elapsed()}, Shard: s, Lacks: lacks}
	e.Complete = lacks == "" && m.unclear.Why == ""
	for _, s := range m.shards {
		e.Complete = e.Complete && s != nil && s.Complete
		if s != nil {
			e.Pruned = max(e.Pruned, s.Pruned)
		}
	}
	switch {
	case m.unclear.Why != "":
		e.Verdict, e.Why = sim.Inconclusive, m.unclear.String()
	case lacks != "":
		e.Verdict, e.Why = sim.Inconclusive, "held in the shards given"
	case s.Bound != nil && !e.Complete:
		e.Verdict, e.Why = sim.Inconclusive, NotAllRun(*s.Bound)
	default:
		long := e.Complete && s.Bound != nil && *s.Bound > 0 || e.Schedules >= search.LongSearch
		e.unreached(m.unreached(long), s.Strict)
	}
	return e
}

// unreached is what none of the shards has reached. That it is likely a mistake
// is known to the shard that has come near.
func (m *Merged) unreached(long bool) []search.Vacuity {
	all := slices.Clone(m.shards[0].Unreached)
	for _, s := range m.shards[1:] {
		all = slices.DeleteFunc(all, func(v search.Vacuity) bool { return s.misses(v.Name) == nil })
		for i, v := range all {
			if o := s.misses(v.Name); o.Fails {
				all[i] = *o
			}
		}
	}
	for i := range all {
		all[i].Fails = all[i].Fails && long
	}
	return all
}

// misses is what the shard has not reached, by its name; nil if it has.
func (s *Shard) misses(name string) *search.Vacuity {
	if i := slices.IndexFunc(s.Unreached, func(v search.Vacuity) bool { return v.Name == name }); i >= 0 {
		return &s.Unreached[i]
	}
	return nil
}

// ran is how many schedules up to a number were run; of all, those beyond the
// last one that the shards have run without a gap too.
func (m *Merged) ran(through int) int {
	n := 0
	for _, s := range m.shards {
		switch {
		case s == nil:
		case through == math.MaxInt:
			n += s.Ran
		default:
			n += dealt(s.Strategy, min(through, s.Through), s.Shard, s.Shards)
		}
	}
	return n
}

// elapsed is the time of the slowest shard: they run side by side.
func (m *Merged) elapsed() time.Duration {
	most := int64(1)
	for _, s := range m.shards {
		if s != nil {
			most = max(most, s.ElapsedNS)
		}
	}
	return time.Duration(most)
}

// statistics are what the schedules up to a number have shown.
func (m *Merged) statistics(through int) Statistics {
	out := m.seen.statistics(through)
	out.PerSecond = float64(m.ran(math.MaxInt)) / m.elapsed().Seconds()
	return out
}

package stream

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
)

// sources knows of each source when it was last heard of, and which of its
// numbers are missing.
type sources struct {
	All     map[string]*source
	Gone    int // missing ones of sources that were forgotten
	Newest  time.Time
	missing int
}

type source struct {
	Newest time.Time
	Events int
	Runs   []run `json:",omitempty"` // ascending, with gaps between them
}

// run is numbers in a row.
type run struct{ From, To int64 }

// Bounds: what is beyond them is forgotten, a source with all of its gaps
// counted.
const (
	maxSources = 20000
	maxRuns    = 64
)

func (s *sources) see(e *event.Event) {
	if s.All == nil {
		s.All = map[string]*source{}
	}
	x := s.All[e.Source]
	if x == nil {
		if len(s.All) >= maxSources {
			s.forget()
		}
		x = &source{}
		s.All[strings.Clone(e.Source)] = x
	}
	x.Events++
	if x.Newest.Before(e.Time) {
		x.Newest = e.Time
	}
	s.reach(e.Time)
	if e.Lossy {
		return // gaps say nothing
	}
	n, err := strconv.ParseInt(e.Sequence, 10, 64)
	if err != nil {
		return // none, or larger than anybody counts
	}
	before := x.missing()
	x.add(n)
	s.missing += x.missing() - before
}

func (s *sources) reach(t time.Time) {
	if s.Newest.Before(t) {
		s.Newest = t
	}
}

// forget drops the half of the sources that was not heard of for longest.
func (s *sources) forget() {
	type aged struct {
		name string
		at   time.Time
	}
	all := make([]aged, 0, len(s.All))
	for name, x := range s.All { //wtsim:order sorted below
		all = append(all, aged{name, x.Newest})
	}
	slices.SortFunc(all, func(a, b aged) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	for _, a := range all[:len(all)/2] {
		s.Gone += s.All[a.name].missing()
		delete(s.All, a.name)
	}
}

// restored counts again what is not saved.
func (s *sources) restored() {
	s.missing = s.Gone
	for _, x := range s.All { //wtsim:order a sum
		s.missing += x.missing()
	}
}

func (x *source) missing() (n int) {
	for i := 1; i < len(x.Runs); i++ {
		n += int(x.Runs[i].From - x.Runs[i-1].To - 1)
	}
	return n
}

// add takes a number in.
func (x *source) add(n int64) {
	i, _ := slices.BinarySearchFunc(x.Runs, n, func(r run, n int64) int {
		if r.To < n {
			return -1
		}
		return 1
	})
	// Run i is the first that ends at n or after it.
	if i < len(x.Runs) && x.Runs[i].From <= n {
		return // a duplicate
	}
	after := i < len(x.Runs) && x.Runs[i].From == n+1
	before := i > 0 && x.Runs[i-1].To == n-1
	switch {
	case before && after:
		x.Runs[i-1].To = x.Runs[i].To
		x.Runs = slices.Delete(x.Runs, i, i+1)
	case before:
		x.Runs[i-1].To = n
	case after:
		x.Runs[i].From = n
	default:
		x.Runs = slices.Insert(x.Runs, i, run{n, n})
	}
	if len(x.Runs) > maxRuns { // the oldest gap is as good as filled
		x.Runs[1].From = x.Runs[0].From
		x.Runs = slices.Delete(x.Runs, 0, 1)
	}
}

// Source is what is known of one source.
type Source struct {
	Name    string
	Newest  time.Time
	Events  int
	Missing int // numbers that its sequence leaves out
}

// Sources are those that the first shard has heard of, the one that is furthest
// behind first.
func (w *Worker) Sources() []Source {
	all := make([]Source, 0, len(w.sources.All))
	for name, x := range w.sources.All { //wtsim:order sorted below
		all = append(all, Source{name, x.Newest, x.Events, x.missing()})
	}
	slices.SortFunc(all, func(a, b Source) int {
		if c := a.Newest.Compare(b.Newest); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}

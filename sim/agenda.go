package sim

import (
	"slices"
	"strings"
	"time"
)

// agenda holds what the platform will do at later instants, in order.
type agenda struct {
	entries []entry
	waited  int // entries that a run waits for
}

// entry is one thing that falls due.
type entry struct {
	at   time.Time
	name string // e.g. "timeout charge(...)"; unique at its instant
	fire func()
	idle bool // a run does not wait for it
}

func (a *agenda) add(at time.Time, name string, fire func()) {
	a.insert(entry{at: at, name: name, fire: fire})
}

func (a *agenda) insert(e entry) {
	if !e.idle {
		a.waited++
	}
	i, _ := slices.BinarySearchFunc(a.entries, e, compareEntries)
	a.entries = slices.Insert(a.entries, i, e)
}

func compareEntries(a, b entry) int {
	if d := a.at.Compare(b.at); d != 0 {
		return d
	}
	return strings.Compare(a.name, b.name)
}

// remove takes an entry away, if it is there.
func (a *agenda) remove(at time.Time, name string) {
	if i, found := slices.BinarySearchFunc(a.entries, entry{at: at, name: name}, compareEntries); found {
		a.delete(i)
	}
}

func (a *agenda) delete(i int) {
	if !a.entries[i].idle {
		a.waited--
	}
	a.entries = slices.Delete(a.entries, i, i+1)
}

// empty reports whether there is nothing to wait for.
func (a *agenda) empty() bool { return a.waited == 0 }

func (a *agenda) first() time.Time { return a.entries[0].at }

// due takes the first entry that is due.
func (a *agenda) due(now time.Time) (entry, bool) {
	if len(a.entries) == 0 || a.entries[0].at.After(now) {
		return entry{}, false
	}
	e := a.entries[0]
	a.delete(0)
	return e, true
}

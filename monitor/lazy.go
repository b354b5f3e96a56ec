package monitor

import (
	"slices"

	"github.com/wtsim/wtsim/props"
)

// Joins without cross products.
//
// LOGGED_IN(user) and PUBLISHED(article) make a join for every user and every
// article: too many to store. They need not be stored where
//
//  1. only letters that bind all variables that any letter binds lead to
//     violated, and no state violates at quiescence. Then no join is reported
//     before an event names all of it;
//  2. for each domain that events bind, the slice of a newborn can be put in
//     another order without changing its end: first the events of one part,
//     then, for each other domain of events inside, those that bind exactly
//     it. It can if the letters of these domains commute with all letters
//     inside. The newborn's state is then the composition of functions that
//     its parts keep.
//
// Both are proved when a property is compiled, by looking at every state and
// pair of letters. Where the proof fails, the joins are stored, as before.

// recipe is rule 2: how the state of a newborn of a domain is found.
type recipe struct {
	base int   // the domain whose events come first
	rest []int // the domains whose functions are applied to its state
}

// Limits of the proof; beyond them joins are stored.
const (
	maxGuardsOfProof  = 6
	maxFunctionsKnown = 512
)

// canBeLazy proves the rules above, and writes down the recipes.
func (pl *plan) canBeLazy() bool {
	if pl.automaton.Stateful() || !pl.hasJoins() {
		return false
	}
	if slices.Contains(pl.automaton.AtEnd, true) || !pl.violatedByTheLargest() {
		return false
	}
	f := functions{pl: pl}
	for i := range pl.domains {
		if d := &pl.domains[i]; d.event && !f.cook(d) {
			return false
		}
	}
	for i := range pl.domains {
		for _, y := range pl.domains[i].recipe.rest {
			pl.domains[y].counted = true
		}
	}
	return f.fewFunctions()
}

// hasJoins tells whether two events may have bindings of which none contains
// the other.
func (pl *plan) hasJoins() bool {
	for _, a := range pl.domains {
		for _, b := range pl.domains {
			if a.event && b.event && !a.vars.within(b.vars) && !b.vars.within(a.vars) {
				return true
			}
		}
	}
	return false
}

// violatedByTheLargest is rule 1.
func (pl *plan) violatedByTheLargest() bool {
	var all set
	for _, d := range pl.domains {
		all |= d.vars
	}
	for i := range pl.automaton.Events {
		t := &pl.automaton.Events[i]
		if varsOf(t) == all {
			continue
		}
		for s := props.StartState; s < len(pl.automaton.States); s++ {
			if slices.Contains(t.Targets(s), props.ViolatedState) {
				return false
			}
		}
	}
	return true
}

// functions are the letters of a plan as functions of states.
type functions struct {
	pl   *plan
	of   [][][]int // by event type, by guards passed, by state
	many bool      // too many guards to look at all
}

func (f *functions) letters(domain int) (out [][]int) {
	if f.of == nil {
		f.tabulate()
	}
	for i := range f.pl.automaton.Events {
		if varsOf(&f.pl.automaton.Events[i]) == f.pl.domains[domain].vars {
			out = append(out, f.of[i]...)
		}
	}
	return out
}

func (f *functions) tabulate() {
	for i := range f.pl.automaton.Events {
		t := &f.pl.automaton.Events[i]
		if t.Guards() > maxGuardsOfProof {
			f.many = true
		}
		var all [][]int
		for passed := range uint64(1) << min(t.Guards(), maxGuardsOfProof) {
			next := make([]int, len(f.pl.automaton.States))
			for s := range next {
				next[s] = t.Next(s, passed)
			}
			all = append(all, next)
		}
		f.of = append(f.of, all)
	}
}

// cook finds the recipe of a domain: the largest base that works.
func (f *functions) cook(d *domain) bool {
	inside := slices.DeleteFunc(slices.Clone(d.parts), func(p int) bool { return p != 0 && !f.pl.domains[p].event })
	for _, base := range slices.Backward(inside) {
		var rest []int
		for _, y := range inside {
			if !f.pl.domains[y].vars.within(f.pl.domains[base].vars) {
				rest = append(rest, y)
			}
		}
		works := !slices.ContainsFunc(rest, func(y int) bool {
			return slices.ContainsFunc(inside, func(z int) bool { return z != y && !f.commute(y, z) })
		})
		if works && !f.many {
			d.recipe = recipe{base, rest}
			return true
		}
	}
	return len(inside) == 0
}

// commute tells whether the letters of two domains commute in every state.
func (f *functions) commute(y, z int) bool {
	for _, a := range f.letters(y) {
		for _, b := range f.letters(z) {
			for s := range a {
				if a[b[s]] != b[a[s]] {
					return false
				}
			}
		}
	}
	return true
}

// fewFunctions bounds the functions that instances may come to keep.
func (f *functions) fewFunctions() bool {
	for i := range f.pl.domains {
		if !f.pl.domains[i].counted {
			continue
		}
		known := [][]int{make([]int, len(f.pl.automaton.States))}
		for s := range known[0] {
			known[0][s] = s
		}
		for at := 0; at < len(known); at++ {
			for _, l := range f.letters(i) {
				next := make([]int, len(l))
				for s, to := range known[at] {
					next[s] = l[to]
				}
				if !slices.ContainsFunc(known, func(k []int) bool { return slices.Equal(k, next) }) {
					known = append(known, next)
				}
			}
			if len(known) > maxFunctionsKnown {
				return false
			}
		}
	}
	return true
}

package simtest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"

	"pgregory.net/rapid"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// hunt looks for a violation under one input.
type hunt struct {
	subject  search.Subject
	property string         // look for a violation of this one; empty: of any
	unjudged bool           // one that could not be judged will do
	hint     scheduler.Plan // of a sweep, that violated last
	found    *sim.Result    // violates it
	other    *sim.Result    // violates another one
	unclear  *sim.Result    // could not be judged
}

// result is the best of what was found.
func (h *hunt) result() *sim.Result {
	for _, r := range []*sim.Result{h.found, h.other, h.unclear} {
		if r != nil {
			return r
		}
	}
	return nil
}

func (h *hunt) run(p scheduler.Plan) *sim.Result {
	r := h.subject.Run(scheduler.NewReplay(p))
	switch {
	case r.Verdict == sim.Held:
	case r.Verdict == sim.Inconclusive:
		h.unclear = first(h.unclear, r)
	case h.property == "" || h.property == r.Violation.Property:
		h.found = first(h.found, r)
	default:
		h.other = first(h.other, r)
	}
	return r
}

func first(a, b *sim.Result) *sim.Result {
	if a != nil {
		return a
	}
	return b
}

// sweep runs at most n of the plans that have one deviation more than a run,
// and returns how many. Their order is random, but always the same for a run:
// a larger n only adds plans. One that has violated in an earlier call comes
// first, which saves most of the time that shrinking takes.
func (h *hunt) sweep(from *sim.Result, n int) (ran int) {
	var plans []scheduler.Plan
	all := from.Record.OneMore(nil)
	for p, ok := all.Next(); ok; p, ok = all.Next() {
		plans = append(plans, p)
	}
	order := rand.New(rand.NewPCG(salt(from.Hash), 0)).Perm(len(plans))
	order = order[:min(n, len(order))]
	if i := slices.IndexFunc(order, func(i int) bool { return slices.Equal(plans[i], h.hint) }); i > 0 {
		order[0], order[i] = order[i], order[0]
	}
	for _, i := range order {
		if h.found != nil || h.unjudged && h.unclear != nil {
			break
		}
		if h.run(plans[i]); h.found != nil {
			h.hint = plans[i]
		}
		ran++
	}
	return ran
}

// salt makes a number of a trace hash.
func salt(hash string) uint64 {
	b, err := hex.DecodeString(hash)
	if err != nil || len(b) < 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// draw runs the benign schedule, draws a plan of up to three deviations and
// runs it, one deviation after the other: each is one of the run so far. It
// returns the runs that held: the benign one, and the last.
//
// (One draw for every decision of a run shrinks badly, and so does a seed.)
func (h *hunt) draw(rt *rapid.T) (held []*sim.Result) {
	rt.Helper()
	r := h.run(nil)
	if r.Verdict != sim.Held {
		return nil
	}
	held = []*sim.Result{r}
	for k := range rapid.IntRange(0, 3).Draw(rt, "deviations") {
		decisions := r.Record.Decisions[r.Record.After:]
		if len(decisions) == 0 {
			break
		}
		i := rapid.IntRange(0, len(decisions)-1).Draw(rt, fmt.Sprintf("decision of deviation %d", k+1))
		o := rapid.IntRange(1, len(decisions[i].Options)-1).Draw(rt, fmt.Sprintf("option of deviation %d", k+1))
		r = h.run(r.Record.Plan.With(&decisions[i], o))
		if r.Verdict != sim.Held {
			break
		}
		held = append(held[:1], r)
	}
	return held
}

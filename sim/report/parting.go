package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// Parting explains to a search how a run was another one the second time; it
// is a [search.Explain]. It says what [FirstDifference] does, and may run the
// plan some more, to tell chance from state.
func Parting(first, second *sim.Result, further search.Further) string {
	d, differ := part(first, second)
	if !differ {
		return fmt.Sprintf("the same steps have the trace hash %s, then %s", first.Hash, second.Hash)
	}
	if cause := d.state(first, second, further); cause != "" {
		return d.text + "; " + cause
	}
	return d.text + "; " + d.likely(first.Runtime)
}

func same(a, b *sim.Result) bool { return a.Hash == b.Hash && a.Verdict == b.Verdict }

// moreRuns is how many further runs tell chance from state: a coin falls ten
// times on one side in one of 500.
const moreRuns = 10

// state says how runs leave something behind for later ones, if they do: what
// differs grows from run to run, or the plan's runs are equal as long as no
// other comes between. An order of operations is never put down to it.
func (d difference) state(r, again *sim.Result, further search.Further) string {
	if further.Again == nil || d.kind == otherOrder || d.kind == otherTime || again.Abandoned {
		return ""
	}
	results := []*sim.Result{r, again}
	for range moreRuns {
		results = append(results, further.Again())
		if results[len(results)-1].Abandoned {
			return ""
		}
	}
	last := results[len(results)-1]
	settled := !slices.ContainsFunc(results[2:], func(x *sim.Result) bool { return !same(x, last) })
	switch {
	case growing(d, results):
		return "it changes in one direction from run to run: a run leaves state behind" + d.keeps()
	case settled && same(last, again):
		return "all further runs are as the second: likely the first run leaves state behind" + d.keeps()
	case !settled:
		return ""
	}
	further.Another()
	if same(further.Again(), again) {
		return "it depends on the schedule that was run before: a run leaves state behind" + d.keeps()
	}
	return ""
}

// keeps names what runs may leave behind.
func (d difference) keeps() string {
	if d.function == "" {
		return ", likely a package-level variable"
	}
	return ", likely a package-level variable in " + d.function
}

// growing reports whether what differs is a number that rises, or falls, with
// every run.
func growing(d difference, results []*sim.Result) bool {
	texts := make([]string, len(results))
	for i, r := range results {
		texts[i] = d.place.text(r)
	}
	numbers, ok := varying(texts)
	if !ok {
		return false
	}
	rises, falls := true, true
	for i := 1; i < len(numbers); i++ {
		rises = rises && numbers[i] > numbers[i-1]
		falls = falls && numbers[i] < numbers[i-1]
	}
	return rises || falls
}

// text is all that a run shows at a place.
func (p place) text(r *sim.Result) string {
	n := 0
	for _, s := range hashed(r, false) {
		if s.Task != p.task {
			continue
		}
		if n++; n == p.n+1 {
			parts := []string{s.Identity, s.Outcome.String(), s.Status, s.EventsText()}
			if s.Operation != nil {
				parts = append(parts, s.Operation.Service, s.Operation.Method, s.Operation.Resource, s.Operation.Request.Target, string(s.Operation.Request.Body))
				parts = append(parts, s.Operation.Request.Words...)
			}
			return strings.Join(parts, "\x00")
		}
	}
	return ""
}

// varying returns the numbers that stand where texts first differ, if that is
// all that stands there.
func varying(texts []string) ([]int64, bool) {
	same := 0
	for i := 0; ; i++ {
		if slices.ContainsFunc(texts, func(t string) bool { return i >= len(t) || t[i] != texts[0][i] }) {
			same = i
			break
		}
	}
	for same > 0 && isDigit(texts[0][same-1]) {
		same--
	}
	out := make([]int64, len(texts))
	for i, t := range texts {
		end := same
		for end < len(t) && isDigit(t[end]) {
			end++
		}
		n, err := strconv.ParseInt(t[same:end], 10, 64)
		if err != nil {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// likely names what may be the cause of a difference, as far as that can be
// judged from it.
func (d difference) likely(runtime string) string {
	in := ""
	if d.function != "" {
		in = " in " + d.function
	}
	switch {
	case d.kind == otherJudge:
		return "likely a property that is not a function of what it is asked about: map iteration, math/rand or a variable that outlives the run"
	case runtime == sim.Patched:
		return fmt.Sprintf("as map iteration, select, random numbers and goroutines are controlled here, likely%s: "+
			"a package-level variable that keeps something from run to run, a map of more than 8 pointers, a finalizer, the real clock, a file or the environment", in)
	case d.kind == otherValue && permuted(d.first, d.second):
		return "likely map iteration" + in + controlled
	case d.kind == otherValue:
		return "likely math/rand, map iteration or a package-level variable" + in + controlled
	case d.kind == otherAnswer:
		return fmt.Sprintf("likely math/rand or state that outlives the run in the service %s, or operations of %s in another order", d.service, d.function) + controlled
	case d.kind == otherTime:
		return "likely math/rand in a delay, timers that fire at one instant or a goroutine race" + in + controlled
	}
	return "likely map iteration, math/rand or a goroutine race" + in + controlled
}

const controlled = " (`wtsim test` and `wtsim build` control these)"

// permuted reports whether two texts have the same bytes in another order.
func permuted(a, b string) bool {
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return a != b && slices.Equal(x, y)
}

// Package linear makes properties that say: what clients are told is
// linearizable.
//
// Words:
//
//   - A call is a request of a client with all its repetitions: it begins with
//     the first attempt and ends with the answer that the client gets.
//   - A model says which answers a call may get in a state, and which state
//     follows.
//   - A history of calls is linearizable if each can be given one instant
//     between its beginning and its end, so that the model, taking them in this
//     order, may give the answers that were given. (Herlihy, Wing: Linearizability,
//     TOPLAS 1990)
//
// The exact rules:
//
//  1. A call that a client gave up on, or that was answered with 5xx or 429 at
//     last, may have happened at any time after it began, or never.
//  2. A request that is repeated is one call: what its attempts do together must
//     be what one of them would do.
//  3. Calls of different parts are independent; each part is looked at alone.
//  4. To decide is NP-hard. After [Model.Budget] steps of the model the run is
//     inconclusive; this depends on the calls alone, never on how fast the
//     machine is.
//
// The search is that of github.com/anishathalye/porcupine.
package linear

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"github.com/wtsim/wtsim/props"
)

// Model is what the calls should look like from outside: an object that does
// them one at a time. Its functions depend on their arguments alone.
type Model[S comparable] struct {
	// Start is the state before the first call.
	Start S
	// Step returns the state that follows a call, and whether the call's answer
	// is right. For a call whose answer is not known (rule 1) right is not looked
	// at.
	Step func(state S, c props.Call) (next S, right bool)
	// Part returns which part of the object a call is about, such as a key, or
	// false if the model does not speak of the call. Nil takes all calls as of
	// one part.
	Part func(props.Call) (part string, ok bool)
	// Budget is how many steps of the model may be tried in a part; 0 for
	// 100 000.
	Budget int
}

// Calls returns the property that the calls of clients are linearizable: that
// they look as if the model did them one at a time. It is decided when the run
// is quiescent.
func Calls[S comparable](name string, m Model[S]) *props.Property {
	if m.Step == nil {
		return props.OfCalls(name, "", nil)
	}
	return props.OfCalls(name, "the calls of clients look as if they happened one at a time", m.check)
}

// check looks at the parts in the order in which they are first called.
func (m Model[S]) check(calls []props.Call) error {
	var names []string
	parts := map[string][]props.Call{}
	for _, c := range calls {
		part, ok := "", true
		if m.Part != nil {
			part, ok = m.Part(c)
		}
		if !ok {
			continue
		}
		if parts[part] == nil {
			names = append(names, part)
		}
		parts[part] = append(parts[part], c)
	}
	var undecided error
	for _, name := range names {
		err := m.checkPart(name, parts[name])
		switch {
		case errors.Is(err, props.ErrUndecided):
			undecided = err
		case err != nil:
			return err
		}
	}
	return undecided
}

func (m Model[S]) checkPart(name string, calls []props.Call) error {
	left := m.Budget
	if left == 0 {
		left = 100_000
	}
	model := porcupine.Model{
		Init: func() any { return m.Start },
		// Without a budget no step is right any more, so that the search ends; its
		// answer is not used.
		Step: func(state, in, _ any) (bool, any) {
			if left--; left < 0 {
				return false, state
			}
			c := calls[in.(int)]
			next, right := m.Step(state.(S), c)
			return right || unknown(c), next
		},
	}
	result, info := porcupine.CheckOperationsVerbose(model, operations(calls), 0)
	switch {
	case left < 0:
		return fmt.Errorf("%w: whether %d calls%s are linearizable, within the budget of the model", props.ErrUndecided, len(calls), of(name))
	case result == porcupine.Ok:
		return nil
	}
	return explain(name, calls, info.PartialLinearizations()[0])
}

// unknown reports whether nobody knows if the call has happened.
func unknown(c props.Call) bool {
	return c.Status == 0 || c.Status >= 500 || c.Status == http.StatusTooManyRequests
}

func operations(calls []props.Call) []porcupine.Operation {
	var all []porcupine.Operation
	for i, c := range calls {
		o := porcupine.Operation{ClientId: i, Input: i, Call: c.Called.UnixNano(), Return: math.MaxInt64}
		if !unknown(c) {
			o.Return = c.Returned.UnixNano()
		}
		all = append(all, o)
	}
	return all
}

// explain tells the longest order that the model can follow, and what does not
// fit behind it.
func explain(name string, calls []props.Call, orders [][]int) error {
	var longest []int
	for _, o := range orders { // which come in no order
		if len(o) > len(longest) || len(o) == len(longest) && slices.Compare(o, longest) < 0 {
			longest = o
		}
	}
	var before, rest []string
	for _, i := range longest {
		before = append(before, told(calls[i]))
	}
	for i, c := range calls {
		if !slices.Contains(longest, i) && !unknown(c) {
			rest = append(rest, told(c))
		}
	}
	where := "anywhere"
	if len(before) > 0 {
		where = "behind " + strings.Join(before, ", ")
	}
	return fmt.Errorf("the calls%s have no order that explains their answers: %s does not fit %s", of(name), strings.Join(rest, " or "), where)
}

func of(part string) string {
	if part == "" {
		return ""
	}
	return fmt.Sprintf(" of %q", part)
}

// told is a call and its answer, on one line.
func told(c props.Call) string {
	s := fmt.Sprintf("%s/%d %s %s", c.Client, c.Number, c.Method, c.Path)
	if c.Body != "" {
		s += " " + short(c.Body)
	}
	switch {
	case unknown(c):
		return s + " -> ?"
	case c.Answer == "":
		return fmt.Sprintf("%s -> %d", s, c.Status)
	}
	return fmt.Sprintf("%s -> %d %s", s, c.Status, short(c.Answer))
}

func short(text string) string {
	const most = 40
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "..."
	}
	return text
}

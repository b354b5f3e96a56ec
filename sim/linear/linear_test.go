package linear

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/props"
)

// register is a model of one that is put and got.
var register = Model[string]{
	Step: func(s string, c props.Call) (string, bool) {
		if c.Method == "PUT" {
			return c.Body, true
		}
		return s, c.Answer == s
	},
	Part: func(c props.Call) (string, bool) { return c.Path, c.Path != "/health" },
}

// call reads "put a 1 5", "get a 2 3 value", "get a 2 ?": what, from, to and
// the answer; a question mark where none came.
func call(t *testing.T, client int, line string) props.Call {
	t.Helper()
	f := append(strings.Fields(line), "", "")
	at := func(s string) time.Time {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(line, err)
		}
		return time.Unix(int64(n), 0)
	}
	c := props.Call{Client: fmt.Sprintf("c%d", client), Number: 1, Method: "GET", Path: "/x", Called: at(f[2])}
	if f[0] == "put" {
		c.Method, c.Body = "PUT", f[1]
	}
	if f[3] != "?" {
		c.Returned, c.Status = at(f[3]), 200
		if f[0] == "get" {
			c.Answer = f[1]
		}
	}
	return c
}

func history(t *testing.T, lines ...string) (all []props.Call) {
	for i, l := range lines {
		all = append(all, call(t, i+1, l))
	}
	return all
}

// Histories that have an order, and such as have none.
func TestCalls(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		want  string // empty if linearizable
	}{
		{"in turn", []string{"put a 1 2", "get a 3 4"}, ""},
		{"nothing", nil, ""},
		{"at the same time, either", []string{"put a 1 4", "get  2 3"}, ""},
		{"touching is at the same time", []string{"put a 1 2", "put b 2 3", "get a 4 5"}, ""},
		{"stale", []string{"put a 1 2", "put b 3 4", "get a 5 6"}, "c3/1 GET /x -> 200 a does not fit behind c1/1 PUT /x a -> 200, c2/1 PUT /x b -> 200"},
		{"back again", []string{"put a 1 2", "put b 3 9", "get b 4 5", "get a 6 7"}, "c4/1 GET /x -> 200 a does not fit behind"},
		{"unanswered and had", []string{"put a 1 ?", "get a 3 4"}, ""},
		{"unanswered and not had", []string{"put a 1 ?", "get  3 4"}, ""},
		{"unanswered, had late", []string{"put a 1 ?", "get  3 4", "get a 5 6"}, ""},
		{"unanswered, had and lost", []string{"put a 1 ?", "get a 3 4", "get  5 6"}, "c3/1 GET /x -> 200 does not fit behind"},
		{"an unanswered read says nothing", []string{"put a 1 2", "get a 3 ?"}, ""},
	} {
		for i := range c.lines { // "get  2 3" is of the empty value
			c.lines[i] = strings.Replace(c.lines[i], "get  ", "get - ", 1)
		}
		calls := history(t, c.lines...)
		for i := range calls {
			calls[i].Answer = strings.Trim(calls[i].Answer, "-")
		}
		err := register.check(calls)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// Parts are independent, what belongs to none is not looked at, and the
// message names the part.
func TestParts(t *testing.T) {
	calls := history(t, "put a 1 2", "put b 3 4", "get a 5 6")
	calls[1].Path = "/y"
	calls = append(calls, props.Call{Path: "/health", Status: 200, Answer: "fine"})
	if err := register.check(calls); err != nil {
		t.Error(err)
	}
	calls[2].Path = "/y"
	if err := register.check(calls); err == nil || !strings.Contains(err.Error(), `the calls of "/y" have no order`) {
		t.Error(err)
	}
}

// What a client was told last counts: 5xx and 429 say nothing.
func TestUnknown(t *testing.T) {
	for _, status := range []int{0, 429, 500, 504} {
		calls := history(t, "put a 1 2", "get a 3 4")
		calls[0].Status = status
		if err := register.check(calls); err != nil {
			t.Error(status, err)
		}
	}
	calls := history(t, "put a 1 2", "get a 3 4")
	calls[0].Status = 409
	if err := register.check(calls); err != nil { // the model takes every PUT
		t.Error(err)
	}
}

// Without a budget nothing is guessed.
func TestBudget(t *testing.T) {
	var lines []string
	for i := range 12 {
		lines = append(lines, fmt.Sprintf("put %d 1 9", i))
	}
	calls := history(t, append(lines, "get other 20 21")...)
	small := register
	small.Budget = 1000
	if err := small.check(calls); !errors.Is(err, props.ErrUndecided) {
		t.Errorf("got %v", err)
	}
	if err := register.check(history(t, "put a 1 9", "put b 1 9", "get other 20 21")); err == nil || errors.Is(err, props.ErrUndecided) {
		t.Errorf("got %v", err)
	}
}

// The check agrees with trying every order, and says the same every time.
func TestAgainstAllOrders(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	bad := 0
	for range 3000 {
		var lines []string
		for range 1 + random.IntN(6) {
			from := random.IntN(8)
			what, to := []string{"put", "get"}[random.IntN(2)], strconv.Itoa(from+1+random.IntN(4))
			if random.IntN(6) == 0 {
				to = "?"
			}
			lines = append(lines, fmt.Sprintf("%s %c %d %s", what, 'a'+rune(random.IntN(2)), from, to))
		}
		calls := history(t, lines...)
		err := register.check(calls)
		if want := ordered(calls, "", make([]bool, len(calls))); (err == nil) != want {
			t.Fatalf("%v: got %v, want %v", lines, err, want)
		}
		if err != nil {
			bad++
			if again := register.check(calls); again.Error() != err.Error() {
				t.Fatalf("%v and %v", err, again)
			}
		}
	}
	if bad < 300 || bad > 2700 {
		t.Errorf("%d of 3000 histories are not linearizable", bad)
	}
}

// ordered tries every order: a call may come next if none that is left has
// ended before it began.
func ordered(calls []props.Call, state string, done []bool) bool {
	if !slices.ContainsFunc(calls, func(c props.Call) bool {
		return !unknown(c) && !done[slices.IndexFunc(calls, func(d props.Call) bool { return d == c })]
	}) {
		return true
	}
	for i, c := range calls {
		if done[i] {
			continue
		}
		first := true
		for j, d := range calls {
			if !done[j] && j != i && !unknown(d) && d.Returned.Before(c.Called) {
				first = false
			}
		}
		next, right := register.Step(state, c)
		if !first || !right && !unknown(c) {
			continue
		}
		done[i] = true
		if ordered(calls, next, done) {
			return true
		}
		done[i] = false
	}
	return false
}

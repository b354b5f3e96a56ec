package tidy

import "testing"

// Every ban finds its function, under another name, as a value and through an
// embedded field too.
func TestBanned(t *testing.T) {
	m := parse(t, map[string]string{"event/a.go": `package event

import (
	"maps"
	"math/rand"
	v2 "math/rand/v2"
	"reflect"
	"slices"
	"sync"
	. "time"
)

var clock = Now

type group struct{ sync.WaitGroup }

func f(g *group, m map[string]int, s *sync.Map, v reflect.Value) {
	_, _ = Since(Time{}), Until(Time{})
	_, _, _ = rand.Int(), v2.N(7), rand.Float64
	rand.Shuffle(0, nil)
	go f(g, m, s, v)
	g.Go(nil)
	AfterFunc(0, nil)
	_ = slices.Collect(maps.Keys(m))
	_ = slices.Sorted(slices.Values(slices.Collect(maps.Values(m))))
	for range maps.All(m) {
	}
	s.Range(nil)
	v.MapKeys()
	for it := v.MapRange(); it.Next(); {
	}
}
`})
	got := bannedCalls(m, layers, stdlib(t, m))
	expect(t, got,
		"event/a.go:13: use of time.Now; want the time of the run; take the time as an argument, or an event's own, or excuse the line with //wtsim:clock and the reason",
		"event/a.go:18: use of time.Since", "event/a.go:18: use of time.Until",
		"event/a.go:19: use of math/rand.Int; want numbers from the run's seed; draw from",
		"event/a.go:19: use of math/rand/v2.N", "event/a.go:19: use of math/rand.Float64",
		"event/a.go:20: use of math/rand.Shuffle",
		"event/a.go:21: bare go statement; ",
		"event/a.go:22: use of (*sync.WaitGroup).Go",
		"event/a.go:23: use of time.AfterFunc",
		"event/a.go:24: use of maps.Keys",
		"event/a.go:25: use of maps.Values",
		"event/a.go:26: use of maps.All",
		"event/a.go:28: use of (*sync.Map).Range",
		"event/a.go:29: use of (reflect.Value).MapKeys",
		"event/a.go:30: use of (reflect.Value).MapRange")
}

// A map is found whatever the expression and wherever its type comes from:
// another package of ours, the standard library, a type parameter.
func TestMapRange(t *testing.T) {
	m := parse(t, map[string]string{
		"event/a.go": `package event

type Set map[string]bool

func Index() map[string]Set { return nil }
`,
		"props/a.go": `package props

import (
	"net/http"

	"example.org/m/event"
)

type table interface{ ~map[string]int | ~map[string]bool }

func f[M table, S ~[]int](h *http.Request, p M, q S) {
	for range event.Index() {
	}
	for k := range event.Index() {
		for _, v := range event.Index()[k] {
			_ = v
		}
	}
	for k := range h.Header {
		_ = k
	}
	for k := range p {
		_ = k
	}
	for i := range q {
		for j := range i {
			_ = j
		}
	}
	for k := range unknown() {
		_ = k
	}
}
`})
	expect(t, bannedCalls(m, layers, stdlib(t, m)),
		"props/a.go:14: range over a map (map[string]event.Set); want one order in every run; ",
		"props/a.go:15: range over a map (event.Set)",
		"props/a.go:19: range over a map (http.Header)",
		"props/a.go:22: range over a map (M)",
		"props/a.go:30: range over something of unknown type; want a package that type-checks; build it first")
}

// What is ordered, drawn from a source that was passed in, excused, a test, or
// outside a run is no finding.
func TestAllowedCalls(t *testing.T) {
	text := `package event

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

func f(m map[string]int, r *rand.Rand) {
	_ = slices.Sorted(maps.Keys(m))
	_ = slices.SortedFunc((maps.Values(m)), nil)
	_ = r.IntN(3) + rand.New(rand.NewPCG(1, 2)).IntN(3)
	for k := range m { //wtsim:order sums commute
		_ = k
	}
	// A comment of its own.
	//wtsim:go joined below
	go f(m, r)
	_ = time.Now() //wtsim:clock outside of the run
	time.Sleep(0)  //wtsim:other is not ours
}
`
	bad := "package event\n\nimport \"time\"\n\nvar _ = time.Now()\n"
	m := parse(t, map[string]string{
		"event/a.go":            text,
		"event/a_test.go":       bad,
		"cmd/wtsim/main.go":     bad,
		"scenarios/shop/app.go": bad,
	})
	expect(t, bannedCalls(m, layers, stdlib(t, m)))
}

// An annotation excuses its own kind, on its own line, with a reason, and only
// while there is something to excuse.
func TestAnnotations(t *testing.T) {
	m := parse(t, map[string]string{"event/a.go": `package event

import "time"

func f() {
	go f() //wtsim:go
	go f() //wtsim:order wrong kind
	_ = 1  //wtsim:go at the end of a line, it says nothing of the next
	go f()
	//wtsim:go too far away

	go f()
	_ = time.Time{} //wtsim:clock was once a time.Now
}
`})
	expect(t, bannedCalls(m, layers, stdlib(t, m)),
		"event/a.go:6: //wtsim:go gives no reason; want //wtsim:go <reason>; ",
		"event/a.go:7: bare go statement", "event/a.go:7: //wtsim:order excuses nothing; ",
		"event/a.go:8: //wtsim:go excuses nothing", "event/a.go:9: bare go statement",
		"event/a.go:10: //wtsim:go excuses nothing", "event/a.go:12: bare go statement",
		"event/a.go:13: //wtsim:clock excuses nothing")
}

package monitor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// load is what some events come to in a number of parts.
type load struct {
	parts       int
	largest     float64 // share of the fullest part, of what it would be if all were equally full
	replication float64 // how many parts an event goes to
	bound       float64 // the same, as the sizes of the cube have it
	hot         float64 // how often the most frequent value occurs, of an equal share
}

// joinOf is a property of some variables, each bound by a letter of its own, and
// all by another.
func joinOf(t *testing.T, variables int) *Program {
	t.Helper()
	all, rule := make([]string, variables), props.From("begun")
	for v := range all {
		all[v] = fmt.Sprint("v", v)
		rule = rule.On(props.On(fmt.Sprint("T", v), all[v])).To("ended")
	}
	last := props.From("ended").On(props.On("ALL", all...)).To(props.Violated)
	p, err := Compile(props.ForAll(all...).Machine("join", rule, last))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// loadOf hands events out. Their values are drawn from a million, evenly or by
// Zipf's law.
func loadOf(p *Program, variables, parts, events int, exponent float64) load {
	r := rand.New(rand.NewPCG(1, uint64(parts)))
	value := func() int64 { return r.Int64N(1e6) }
	if exponent > 0 {
		z := rand.NewZipf(r, exponent, 1, 1e6)
		value = func() int64 { return int64(z.Uint64()) }
	}
	shared, full := p.Parts(parts), make([]int, parts)
	copies, hot, to := 0, map[int64]int{}, []int(nil)
	for range events {
		v := r.IntN(variables + 1)
		e := event.Event{Type: fmt.Sprint("T", v), Time: time.Unix(0, 0)}
		if v == variables {
			e.Type = "ALL"
		}
		for n := range variables {
			if v == variables || n == v {
				x := value()
				hot[x]++
				e.Data = append(e.Data, event.Field{Name: fmt.Sprint("v", n), Value: event.Int(x)})
			}
		}
		to = shared.Route(to[:0], &e)
		copies += len(to)
		for _, part := range to {
			full[part]++
		}
	}
	out := load{parts: parts, replication: float64(copies) / float64(events)}
	out.largest = float64(slices.Max(full)) / (float64(copies) / float64(parts))
	most := 0
	for _, n := range hot { //wtsim:order the greatest is the same
		most = max(most, n)
	}
	out.hot = float64(most) / float64(events) * float64(parts)
	sizes := p.plans[0].sizes(parts)
	for i := range p.plans[0].letters {
		n := 1
		for v, size := range sizes {
			if p.plans[0].letters[i].vars&(1<<v) == 0 {
				n *= size
			}
		}
		out.bound += float64(n) / float64(len(p.plans[0].letters))
	}
	return out
}

// What docs/scaling.md has: events go to as many parts as the cube says and no
// more, that is the least that can be, and values that are spread fill all parts
// alike. Run with -v for the tables.
func TestScaling(t *testing.T) {
	events := 20000
	if testing.Verbose() {
		events = 200000
	}
	for variables := 1; variables <= 3; variables++ {
		p := joinOf(t, variables)
		for _, exponent := range []float64{0, 1.1, 1.5} {
			t.Logf("%d variables, exponent %v: parts, largest share / mean, hottest value / mean, replication, bound", variables, exponent)
			for _, parts := range []int{1, 4, 16, 64, 256, 1024} {
				l := loadOf(p, variables, parts, events, exponent)
				t.Logf("| %d | %.2f | %.2f | %.2f | %.2f |", parts, l.largest, l.hot, l.replication, l.bound)
				if math.Abs(l.replication-l.bound) > 0.03*l.bound {
					t.Errorf("%d variables, %d parts: an event goes to %.2f of them, wanted %.2f", variables, parts, l.replication, l.bound)
				}
				least := math.Pow(float64(parts), 1-1/float64(variables)) * float64(variables) / float64(variables+1)
				if l.bound > least+1.5 && l.bound > 1.5*least {
					t.Errorf("%d variables, %d parts: an event goes to %.2f of them, wanted about %.2f", variables, parts, l.bound, least)
				}
				if exponent == 0 && parts <= 64 && l.largest > 1.25 {
					t.Errorf("%d variables, %d parts: the fullest has %.2f of its share", variables, parts, l.largest)
				}
			}
		}
	}
}

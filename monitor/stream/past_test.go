package stream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
)

// The past that a property begins in is kept until no state is older than the
// record: who takes up an older one comes to the same.
func TestPastIsKept(t *testing.T) {
	r, p := rand.New(rand.NewPCG(1, 15)), newPipeline(t, 1)
	p.compile = compileSome
	var err error
	if p.program, err = compileSome("given"); err != nil {
		t.Fatal(err)
	}
	all := someEvents(rand.New(rand.NewPCG(4, 15)), 300)
	w, err := p.claim(0)
	step := func() {
		if err == nil {
			_, err = w.Step(t.Context(), false)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 {
		p.send(r, all[n*10:n*10+10])
		step()
		if err = w.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var b Block
	b.Plan("given,taken", []Span{{1, 3}})
	p.append([]Block{b}, 1)
	step()
	if w.Needed(nil) != 1 {
		t.Errorf("block %d is needed first, wanted 1", w.Needed(nil))
	}
	if err := p.log(0).Forget(t.Context(), w.Needed(nil)); err != nil {
		t.Fatal(err)
	}
	w, err = p.claim(0)
	p.send(r, all[30:])
	for last, _, _ := p.log(0).Last(t.Context()); err == nil && w.Judged() < last.Seq; {
		step()
	}
	p.close()
	step()
	if err := w.Save(t.Context()); err != nil || w.Needed(nil) < 5 {
		t.Errorf("%v; block %d is needed first, wanted those behind the record alone", err, w.Needed(nil))
	}
	both, _ := compileSome("given,taken")
	want, _ := sequential(t, both, p.options, all)
	if got, _ := p.told(); !slices.Equal(got, want) || slices.ContainsFunc(p.notices, func(n Notice) bool { return n.Alarm }) || len(want) < 10 {
		t.Errorf("%d verdicts, wanted %d and no alarm", len(got), len(want))
	}
}

// A gateway has died when one shard had its block and the other not; the request
// is sent again behind the record that brings a property which begins in the past.
// It is judged then, once, wherever it is sent to.
func TestPastWithoutWhatWasNotAnswered(t *testing.T) {
	for user := range int64(20) { // homes in both shards
		p := newPipeline(t, 2)
		p.compile = compileSome
		given, err := compileSome("given")
		if err != nil {
			t.Fatal(err)
		}
		p.program = given
		used := func(n int) event.Event {
			return event.Event{ID: fmt.Sprint(n), Source: "s", Sequence: fmt.Sprint(n), Type: "USED", Time: begin.Add(time.Duration(n) * time.Second),
				Data: event.Data{{Name: "user", Value: event.Int(user)}}}
		}
		r := rand.New(rand.NewPCG(uint64(user), 15))
		p.send(r, []event.Event{used(1)})
		router, lost := NewRouter(FirstPlan(given), 2), used(2)
		blocks := router.Shards()
		router.Event(blocks, &lost) // nobody wants it: it is whole in shard 0
		p.number++
		if _, err := p.log(1).Append(t.Context(), blocks[1].Seal("g", p.number, begin)); err != nil {
			t.Fatal(err)
		}
		p.past = true
		blocks, spans := make([]Block, 2), p.spans()
		for i := range blocks {
			blocks[i].Plan("given,paid'", spans)
		}
		p.append(blocks, 1)
		both, err := compileSome("given,paid'")
		if err != nil {
			t.Fatal(err)
		}
		p.plan = FirstPlan(given).Next(both)
		p.send(r, []event.Event{used(2)})
		p.close()
		for shard := range 2 {
			p.compete(r, shard)
		}
		got, sum := p.told()
		if want, _ := sequential(t, both, p.options, []event.Event{used(1), used(2)}); !slices.Equal(got, want) || len(want) != 1 || sum.Malformed > 0 || sum.Events+sum.Duplicates != 2 {
			t.Errorf("user %d: %q and %+v, wanted %q", user, got, sum, want)
		}
	}
}

package stream

import (
	"math/rand/v2"
	"slices"
	"testing"
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
	b.Plan("given,taken", 1)
	p.append([]Block{b}, 1)
	step()
	if w.Needed() != 1 {
		t.Errorf("block %d is needed first, wanted 1", w.Needed())
	}
	if err := p.log(0).Forget(t.Context(), w.Needed()); err != nil {
		t.Fatal(err)
	}
	w, err = p.claim(0)
	p.send(r, all[30:])
	for last, _, _ := p.log(0).Last(t.Context()); err == nil && w.Judged() < last.Seq; {
		step()
	}
	p.close()
	step()
	if err := w.Save(t.Context()); err != nil || w.Needed() < 5 {
		t.Errorf("%v; block %d is needed first, wanted those behind the record alone", err, w.Needed())
	}
	both, _ := compileSome("given,taken")
	want, _ := sequential(t, both, p.options, all)
	if got, _ := p.told(); !slices.Equal(got, want) || slices.ContainsFunc(p.notices, func(n Notice) bool { return n.Alarm }) || len(want) < 10 {
		t.Errorf("%d verdicts, wanted %d and no alarm", len(got), len(want))
	}
}

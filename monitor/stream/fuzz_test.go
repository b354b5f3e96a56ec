package stream

import (
	"math/rand/v2"
	"testing"
)

// No block, commit or state that is damaged ends a worker: it is refused, or
// its entries are read up to what is wrong.
func FuzzOpen(f *testing.F) {
	r := NewRouter(FirstPlan(someProgram(f)), 2)
	blocks := r.Shards()
	for _, e := range someEvents(rand.New(rand.NewPCG(1, 1)), 3) {
		r.Event(blocks, &e)
	}
	r.Malformed(blocks, 3, "why")
	blocks[0].Tick(begin)
	blocks[0].Close(true)
	blocks[0].Begin("d")
	blocks[0].Plan("one", nil)
	blocks[0].Plan("two", []Span{{7, 9}, {}})
	for n := range blocks {
		f.Add(blocks[n].Seal("g", 1, begin)[5:])
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b := Opened{entries: string(text)}
		n := 0
		err := b.Each(func(x *Entry) error {
			if n++; x.Input.Why == "" && !x.Input.Tick && !x.Close && x.Begin+x.Plan == "" && x.Input.Event.Source == "" && !x.Input.Guest {
				t.Error("an event without a source")
			}
			return nil
		})
		if err == nil && n == 0 && len(text) > 0 {
			t.Error("bytes that are neither entries nor wrong")
		}
		_, _ = Open(text)
	})
}

func FuzzDecodeCommit(f *testing.F) {
	f.Add([]byte(`{"shard":1,"owner":"a","epoch":1,"found":[{"id":"00"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := DecodeCommit(data)
		if err == nil && (c.Owner == "" || c.Epoch == 0) {
			t.Error("a commit of nobody")
		}
		_, _ = IDOf(data)
	})
}

func FuzzDecodeState(f *testing.F) {
	p := someProgram(f)
	eras, err := engines(FirstPlan(p), someOptions)
	if err != nil {
		f.Fatal(err)
	}
	f.Add((&state{plan: FirstPlan(p), eras: eras, told: map[ID]bool{{1}: true}}).snapshot()(0))
	c := Config{Program: p, Options: someOptions, Compile: compileSome}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := c.decode(data)
		if err == nil && len(s.eras) == 0 {
			t.Error("a state without an engine")
		}
	})
}

package order

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/codec"
)

// occurred is an event in the order of the input: a source, a sequence (0 is
// none) and its own time.
type occurred struct {
	source   int32
	sequence int
	at       int64
}

func (o occurred) text() string {
	if o.sequence == 0 {
		return ""
	}
	return fmt.Sprint(o.sequence)
}

// ordered runs events through a sequencer, and releases what is before the
// newest time less a lateness; what is settled already is left out. The
// sequencer is saved and restored before one of them.
func ordered(t *testing.T, all []occurred, lateness int64, cut int) (out []int, effective map[int]int64) {
	t.Helper()
	q, names := &Sequencer[int]{}, &Sources{}
	for n := range int32(4) {
		names.Number(fmt.Sprint("s", n))
	}
	effective = map[int]int64{}
	release := func(limit *Instant) {
		for {
			group := q.Release(nil, limit)
			if len(group) == 0 {
				return
			}
			for _, w := range group {
				out = append(out, w.Item)
				effective[w.Item] = w.At.Sec
				q.GiveBack(w)
			}
		}
	}
	newest := int64(-1 << 40)
	for i, o := range all {
		if i == cut {
			q, names = restored(t, q, names)
		}
		origin := q.Origin(o.source)
		r := q.RankOf(origin, o.text())
		at, settled := origin.Effective(r, Instant{Sec: o.at})
		newest = max(newest, at.Sec)
		limit := Instant{Sec: newest - lateness}
		if !settled && !at.Before(limit) {
			w := q.Take()
			w.Moment, w.Rank, w.Item = Moment{o.source, at, Instant{Sec: o.at}}, r, i
			q.Place(w)
		}
		release(&limit)
	}
	release(nil)
	return out, effective
}

func restored(t *testing.T, q *Sequencer[int], names *Sources) (*Sequencer[int], *Sources) {
	t.Helper()
	var saved bytes.Buffer
	e := codec.NewEncoder(&saved)
	q.Encode(e, names)
	q.EncodeWaiting(e, func(item *int) { e.Count(*item) })
	if err := e.Close(&saved); err != nil {
		t.Fatal(err)
	}
	into, from := &Sequencer[int]{}, &Sources{}
	d := codec.NewDecoder(&saved)
	into.Decode(d, from)
	into.DecodeWaiting(d, func(item *int) { *item = d.Count() })
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return into, from
}

// What comes out is in exact order: by effective time, which never goes back
// within a source, and in a source by its order; saved anywhere, the same.
func TestSequencer(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		var all []occurred
		at := int64(0)
		for range r.IntN(20) {
			at += r.Int64N(4) - 1
			all = append(all, occurred{r.Int32N(3), r.IntN(6), at})
		}
		lateness := r.Int64N(6)
		out, effective := ordered(t, all, lateness, -1)
		for i, n := range out {
			if effective[n] < all[n].at {
				t.Fatalf("seed %d: %d is earlier than it says, of %v", seed, n, all)
			}
			if i > 0 && effective[out[i-1]] > effective[n] {
				t.Fatalf("seed %d: %v at %v, of %v", seed, out, effective, all)
			}
			for _, before := range out[:i] {
				if a, b := all[before], all[n]; a.source == b.source && a.sequence > b.sequence && b.sequence > 0 {
					t.Fatalf("seed %d: %v, of %v", seed, out, all)
				}
			}
		}
		if again, _ := ordered(t, all, lateness, r.IntN(len(all)+1)); !slices.Equal(again, out) {
			t.Fatalf("seed %d: restored %v, want %v", seed, again, out)
		}
	}
}

// A second event of one source and id is told, whatever else is between; with
// a bound names that old are forgotten, and no younger ones.
func TestSeen(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	of := func(id int, data string) event.Event {
		return event.Event{Source: "s", ID: fmt.Sprint(id), Type: "T", Time: at.Add(time.Duration(id) * time.Second), Data: event.Data{{Name: "x", Value: event.Str(data)}}}
	}
	for _, behind := range []time.Duration{0, 100 * time.Second} {
		s := NewSeen(behind, 0)
		look := func(e event.Event) Sight {
			sign := s.Sign(&e)
			s.Load(sign)
			return s.Enter(sign, &e)
		}
		for i := range 1000 {
			if got := look(of(i, "a")); got != SeenFirst {
				t.Fatalf("%d: got %v", i, got)
			}
			if again, changed := look(of(max(0, i-50), "a")), look(of(max(0, i-50), "b")); again != SeenAgain || changed != SeenChanged {
				t.Fatalf("%d: got %v and %v", i, again, changed)
			}
		}
		if got, want := look(of(3, "a")), map[bool]Sight{true: SeenAgain, false: SeenFirst}[behind == 0]; got != want {
			t.Errorf("behind %v: got %v, want %v", behind, got, want)
		}
	}
	named := of(2000, "")
	named.Type = "" // of which nobody knows what it says
	s := NewSeen(0, 0)
	for n, x := range []struct {
		event.Event
		want Sight
	}{{named, SeenFirst}, {named, SeenAgain}, {of(2000, "a"), SeenAgain}, {of(2001, "a"), SeenFirst}} {
		if got := s.Enter(s.Sign(&x.Event), &x.Event); got != x.want {
			t.Errorf("%d: got %v, want %v", n, got, x.want)
		}
	}
}

// Times far beyond what nanoseconds reach are compared, moved and saved.
func TestInstant(t *testing.T) {
	far := InstantOf(time.Date(9999, 1, 1, 0, 0, 0, 999_999_999, time.UTC))
	if got := far.Add(time.Nanosecond); got.Nsec != 0 || !far.Before(got) || got.Add(-time.Nanosecond) != far || Later(far, got) != got {
		t.Errorf("got %v after %v", got, far)
	}
	var saved bytes.Buffer
	e := codec.NewEncoder(&saved)
	far.Encode(e)
	if err := e.Close(&saved); err != nil {
		t.Fatal(err)
	}
	d := codec.NewDecoder(&saved)
	if got := DecodeInstant(d); got != far || d.Close() != nil {
		t.Errorf("got %v, want %v, %v", got, far, d.Err)
	}
}

package monitor

import (
	"bytes"
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// keepers judge each place by a stream of its own, which is saved and restored
// between two events, and ticked when it is due.
type keepers struct {
	t       *testing.T
	program *Program
	options StreamOptions
	states  map[Place][]byte
	due     map[Place]time.Time
	ids     []string
	ticks   int
}

func (k *keepers) push(at Place, in Input) {
	p := k.program.Only([]string{at.Property})
	s, err := p.Stream(k.options)
	if state, ok := k.states[at]; ok {
		s, err = p.Restore(bytes.NewReader(state), k.options)
	}
	if err != nil {
		k.t.Fatal(err)
	}
	j := s.Push([]Input{in})
	for _, v := range j.Violations() {
		k.ids = append(k.ids, v.ID())
	}
	var state bytes.Buffer
	if err := s.Checkpoint(&state); err != nil {
		k.t.Fatal(err)
	}
	k.states[at] = state.Bytes()
	delete(k.due, at)
	if due, ok := s.Due(); ok {
		k.due[at] = due
	}
}

// pass lets time pass at the places that wait for it.
func (k *keepers) pass(to time.Time) {
	for at, due := range k.due {
		if !due.After(to) {
			k.ticks++
			k.push(at, Input{Tick: true, Event: event.Event{Time: to}})
		}
	}
}

// A stream a place, ticked when something there is due, finds what one stream
// finds: with deadlines, properties of several variables, and events that lack one.
func TestPlacesAsOne(t *testing.T) {
	p, err := Compile(
		props.AtMostOnce("once", props.On("PAID", "order")),
		props.Responds("answered", props.On("ASKED", "order", "user"), props.On("ANSWERED", "order", "user"), 3*time.Second),
		props.Precedes("logged in", props.On("LOGGED_IN", "user"), props.On("ASKED", "user")),
		props.ForAll("user", "order").Machine("nobody pays after a login",
			props.From("out").On(props.On("LOGGED_IN", "user")).To("in"),
			props.From("in").On(props.On("PAID", "order")).To(props.Violated)),
	)
	if err != nil {
		t.Fatal(err)
	}
	o := StreamOptions{Lateness: 2 * time.Second}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for seed := range int64(20) {
		r := rand.New(rand.NewSource(seed))
		k := &keepers{t: t, program: p, options: o, states: map[Place][]byte{}, due: map[Place]time.Time{}}
		whole, err := p.Stream(o)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		newest := begin
		for i := range 200 {
			newest = newest.Add(time.Duration(r.Intn(400)) * time.Millisecond)
			source := r.Intn(3) // one that is behind, always by as much: its clock does not go back
			data := fmt.Sprintf(`{"order":"o%d","user":%d.0}`, r.Intn(5), r.Intn(4))
			if r.Intn(40) == 0 {
				data = `{}`
			}
			e, err := event.Decode(fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"s%d","type":%q,"time":%q,"data":%s}`,
				i, source, []string{"PAID", "ASKED", "ANSWERED", "LOGGED_IN", "NOTHING"}[r.Intn(5)],
				newest.Add(-time.Duration(source)*600*time.Millisecond).Format(time.RFC3339Nano), data))
			if err != nil {
				t.Fatal(err)
			}
			j := whole.Push([]Input{{Event: e}})
			for _, v := range j.Violations() {
				want = append(want, v.ID())
			}
			for _, at := range p.Places(nil, &e) {
				k.push(at, Input{Event: e})
			}
			k.pass(e.Time)
		}
		later := newest.Add(time.Minute)
		j := whole.Push([]Input{{Tick: true, Event: event.Event{Time: later}}})
		for _, v := range j.Violations() {
			want = append(want, v.ID())
		}
		k.pass(later)
		slices.Sort(want)
		slices.Sort(k.ids)
		if len(want) == 0 || !slices.Equal(want, k.ids) {
			t.Fatalf("seed %d: %d violations, and at places %d", seed, len(want), len(k.ids))
		}
		if len(k.due) > 0 || k.ticks == 0 {
			t.Fatalf("%d places are due though all time has passed, %d ticks", len(k.due), k.ticks)
		}
	}
}

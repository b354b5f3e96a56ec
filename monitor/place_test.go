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
	wrong   int // events that are malformed
	ticks   int
}

func (k *keepers) push(at Place, in Input) {
	p, o := k.program.Only([]string{at.Property}), k.options
	o.Part, o.Parts = at.Part, at.Parts
	s, err := p.Stream(o)
	if state, ok := k.states[at]; ok {
		s, err = p.Restore(bytes.NewReader(state), o)
	}
	if err != nil {
		k.t.Fatal(err)
	}
	j := s.Push([]Input{in})
	for _, v := range j.Violations() {
		k.ids = append(k.ids, v.ID())
	}
	k.wrong += j.Lost.Malformed
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
// finds: with deadlines, properties of several variables, and events that lack one;
// whatever the number of shares of what has no common variable.
func TestPlacesAsOne(t *testing.T) {
	for _, shares := range []int{1, 4, 15} {
		t.Run(fmt.Sprint(shares), func(t *testing.T) { placesAsOne(t, shares) })
	}
}

func placesAsOne(t *testing.T, shares int) {
	p, err := Compile(
		props.AtMostOnce("once", props.On("PAID", "order")),
		props.Responds("answered", props.On("ASKED", "order", "user"), props.On("ANSWERED", "order", "user"), 3*time.Second),
		props.Precedes("logged in", props.On("LOGGED_IN", "user"), props.On("ASKED", "user")),
		props.ForAll("user", "order").Machine("nobody asks of an order that is paid",
			props.From("out").On(props.On("LOGGED_IN", "user")).To("in"),
			props.From("in").On(props.On("ASKED", "user", "order")).To("asking"),
			props.From("asking").On(props.On("PAID", "order")).To(props.Violated)),
		props.ForAll("user", "order").Machine("nobody pays after a login",
			props.From("out").On(props.On("LOGGED_IN", "user")).To("in"),
			props.From("in").On(props.On("PAID", "order")).To(props.Violated)),
	)
	if err != nil {
		t.Fatal(err)
	}
	o := StreamOptions{Lateness: 2 * time.Second}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	places := p.Places(shares)
	for seed := range int64(7) {
		r := rand.New(rand.NewSource(seed))
		k := &keepers{t: t, program: p, options: o, states: map[Place][]byte{}, due: map[Place]time.Time{}}
		whole, err := p.Stream(o)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		wrong := 0
		newest := begin
		for i := range 200 {
			newest = newest.Add(time.Duration(r.Intn(400)) * time.Millisecond)
			source := r.Intn(3) // one that is behind, always by as much: its clock does not go back
			data := fmt.Sprintf(`{"order":"o%d","user":%d.0}`, r.Intn(5), r.Intn(4))
			if r.Intn(40) == 0 {
				data = []string{`{}`, `{"user":1}`}[r.Intn(2)]
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
			wrong += j.Lost.Malformed
			for i, at := range places.Of(nil, &e) {
				k.push(at, Input{Event: e, Guest: i > 0})
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
		if wrong == 0 || k.wrong != wrong {
			t.Fatalf("seed %d: %d events are malformed, and at places %d", seed, wrong, k.wrong)
		}
		if len(k.due) > 0 || k.ticks == 0 {
			t.Fatalf("%d places are due though all time has passed, %d ticks", len(k.due), k.ticks)
		}
	}
}

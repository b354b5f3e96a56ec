package monitor

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// mortal is an instance as the reference for the time to live sees it.
type mortal struct {
	in      bound
	named   bool // an event has this binding
	state   int
	dead    bool
	slice   []int
	last    int
	touched bool
	lacks   bool // a part of its slice was forgotten
}

// graveyard is the reference for the time to live, in exact order, for
// properties whose joins are stored: all instances with a slice of their own.
type graveyard struct {
	mo      *model
	as      []arrival
	dead    []bool
	ttl     int
	all     []*mortal
	expired int
	lost    []bound // what was forgotten
}

// expire is the rule: what saw no event for longer is forgotten.
func (g *graveyard) expire(now int) {
	g.all = slices.DeleteFunc(g.all, func(x *mortal) bool {
		if !x.touched || x.last+g.ttl >= now {
			return false
		}
		if !x.dead {
			g.expired++
		}
		g.lost = append(g.lost, x.in)
		root := !slices.ContainsFunc(x.in, func(v int) bool { return v >= 0 })
		if root {
			*x = mortal{in: x.in, named: true, state: 2, dead: g.dead[2], lacks: true}
		}
		return !root
	})
}

// newborn continues the largest instance inside, which is the join of all
// that are; what is not there any more was dead.
func (g *graveyard) newborn(in bound) *mortal {
	union := slices.Repeat(bound{-1}, len(in))
	for _, x := range g.all {
		if x.in.within(in) {
			union, _ = union.join(x.in)
		}
	}
	n := &mortal{in: in, dead: true}
	for _, x := range g.all {
		if slices.Equal(x.in, union) && !x.dead {
			n.state, n.dead, n.slice = x.state, false, slices.Clone(x.slice)
			n.lacks = x.lacks
		}
	}
	for _, l := range g.lost {
		n.lacks = n.lacks || l.within(in) && !l.within(union)
	}
	return n
}

func (g *graveyard) find(in bound) *mortal {
	for _, x := range g.all {
		if slices.Equal(x.in, in) {
			return x
		}
	}
	return nil
}

// observe returns the reports of one event.
func (g *graveyard) observe(e int, now int) string {
	b, ok := g.mo.binding(g.as[e].happening)
	if !ok {
		return " / "
	}
	g.expire(now)
	var born []*mortal
	for _, x := range g.all {
		if u, ok := x.in.join(b); ok && g.find(u) == nil && !slices.ContainsFunc(born, func(n *mortal) bool { return slices.Equal(n.in, u) }) {
			n := g.newborn(u)
			n.named = slices.Equal(u, b)
			born = append(born, n)
		}
	}
	g.all = append(g.all, born...)
	var certain, lacking []report
	for _, x := range g.all {
		if !b.within(x.in) || x.dead && !slices.Equal(x.in, b) {
			continue
		}
		x.slice, x.last, x.touched = append(x.slice, e), now, true
		if x.dead {
			continue
		}
		x.state = g.mo.after(x.state, g.as[e].happening)
		if x.dead = g.dead[x.state] || x.state == 0; x.state != 0 {
			continue
		}
		if r := (report{x.in, g.witness(x.slice)}); x.lacks {
			lacking = append(lacking, r)
		} else {
			certain = append(certain, r)
		}
	}
	g.all = slices.DeleteFunc(g.all, func(x *mortal) bool { return x.dead && !x.named })
	// What is certain hides what is not, not the other way round.
	lacking = slices.DeleteFunc(lacking, func(r report) bool {
		return slices.ContainsFunc(certain, func(c report) bool { return c.in.within(r.in) })
	})
	return render(certain, sound) + " / " + render(lacking, sound)
}

func (g *graveyard) witness(slice []int) (text string) {
	state := 2
	for _, e := range slice {
		state = g.mo.after(state, g.as[e].happening)
		text += fmt.Sprintf(" %d:%s", e, stateName(state))
	}
	return text
}

// agesDiffer compares a stream with the reference; lazy ones are passed over.
func (c course) agesDiffer(shift int) (string, error) {
	p, err := Compile(c.model.property())
	if err != nil || p.plans[0].lazy {
		return "", err
	}
	got, sum, err := c.judgeAll()
	if err != nil {
		return "", err
	}
	pl := placeAll(c.arrivals, 0, c.lateness, c.ttl)
	g := &graveyard{mo: &c.model, as: c.arrivals, dead: c.model.dying(), ttl: c.ttl + shift}
	g.all = []*mortal{{in: slices.Repeat(bound{-1}, c.model.vars), named: true, state: 2, dead: g.dead[2]}}
	newest := -1 << 40
	for _, a := range c.arrivals {
		newest = max(newest, a.at)
	}
	for _, e := range exactOrder(c.arrivals, pl) {
		want := g.observe(e, pl.effective[e])
		var certain, lacking []report
		for _, j := range got {
			if j.event == e {
				r := report{in: j.in}
				for i, w := range j.witness {
					r.witness += fmt.Sprintf(" %d:%s", w, j.states[i])
				}
				if j.certain {
					certain = append(certain, r)
				} else {
					lacking = append(lacking, r)
				}
			}
		}
		if got := render(certain, allReported) + " / " + render(lacking, allReported); got != want {
			return fmt.Sprintf("ttl %d, at event %d:\ngot  %s\nwant %s\n%s%+v", c.ttl, e, got, want, showArrivals(c.arrivals), c.model), nil
		}
	}
	if g.expire(newest); len(c.arrivals) > 0 && sum.Expired != g.expired {
		return fmt.Sprintf("ttl %d: %d expired, want %d\n%s%+v", c.ttl, sum.Expired, g.expired, showArrivals(c.arrivals), c.model), nil
	}
	return "", nil
}

func mortals() *rapid.Generator[course] {
	return rapid.Custom(func(t *rapid.T) course {
		c := courses(false).Draw(t, "course")
		c.ttl = rapid.IntRange(1, 12).Draw(t, "ttl")
		return c
	})
}

// What the time to live makes of verdicts, witnesses and counts is what the
// reference says.
func TestTTLAgreesWithReference(t *testing.T) {
	check := func(t rapid.TB, c course) {
		if diff, err := c.agesDiffer(0); err != nil || diff != "" {
			t.Fatal(diff, err)
		}
	}
	for seed := range 3000 {
		check(t, mortals().Example(seed))
	}
	rapid.Check(t, func(t *rapid.T) { check(t, mortals().Draw(t, "course")) })
	noticedIn(t, "ttl off by one", func(seed int) (string, error) { return mortals().Example(seed).agesDiffer(1) })
}

// Where joins are not stored, a newborn lacks what the parts that its state is
// found from lack: it is possible only, and others are certain as ever. So is it
// in parts, and on both sides of a checkpoint.
func TestForgottenPartsOfLazyJoins(t *testing.T) {
	in, published, faved := props.On("IN", "u"), props.On("PUBLISHED", "a"), props.On("FAVED", "a", "u")
	p, err := Compile(props.ForAll("u", "a").Machine("p",
		props.From("neither").On(in).To("in").On(published).To("published").On(faved).To(props.Violated),
		props.From("in").On(published).To("both").On(faved).To(props.Violated),
		props.From("published").On(in).To("both").On(faved).To(props.Violated),
		props.From("both").On(faved).Stay()))
	if err != nil || !p.plans[0].lazy {
		t.Fatal(err)
	}
	of := func(id string, at time.Duration, typ, user, article string) event.Event {
		e := event.Event{ID: id, Source: "s", Type: typ, Time: epoch.Add(at)}
		for name, value := range map[string]string{"u": user, "a": article} {
			if value != "" {
				e.Data = e.Data.With(name, event.Str(value))
			}
		}
		return e
	}
	events := []event.Event{
		of("1", 0, "IN", "u", ""), of("2", 9*time.Second, "PUBLISHED", "", "a"), of("3", 12*time.Second, "FAVED", "u", "a"), // u is forgotten
		of("4", 13*time.Second, "FAVED", "v", "a"), // neither v nor a is
		of("5", 14*time.Second, "FAVED", "u", "b"), of("6", 15*time.Second, "IN", "u", ""), of("7", 16*time.Second, "FAVED", "u", "c")}
	want := map[string]Certainty{"3": Possible, "4": Certain, "5": Possible, "7": Possible}
	for _, skew := range []time.Duration{0, time.Millisecond} {
		for cut := range len(events) + 1 {
			s, err := p.Stream(StreamOptions{TTL: 10 * time.Second, Skew: skew})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]Certainty{}
			tell := func(j Judgement) {
				for _, v := range j.Violations() {
					if got[v.Event.ID] = v.Certainty; v.Forgotten != (v.Certainty == Possible) {
						t.Errorf("%+v", v)
					}
				}
			}
			for i := range events {
				if i == cut {
					if s, err = restored(s, p); err != nil {
						t.Fatal(err)
					}
				}
				tell(push(s, &events[i], i+1))
			}
			if tell(s.Close()); !maps.Equal(got, want) {
				t.Errorf("skew %v, cut at %d: got %v, want %v", skew, cut, got, want)
			}
		}
	}
}

// Of many names that were forgotten only bits are kept: each is still known,
// few others are taken for one, and a checkpoint has them.
func TestManyForgotten(t *testing.T) {
	var l lost
	name := func(n int) uint64 {
		key := partKey()
		hash, _ := key.Sum(fmt.Append(nil, n))
		return hash
	}
	wrong := 0
	const many = 50_000
	for n := range many {
		l.add(name(n))
	}
	for n := range many {
		if !l.has(name(n)) {
			t.Fatalf("%d is not known", n)
		}
		if l.has(name(n + many)) {
			wrong++
		}
	}
	if l.bits == nil || wrong > many/1000 {
		t.Errorf("%d of %d are taken for another", wrong, many)
	}
}

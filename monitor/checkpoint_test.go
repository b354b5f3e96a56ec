package monitor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// told is all that a stream tells: findings as the command prints them, the
// summary, the counts and what was used.
type told struct {
	findings []string
	sum      Summary
	stats    []PropertyStats
	coverage []Coverage
}

// tell adds what a push came to.
func (x *told) tell(j Judgement) {
	for _, f := range j.Findings {
		line, err := f.MarshalJSON()
		if err != nil {
			panic(err)
		}
		x.findings = append(x.findings, string(line))
	}
}

// inParts judges a course by one stream, or by several of which each is
// restored from the checkpoint of the one before it.
func (c course) inParts(cuts ...int) (all told, err error) {
	return c.inPartsBy(func(s *Stream, _ int, to io.Writer) error { return s.Checkpoint(to) }, cuts...)
}

// snapshot is a checkpoint that is written when the stream has seen all that follows.
func (c course) snapshot(s *Stream, cut int, to io.Writer) error {
	write, err := s.Snapshot()
	if err != nil {
		return err
	}
	c.pushAll(s, cut, len(c.arrivals))
	var sweeps bytes.Buffer
	if err := s.Checkpoint(&sweeps); err != nil {
		return err
	}
	s.Close()
	return write(to)
}

// inPartsBy is inParts, saved in some way.
func (c course) inPartsBy(save func(s *Stream, cut int, to io.Writer) error, cuts ...int) (all told, err error) {
	o := StreamOptions{Skew: c.ms(c.skew), Lateness: c.ms(c.lateness), TTL: c.ms(c.ttl), Coverage: true, limits: c.limits()}
	p, err := Compile(c.model.property())
	if err != nil {
		return all, err
	}
	s, err := p.Stream(o)
	if err != nil {
		return all, err
	}
	from := 0
	for _, cut := range cuts {
		all.tell(c.pushAll(s, from, cut))
		from = cut
		var saved bytes.Buffer
		if err := save(s, cut, &saved); err != nil {
			return all, err
		}
		if p, err = Compile(c.model.property()); err != nil { // as another process would
			return all, err
		}
		if s, err = p.Restore(&saved, o); err != nil {
			return all, err
		}
	}
	all.tell(c.pushAll(s, from, len(c.arrivals)))
	all.tell(s.Close())
	all.sum = s.Summary()
	all.stats, all.coverage = s.Stats(), s.Coverage()
	return all, nil
}

func withTTL(skewed bool) *rapid.Generator[course] {
	return rapid.Custom(func(t *rapid.T) course {
		c := courses(skewed).Draw(t, "course")
		if rapid.Bool().Draw(t, "mortal") {
			c.ttl = rapid.IntRange(1, 12).Draw(t, "ttl")
		}
		if skewed && rapid.Bool().Draw(t, "longer") { // so that fronts slide
			for range rapid.IntRange(0, 20).Draw(t, "more") {
				last := arrival{happening: c.model.draw(t, 2), source: rapid.IntRange(0, 9).Draw(t, "source"), seq: -1}
				if n := len(c.arrivals); n > 0 {
					last.at = c.arrivals[n-1].at + rapid.IntRange(0, 1).Draw(t, "pass")
				}
				c.arrivals = append(c.arrivals, last)
			}
		}
		if n := len(c.arrivals); n > 0 && rapid.IntRange(0, 3).Draw(t, "lossy") == 0 {
			c.arrivals[rapid.IntRange(0, n-1).Draw(t, "which")].lossy = true
		}
		return c
	})
}

// Saved at any event and restored, a stream finds what it would have found:
// with skew, lateness and time to live, cut once or twice.
func TestCheckpointChangesNothing(t *testing.T) {
	check := func(t rapid.TB, c course, cuts []int) {
		whole, err := c.inParts()
		if err != nil {
			t.Fatal(err)
		}
		parts, err := c.inParts(cuts...)
		if err != nil {
			t.Fatal(err)
		}
		beside, err := c.inPartsBy(c.snapshot, cuts...)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(whole, parts) || !reflect.DeepEqual(whole, beside) {
			t.Fatalf("cut at %v of %d, skew %d, ttl %d\nwhole %+v\nparts %+v\nby snapshots %+v\n%s%+v", cuts, len(c.arrivals), c.skew, c.ttl, whole, parts, beside, showArrivals(c.arrivals), c.model)
		}
	}
	for _, skewed := range []bool{false, true} {
		for seed := range 1500 {
			c := withTTL(skewed).Example(seed)
			check(t, c, []int{seed % (len(c.arrivals) + 1)})
		}
		rapid.Check(t, func(t *rapid.T) {
			c := withTTL(skewed).Draw(t, "course")
			cuts := rapid.SliceOfN(rapid.IntRange(0, len(c.arrivals)), 1, 2).Draw(t, "cuts")
			slices.Sort(cuts)
			check(t, c, cuts)
		})
	}
}

// A snapshot that is written when all is over is the checkpoint of when it was taken:
// what the stream does meanwhile changes nothing of it. (With -race: nor is it looked at.)
func TestSnapshot(t *testing.T) {
	for _, skewed := range []bool{false, true} {
		for seed := range 600 {
			c := withTTL(skewed).Example(seed)
			cut := seed % (len(c.arrivals) + 1)
			p, err := Compile(c.model.property())
			if err != nil {
				t.Fatal(err)
			}
			s, err := p.Stream(StreamOptions{Skew: c.ms(c.skew), Lateness: c.ms(c.lateness), TTL: c.ms(c.ttl), Coverage: true, limits: c.limits()})
			if err != nil {
				t.Fatal(err)
			}
			c.pushAll(s, 0, cut)
			snapshotStays(t, s, func() { c.pushAll(s, cut, len(c.arrivals)) })
		}
	}
}

// snapshotStays takes a snapshot and writes it twice as late as it can be: beside
// what follows, and behind it.
func snapshotStays(t *testing.T, s *Stream, follows func()) {
	t.Helper()
	var want, beside, behind bytes.Buffer
	if err := s.Checkpoint(&want); err != nil {
		t.Fatal(err)
	}
	first, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() { written <- first(&beside) }()
	follows()
	var later bytes.Buffer
	if err := errors.Join(<-written, s.Checkpoint(&later)); err != nil { // sweeps
		t.Fatal(err)
	}
	s.Close()
	if err := second(&behind); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want.Bytes(), beside.Bytes()) || !bytes.Equal(want.Bytes(), behind.Bytes()) {
		t.Fatalf("checkpoint %x\nbeside     %x\nbehind     %x", want.Bytes(), beside.Bytes(), behind.Bytes())
	}
}

// The same, of streams that have seen something of all kinds.
func TestSnapshotOfAll(t *testing.T) {
	for _, skew := range []time.Duration{0, 5 * time.Millisecond} {
		for _, of := range []func(testing.TB, time.Duration) (*Program, StreamOptions, []byte){saved, savedRich} {
			p, o, data := of(t, skew)
			s, err := p.Restore(bytes.NewReader(data), o)
			if err != nil {
				t.Fatal(err)
			}
			snapshotStays(t, s, func() {
				for i := range int64(4) { // the first letters are of nobody any more: the others get other numbers
					e := eventAt(fmt.Sprint("shipped-", i), 200*time.Millisecond, "s0", "SHIPPED", -1-i)
					e.Data = e.Data.With("n", event.Str("another"))
					push(s, &e, 0)
				}
				shortLived(s, 120, 3000)
				orders(s, 150, 3000)
			})
		}
	}
}

// The halves of a course are what the reference says of the whole.
func TestCheckpointAgreesWithReference(t *testing.T) {
	for _, skewed := range []bool{false, true} {
		rapid.Check(t, func(t *rapid.T) {
			c := courses(skewed).Draw(t, "course")
			c.cut = rapid.IntRange(1, 1+len(c.arrivals)).Draw(t, "cut")
			if diff, err := c.differs(c.model, sound); err != nil || diff != "" {
				t.Fatal(diff, err)
			}
		})
	}
}

// saved is the checkpoint of a stream that has seen something of all kinds.
func saved(t testing.TB, skew time.Duration) (*Program, StreamOptions, []byte) {
	return savedOf(t, jobs(t), skew, func(s *Stream) { shortLived(s, 0, 120) })
}

// savedRich is saved, with registers and with deadlines that run.
func savedRich(t testing.TB, skew time.Duration) (*Program, StreamOptions, []byte) {
	return savedOf(t, shop(t), skew, func(s *Stream) {
		for i := range int64(9) {
			e := eventAt(fmt.Sprint("open-", i), 0, "s0", "PLACED", -1-i)
			e.Data = e.Data.With("n", event.Int(i))
			push(s, &e, 0)
		}
		orders(s, 0, 60)
	})
}

func savedOf(t testing.TB, p *Program, skew time.Duration, feed func(*Stream)) (*Program, StreamOptions, []byte) {
	o := StreamOptions{Skew: skew, Lateness: 50 * time.Millisecond, TTL: time.Hour}
	s, err := p.Stream(o)
	if err != nil {
		t.Fatal(err)
	}
	feed(s)
	var b bytes.Buffer
	if err := s.Checkpoint(&b); err != nil {
		t.Fatal(err)
	}
	return p, o, b.Bytes()
}

// A checkpoint that is foreign or damaged is refused with one line; no byte
// of it can be changed, added or left out.
func TestBadCheckpoint(t *testing.T) {
	p, o, good := saved(t, 0)
	other, err := Compile(props.AtMostOnce("another", props.On("BEGIN", "job")))
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		p    *Program
		o    StreamOptions
		b    string
		want string
	}{
		"good":        {p, o, string(good), ""},
		"empty":       {p, o, "", `no checkpoint, wanted a file that begins with "wtsim-checkpoint/7"`},
		"foreign":     {p, o, `{"format":"wtsim-counterexample/1"}`, `no checkpoint, wanted a file that begins with "wtsim-checkpoint/7"`},
		"later":       {p, o, "wtsim-checkpoint/2\n" + string(good[19:]), `its format is "wtsim-checkpoint/2", wanted "wtsim-checkpoint/7"`},
		"properties":  {other, o, string(good), `it is of the properties "ends once", "of its user", wanted "another"`},
		"skew":        {p, StreamOptions{Skew: time.Second, Lateness: o.Lateness, TTL: o.TTL}, string(good), "its skew is 0s, wanted 1s"},
		"lateness":    {p, StreamOptions{TTL: o.TTL}, string(good), "its lateness is 50ms, wanted 0s"},
		"ttl":         {p, StreamOptions{Lateness: o.Lateness}, string(good), "its time to live is 1h0m0s, wanted 0s"},
		"cut short":   {p, o, string(good[:len(good)/2]), "it ends too soon"},
		"longer":      {p, o, string(good) + "x", "something follows"},
		"without sum": {p, o, string(good[:len(good)-32]), "it ends too soon"},
	} {
		_, err := x.p.Restore(strings.NewReader(x.b), x.o)
		if got := fmt.Sprint(err); x.want == "" && err != nil || !strings.Contains(got, x.want) && x.want != "" || strings.Contains(got, "\n") {
			t.Errorf("%s: got %q, want %q", name, got, x.want)
		}
	}
	for at := range good {
		bad := slices.Clone(good)
		bad[at] ^= 1 << (at % 8)
		if _, err := p.Restore(bytes.NewReader(bad), o); err == nil {
			t.Fatalf("byte %d of %d can be changed", at, len(good))
		}
	}
}

// A closed stream cannot be saved, and a writer's error is told.
func TestCheckpointFails(t *testing.T) {
	s, err := jobs(t).Stream(StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Checkpoint(failing{}); err == nil || err.Error() != "disk full" {
		t.Error(err)
	}
	s.Close()
	if err := s.Checkpoint(io.Discard); err == nil {
		t.Error("a closed stream was saved")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, fmt.Errorf("disk full") }

// No bytes make Restore panic, hang or accept what it did not write.
func FuzzRestore(f *testing.F) { fuzzRestore(f, saved) }

// The same, with registers and deadlines.
func FuzzRestoreRich(f *testing.F) { fuzzRestore(f, savedRich) }

func fuzzRestore(f *testing.F, saved func(testing.TB, time.Duration) (*Program, StreamOptions, []byte)) {
	for _, skew := range []time.Duration{0, 5 * time.Millisecond} {
		p, o, good := saved(f, skew)
		f.Add(skew > 0, good)
		f.Add(skew > 0, good[:len(good)/3])
		if _, err := p.Restore(bytes.NewReader(good), o); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(false, []byte("wtsim-checkpoint/9\n"))
	p, o, _ := saved(f, 0)
	f.Fuzz(func(t *testing.T, skewed bool, b []byte) {
		o := o
		if skewed {
			o.Skew = 5 * time.Millisecond
		}
		s, err := p.Restore(bytes.NewReader(b), o)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			return
		}
		var again bytes.Buffer
		if err := s.Checkpoint(&again); err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(finish(s)); err != nil {
			t.Fatal(err)
		}
	})
}

// Sweeps of letters number those of notes anew where they stand: a snapshot has notes
// of its own.
func TestSnapshotHasItsNotes(t *testing.T) {
	p, o, data := savedRich(t, 0)
	s, err := p.Restore(bytes.NewReader(data), o)
	if err != nil {
		t.Fatal(err)
	}
	var want, got bytes.Buffer
	if err := s.Checkpoint(&want); err != nil {
		t.Fatal(err)
	}
	write, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for n := range s.engine.trails.notes.n {
		s.engine.trails.notes.at(uint32(n)).letter++
	}
	if err := write(&got); err != nil || !bytes.Equal(want.Bytes(), got.Bytes()) {
		t.Errorf("another checkpoint, %v", err)
	}
}

package function

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream"
)

// batch is what one invocation has for places.
type batch struct {
	now    time.Time
	newest time.Time // of its events
	shares []share
	at     map[string]int  // of a key, in shares
	places []monitor.Place // working memory
}

// share is what a place is given.
type share struct {
	property string
	key      string // of the place's record
	inputs   []monitor.Input
	ending   ending
}

// ending is how a place is asked for what it comes to if nothing else comes.
type ending int

const (
	goesOn   ending = iota
	closed          // as at the end of a file
	declared        // and nothing comes after it: deadlines have passed
)

// add hands an event to the places that it concerns.
func (b *batch) add(f *Function, e *event.Event) {
	if b.newest.Before(e.Time) {
		b.newest = e.Time
	}
	b.places = f.places.Of(b.places[:0], e)
	for i, p := range b.places {
		b.give(p.Property, f.keyOf(p), monitor.Input{Event: *e, Guest: i > 0})
	}
}

func (b *batch) give(property, key string, in monitor.Input) {
	if b.at == nil {
		b.at = map[string]int{}
	}
	i, ok := b.at[key]
	if !ok {
		i = len(b.shares)
		b.at[key], b.shares = i, append(b.shares, share{property: property, key: key})
	}
	b.shares[i].inputs = append(b.shares[i].inputs, in)
}

const (
	// atOnce is how many places are judged for one script.
	atOnce = 128
	// mostTries is how often a place is judged that others write too.
	mostTries = 10
)

// errBusy says that others write the same places all the time.
var errBusy = errors.New("other instances write the same places; try again later")

// judge judges a batch and commits what it comes to, each place by itself. The
// time of its newest event is known when all of it is committed.
func (f *Function) judge(ctx context.Context, b *batch) error {
	chunks := slices.Collect(slices.Chunk(b.shares, atOnce))
	if len(chunks) == 0 {
		chunks = [][]share{nil}
	}
	for i, shares := range chunks {
		var newest time.Time
		if i == len(chunks)-1 {
			newest = b.newest
		}
		if err := f.judgeSome(ctx, shares, newest, b.now); err != nil {
			return err
		}
	}
	return nil
}

func (f *Function) judgeSome(ctx context.Context, shares []share, newest, now time.Time) error {
	for tries := range mostTries {
		if err := pause(ctx, tries); err != nil {
			return err
		}
		changes, err := f.changes(ctx, shares)
		if err != nil {
			return err
		}
		written, err := f.records.commit(ctx, changes, newest, now)
		if err != nil {
			return err
		}
		var again []share
		for i := range changes {
			if written[i] {
				f.told(&changes[i])
			} else {
				again = append(again, shares[i])
			}
		}
		if shares = again; len(shares) == 0 {
			return nil
		}
	}
	return errBusy
}

// pause waits before a further try, so that others get theirs through: longer each
// time, and no two for as long.
func pause(ctx context.Context, tries int) error {
	if tries == 0 {
		return nil
	}
	drawn, err := rand.Int(rand.Reader, big.NewInt(int64(time.Millisecond)<<tries))
	if err != nil {
		return err
	}
	wait := time.NewTimer(time.Duration(drawn.Int64()))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// changes judges what places are given, by their records.
func (f *Function) changes(ctx context.Context, shares []share) ([]change, error) {
	changes := make([]change, len(shares))
	for i := range shares {
		changes[i] = change{key: shares[i].key, dueKey: f.dueKey(shares[i].property)}
	}
	if err := f.records.load(ctx, changes); err != nil {
		return nil, err
	}
	for i := range changes {
		if err := f.change(&changes[i], &shares[i]); err != nil {
			return nil, fmt.Errorf("the record %s: %w", shares[i].key, err)
		}
	}
	return changes, nil
}

// change judges what one place is given.
func (f *Function) change(c *change, given *share) error {
	p, o := f.parts[given.property].program, f.Stream
	o.Part, o.Parts = f.shareOf(given.property, given.key)
	s, err := p.Stream(o)
	if len(c.state) > 0 {
		s, err = p.Restore(bytes.NewReader(c.state), o)
	}
	if err != nil {
		return err
	}
	if given.ending != goesOn {
		c.end(s, given, f.Stream.Skew)
		return nil
	}
	before := s.Summary()
	c.take(s.Push(given.inputs).Findings, false, f.Stream.Skew)
	after := s.Summary()
	c.counts = countsOf(before, after)
	c.counts.Violations = len(c.found)
	c.counts.Undecided = max(after.Undecided, c.own.Undecided) - max(before.Undecided, c.own.Undecided)
	c.due, _ = s.Due()
	var state bytes.Buffer
	if err := s.Checkpoint(&state); err != nil {
		return err
	}
	c.state = state.Bytes()
	return nil
}

// end is what a place comes to if nothing else comes. Its state stays as it is:
// what comes is judged as if nobody had asked, but for what has been told.
func (c *change) end(s *monitor.Stream, given *share, skew time.Duration) {
	c.due, _ = s.Due()
	before := max(s.Summary().Undecided, c.own.Undecided)
	c.take(s.Push(given.inputs).Findings, true, skew) // the time of the newest event, of all places
	judge := s.Close
	if given.ending == declared {
		judge = s.End
	}
	c.take(judge().Findings, true, skew)
	c.own.Undecided = s.Summary().Undecided
	c.counts = counts{Violations: len(c.found), Undecided: max(0, c.own.Undecided-before)}
}

// take takes what was found. What an end has told before its time is settled is not
// told when it is; with skew every end finds it again.
func (c *change) take(all []monitor.Finding, early bool, skew time.Duration) {
	for _, finding := range all {
		if finding.Kind != monitor.FoundViolation {
			c.notices = append(c.notices, finding)
			continue
		}
		id := finding.Violation.ID()
		at := slices.Index(c.own.Told, id)
		switch {
		case at >= 0 && !early && skew == 0:
			c.own.Told = slices.Delete(c.own.Told, at, at+1)
		case at >= 0:
		default:
			if early {
				c.own.Told = append(c.own.Told, id)
			}
			c.found = append(c.found, stream.Object(finding.Violation))
		}
	}
}

// told tells what was not judged, once it is committed.
func (f *Function) told(c *change) {
	if f.Told == nil {
		return
	}
	for _, n := range c.notices {
		f.Told(n)
	}
}

// counts are what is counted of all places.
type counts struct{ Events, Violations, Malformed, Late, Duplicates, Expired, Undecided int }

func countsOf(before, after monitor.Summary) counts {
	return counts{Events: after.Events - before.Events, Malformed: after.Malformed - before.Malformed, Late: after.Late - before.Late,
		Duplicates: after.Duplicates - before.Duplicates, Expired: after.Expired - before.Expired}
}

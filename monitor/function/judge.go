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
}

// add hands an event to the places that it concerns. The one where it is malformed
// is its home, which counts it, else the first.
func (b *batch) add(f *Function, e *event.Event) {
	if b.newest.Before(e.Time) {
		b.newest = e.Time
	}
	b.places = f.Program.Places(b.places[:0], e)
	home := max(0, slices.IndexFunc(b.places, func(p monitor.Place) bool { return p.Values == "" }))
	for i, p := range b.places {
		b.give(p.Property, f.keyOf(p), monitor.Input{Event: *e, Guest: i != home})
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
	p := f.parts[given.property].program
	s, err := p.Stream(f.Stream)
	if len(c.state) > 0 {
		s, err = p.Restore(bytes.NewReader(c.state), f.Stream)
	}
	if err != nil {
		return err
	}
	before := s.Summary()
	j := s.Push(given.inputs)
	for _, finding := range j.Findings {
		if finding.Kind == monitor.FoundViolation {
			c.found = append(c.found, stream.Object(finding.Violation))
		} else {
			c.notices = append(c.notices, finding)
		}
	}
	c.counts = countsOf(before, s.Summary())
	c.due, _ = s.Due()
	var state bytes.Buffer
	if err := s.Checkpoint(&state); err != nil {
		return err
	}
	c.state = state.Bytes()
	return nil
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
	return counts{
		after.Events - before.Events, after.Violations - before.Violations, after.Malformed - before.Malformed, after.Late - before.Late,
		after.Duplicates - before.Duplicates, after.Expired - before.Expired, after.Undecided - before.Undecided,
	}
}

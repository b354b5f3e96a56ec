package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/monitor/stream"
)

// verdicts follows the verdict log: which violations it has, in its order, and
// how far each shard is.
type verdicts struct {
	log   stream.Log
	wake  chan struct{}
	found func(stream.Name) // of what is found from now on; nil is nobody

	reading sync.Mutex // held by who reads
	mu      sync.Mutex
	next    uint64 // the record to be read
	all     []place
	places  map[stream.ID]int
	doubts  []json.RawMessage // undecided instances: the last ones
	counts  map[string]int    // by property
	shards  []stream.Commit   // the last of each, without what was found
	alive   []time.Time       // when a shard's last commit was seen, by our clock
	changed chan struct{}     // closed with each commit

	followers atomic.Int64 // requests that wait for what is found
}

// place is where a violation stands.
type place struct {
	id     stream.ID
	record uint64
	n      int32
}

func newVerdicts(log stream.Log, shards int) *verdicts {
	return &verdicts{log: log, wake: make(chan struct{}, 1), next: 1, places: map[stream.ID]int{}, counts: map[string]int{},
		shards: make([]stream.Commit, shards), alive: make([]time.Time, shards), changed: make(chan struct{})}
}

// stir says that there may be something new.
func (v *verdicts) stir() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// follow reads on until the context ends. Others may append too.
func (v *verdicts) follow(ctx context.Context, failed func(error)) {
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for {
		if err := v.read(ctx); err != nil && ctx.Err() == nil {
			failed(fmt.Errorf("the verdict log: %w", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-v.wake:
		case <-every.C:
		}
	}
}

// read takes in all that is there. At the end of the process it is read while it
// is followed: not twice.
func (v *verdicts) read(ctx context.Context) error {
	v.reading.Lock()
	defer v.reading.Unlock()
	for {
		all, err := v.log.Read(ctx, v.next, 4<<20)
		if err != nil || len(all) == 0 {
			return err
		}
		for _, r := range all {
			if err := v.take(r); err != nil {
				return err
			}
		}
	}
}

func (v *verdicts) take(r stream.Record) error {
	c, err := stream.DecodeCommit(r.Data)
	if err == nil && c.Shard >= len(v.shards) {
		err = fmt.Errorf("it is of shard %d, and there are %d", c.Shard, len(v.shards))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.next = r.Seq + 1
	if err != nil {
		return fmt.Errorf("record %d: %w", r.Seq, err)
	}
	for n, o := range c.Found {
		name, err := stream.NameOf(o)
		if err != nil {
			return fmt.Errorf("record %d: %w", r.Seq, err)
		}
		if v.found != nil {
			v.found(name)
		}
		v.counts[name.Property]++
		v.places[name.ID] = len(v.all)
		v.all = append(v.all, place{name.ID, r.Seq, int32(n)})
	}
	v.doubt(c.Undecided)
	c.Found, c.Undecided = nil, nil
	v.shards[c.Shard], v.alive[c.Shard] = *c, time.Now()
	close(v.changed)
	v.changed = make(chan struct{})
	return nil
}

// mostDoubts is how many undecided instances the status has.
const mostDoubts = 100

// doubt keeps undecided instances, each once.
func (v *verdicts) doubt(all []json.RawMessage) {
	for _, o := range all {
		same := func(d json.RawMessage) bool { return bytes.Equal(d, o) }
		v.doubts = append(slices.DeleteFunc(v.doubts, same), o)
	}
	v.doubts = slices.Clone(v.doubts[max(0, len(v.doubts)-mostDoubts):])
}

// undecided are the last undecided instances, as check tells them.
func (v *verdicts) undecided() []json.RawMessage {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.doubts)
}

// change is closed when a commit comes.
func (v *verdicts) change() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.changed
}

func (v *verdicts) len() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.all)
}

// after is the place behind that of an id; not ok if there is none.
func (v *verdicts) after(id stream.ID) (n int, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	n, ok = v.places[id]
	return n + 1, ok
}

// commits are the last ones, by shard.
func (v *verdicts) commits() []stream.Commit {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]stream.Commit(nil), v.shards...)
}

// silent is for how long a shard had no commit.
func (v *verdicts) silent(shard int) time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	return time.Since(v.alive[shard])
}

// each visits the violation objects from a place on, in order.
func (v *verdicts) each(ctx context.Context, from int, visit func(id stream.ID, object []byte) error) (next int, err error) {
	var found []json.RawMessage
	var record uint64
	for ; ; from++ {
		v.mu.Lock()
		if from >= len(v.all) {
			v.mu.Unlock()
			return from, nil
		}
		p := v.all[from]
		v.mu.Unlock()
		if p.record != record {
			if found, err = v.load(ctx, p.record); err != nil {
				return from, err
			}
			record = p.record
		}
		if err := visit(p.id, found[p.n]); err != nil {
			return from, err
		}
	}
}

func (v *verdicts) load(ctx context.Context, record uint64) ([]json.RawMessage, error) {
	all, err := v.log.Read(ctx, record, 1)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 || all[0].Seq != record {
		return nil, fmt.Errorf("the verdict log has lost record %d", record)
	}
	c, err := stream.DecodeCommit(all[0].Data)
	if err != nil {
		return nil, err
	}
	return c.Found, nil
}

// reached waits until the shards have committed up to some blocks.
func (v *verdicts) reached(ctx context.Context, blocks []uint64) error {
	for {
		change := v.change()
		if v.has(blocks) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-change:
		}
	}
}

func (v *verdicts) has(blocks []uint64) bool {
	for n, c := range v.commits() {
		if c.Offset < blocks[n] {
			return false
		}
	}
	return true
}

// properties are the violations of each property.
func (v *verdicts) properties(names []string) []propertyCount {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]propertyCount, 0, len(names))
	for _, name := range names {
		all = append(all, propertyCount{name, v.counts[name]})
	}
	return all
}

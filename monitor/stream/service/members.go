package service

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/wtsim/wtsim/monitor/stream"
)

// members are the processes that share the shards of a cluster. Each says now
// and then that it lives; who is to have a shard all work out alike. That is
// economy alone: what makes a take-over safe is the fence.
type members struct {
	owner string
	lease time.Duration // who was silent for so long is gone
	own   stream.Log
	all   stream.Log

	mu      sync.Mutex
	last    map[string]uint64 // the last record of each
	seen    map[string]time.Time
	changed time.Time // when one came or went
	moved   time.Time // when we have let go of a shard
}

// member is what one says.
type member struct {
	Member string `json:"member"`
}

func newMembers(owner string, lease time.Duration, logs Logs) *members {
	return &members{owner: owner, lease: lease, own: logs.Cursor("member-" + owner), all: logs.Cursor("*"),
		last: map[string]uint64{}, seen: map[string]time.Time{owner: time.Now()}, changed: time.Now()}
}

// beatsOf is how often one says that it lives, in the time of a lease.
const beatsOf = 4

// run says that this process lives, and hears of others, until the context
// ends; then it says that it is gone.
func (m *members) run(ctx context.Context, failed func(error)) {
	every := time.NewTicker(m.lease / beatsOf)
	defer every.Stop()
	for {
		if err := m.beat(ctx); err != nil && ctx.Err() == nil {
			failed(fmt.Errorf("members: %w", err))
		}
		select {
		case <-ctx.Done():
			gone, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			if r, ok, err := m.own.Last(gone); ok && err == nil {
				_ = m.own.Forget(gone, r.Seq+1) // else the lease ends
			}
			return
		case <-every.C:
		}
	}
}

func (m *members) beat(ctx context.Context) error {
	data, err := json.Marshal(member{m.owner})
	if err != nil {
		return err
	}
	if _, err := m.own.Append(ctx, data); err != nil {
		return err
	}
	all, err := m.all.Read(ctx, 1, 1<<20)
	if err != nil {
		return err
	}
	m.hear(all, time.Now())
	return nil
}

// hear takes in what members have said.
func (m *members) hear(all []stream.Record, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	there := map[string]bool{m.owner: true}
	for _, r := range all {
		var x member
		if json.Unmarshal(r.Data, &x) != nil || x.Member == "" {
			continue // another cursor
		}
		if r.Seq > m.last[x.Member] {
			if _, known := m.seen[x.Member]; !known {
				m.changed = now
			}
			m.last[x.Member], m.seen[x.Member] = r.Seq, now
		}
		there[x.Member] = now.Sub(m.seen[x.Member]) < m.lease
	}
	for name := range m.seen {
		if !there[name] {
			delete(m.seen, name)
			m.changed = now
		}
	}
}

// alive is how many members live.
func (m *members) alive() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.seen)
}

// wanted tells whether this process is to have a shard: each shard goes to the
// member whose hash with it is the highest, so that who comes or goes moves no
// others.
func (m *members) wanted(shard int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	mine := weight(m.owner, shard)
	for name := range m.seen {
		if w := weight(name, shard); w > mine || w == mine && name > m.owner {
			return false
		}
	}
	return true
}

func weight(name string, shard int) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", name, shard))
	return binary.BigEndian.Uint64(sum[:])
}

// letGo tells whether a shard that this process has should be another's: one at
// a time, and not while members come and go.
func (m *members) letGo(shard int) bool {
	if m.wanted(shard) {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if now.Sub(m.changed) < m.lease || now.Sub(m.moved) < m.lease/beatsOf {
		return false
	}
	m.moved = now
	return true
}

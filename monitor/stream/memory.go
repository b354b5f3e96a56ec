package stream

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"sync"
)

// MemoryLogs are logs in memory that share their numbers, for tests.
type MemoryLogs struct {
	mu  sync.Mutex
	all []memoryRecord
}

type memoryRecord struct {
	log string
	Record
}

// Log returns the log of a name; the empty name is all of them together, which
// can only be read.
func (m *MemoryLogs) Log(name string) Log { return memoryLog{m, name} }

type memoryLog struct {
	*MemoryLogs
	name string
}

func (l memoryLog) has(r *memoryRecord) bool {
	return l.name == r.log || l.name == "" && r.log != forgotten
}

// Append is for Log.
func (l memoryLog) Append(_ context.Context, data []byte) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.add(data), nil
}

// AppendIf is for Log.
func (l memoryLog) AppendIf(_ context.Context, data []byte, last uint64) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r, _ := l.last(); r.Seq != last {
		return 0, ErrConflict
	}
	return l.add(data), nil
}

func (l memoryLog) add(data []byte) uint64 {
	seq := uint64(len(l.all) + 1)
	l.all = append(l.all, memoryRecord{l.name, Record{seq, bytes.Clone(data)}})
	return seq
}

// Read is for Log.
func (l memoryLog) Read(_ context.Context, from uint64, size int) (out []Record, _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := max(from, 1) - 1; i < uint64(len(l.all)) && (len(out) == 0 || size > 0); i++ {
		if r := &l.all[i]; l.has(r) {
			out, size = append(out, r.Record), size-len(r.Data)
		}
	}
	return out, nil
}

// Last is for Log.
func (l memoryLog) Last(context.Context) (Record, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.last()
	return r, ok, nil
}

func (l memoryLog) last() (Record, bool) {
	for i := range slices.Backward(l.all) {
		if l.has(&l.all[i]) {
			return l.all[i].Record, true
		}
	}
	return Record{}, false
}

// Forget is for Log.
func (l memoryLog) Forget(_ context.Context, before uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.all[:min(before-1, uint64(len(l.all)))] {
		if r := &l.all[i]; l.has(r) {
			r.log, r.Data = forgotten, nil
		}
	}
	return nil
}

// forgotten is the log of records that are in none any more.
const forgotten = "\x00forgotten"

// MemoryStore is a store in memory, for tests.
type MemoryStore struct {
	mu  sync.Mutex
	all map[string][]byte
}

// Put is for Store.
func (s *MemoryStore) Put(_ context.Context, name string, state []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string][]byte{}
	}
	s.all[name] = bytes.Clone(state)
	return nil
}

// Get is for Store.
func (s *MemoryStore) Get(_ context.Context, name string) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, ok := s.all[name]
	if !ok {
		return nil, ErrNoState
	}
	return io.NopCloser(bytes.NewReader(state)), nil
}

// Delete is for Store.
func (s *MemoryStore) Delete(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, name)
	return nil
}

// List is for Store.
func (s *MemoryStore) List(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.all)), nil
}

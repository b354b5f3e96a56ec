package firestore

import (
	"slices"
	"strings"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe"
)

// Backend is a Firestore during one run. The kernel's lock guards it.
//
// Documents keep their older states, for reads of the past and what listeners
// resume from. Their fields are never changed in place.
type Backend struct {
	rpc.Backend
	kernel  cloud.Kernel
	service *Service

	names    []string             // of documents that are or were there, sorted
	docs     map[string][]version // by name, the oldest first
	last     time.Time            // of the newest commit
	opened   map[string]*transaction
	ages     map[string]int // of transactions, also those that are over
	waiters  []*waiter      // for locks, in the order of their arrival
	streams  []*listener
	expiring map[string]time.Time // when documents are taken away, by name
}

// version is a document's state from an instant on.
type version struct {
	at      time.Time            // its commit
	created time.Time            // the document
	fields  map[string]*pb.Value // nil if it was deleted
}

// live is a document's state at an instant, or now if that is zero; nil if it
// is not there.
func (b *Backend) live(name string, at time.Time) *version {
	vs := b.docs[name]
	for i := len(vs) - 1; i >= 0; i-- {
		if at.IsZero() || !vs[i].at.After(at) {
			if vs[i].fields == nil {
				return nil
			}
			return &vs[i]
		}
	}
	return nil
}

// put adds a state.
func (b *Backend) put(name string, v version) {
	if _, ok := b.docs[name]; !ok {
		i, _ := slices.BinarySearchFunc(b.names, name, compareNames)
		b.names = slices.Insert(b.names, i, name)
	}
	b.docs[name] = append(b.docs[name], v)
}

// tick is the time of the next commit: later than that of all others, in the
// service's microseconds.
func (b *Backend) tick() time.Time {
	at := b.kernel.Now().Truncate(time.Microsecond)
	if !at.After(b.last) {
		at = b.last.Add(time.Microsecond)
	}
	b.last = at
	return at
}

// present is an instant at which all that was committed is seen.
func (b *Backend) present() time.Time {
	now := b.kernel.Now().Truncate(time.Microsecond)
	if now.Before(b.last) {
		return b.last
	}
	return now
}

// below returns the names of documents whose names begin with a prefix.
func (b *Backend) below(prefix string) []string {
	var out []string
	for _, name := range b.names {
		if strings.HasPrefix(name, prefix) {
			out = append(out, name)
		}
	}
	return out
}

// told is a document as clients get it.
func told(name string, v *version, mask *pb.DocumentMask) (*pb.Document, error) {
	fields, err := masked(v.fields, mask)
	if err != nil {
		return nil, err
	}
	return &pb.Document{Name: name, Fields: fields, CreateTime: timestamppb.New(v.created), UpdateTime: timestamppb.New(v.at)}, nil
}

// Touches reports whether the resource of an operation tells all that it
// touches: not in a transaction, whose end others wait for, and not a stream's.
func (b *Backend) Touches(op *event.Operation) bool {
	switch op.Method {
	case "beginTransaction", "rollback", "listen":
		return false
	}
	return len(b.opened) == 0 && len(b.waiters) == 0 && len(b.streams) == 0
}

// AppendState adds the transactions and who waits for them.
func (b *Backend) AppendState(d *cloud.Digest) {
	for _, id := range sortedKeys(b.opened) {
		t := b.opened[id]
		d.Text(id)
		d.Time(t.expires)
		d.Number(int64(len(t.reads)))
	}
	d.Number(int64(len(b.waiters)))
	for _, s := range b.streams {
		d.Flags(s.task != nil)
	}
}

// Expires returns when the last lock on a document is given up of a transaction
// that does nothing more.
func (b *Backend) Expires(resource string) int64 {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	var last time.Time
	for _, id := range sortedKeys(b.opened) {
		t := b.opened[id]
		if t.pessimistic() && t.expires.After(last) && slices.ContainsFunc(t.reads, func(f footprint) bool { return f.name != "" && pathOf(f.name) == resource }) {
			last = t.expires
		}
	}
	if last.IsZero() {
		return 0
	}
	return last.UnixNano()
}

// after is what follows from what happened while the lock was held.
type after []func()

func (a after) run() {
	for _, f := range a {
		f()
	}
}

// change is what a commit did to one document.
type change struct {
	name string
	old  *version // nil if it was not there
	new  version
}

// committed takes the changes of a commit in, and returns what follows.
func (b *Backend) committed(cause *probe.Call, changes []change) after {
	var out after
	for _, c := range changes {
		b.put(c.name, c.new)
	}
	for _, c := range changes {
		b.schedule(cause, c)
		if cause != nil {
			out = append(out, func() { b.tell(cause, c) })
		}
	}
	b.notify()
	return out
}

package firestore

import (
	"strings"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/probe"
)

// The types of events, at least one of which a change makes: what it did, and
// that something was written.
// https://docs.cloud.google.com/eventarc/docs/cloudevents
const (
	Created = "google.cloud.firestore.document.v1.created"
	Updated = "google.cloud.firestore.document.v1.updated"
	Deleted = "google.cloud.firestore.document.v1.deleted"
	Written = "google.cloud.firestore.document.v1.written"
)

// tell tells Eventarc, where there is one, of a change. A write that changes
// nothing makes no event.
// https://firebase.google.com/docs/functions/firestore-events
func (b *Backend) tell(cause *probe.Call, c change) {
	router, ok := cloud.Find[gcp.Router](b.kernel)
	if !ok {
		return
	}
	kind := Updated
	switch {
	case c.old == nil:
		kind = Created
	case c.new.fields == nil:
		kind = Deleted
	}
	root := strings.Split(c.name, "/")
	for _, eventType := range []string{kind, Written} {
		router.Route(cause, gcp.Occurrence{
			Type: eventType, Source: "//firestore.googleapis.com/projects/" + root[1] + "/databases/" + root[3],
			Subject:     "documents/" + pathOf(c.name),
			Attributes:  map[string]string{"database": root[3], "namespace": "(default)", "document": pathOf(c.name), "project": root[1], "location": "us-central1"},
			ContentType: "application/protobuf", Data: eventData(c),
		})
	}
}

// eventData is a google.events.cloud.firestore.v1.DocumentEventData. Its
// documents have the same fields, by number, as the interface's own.
// https://github.com/googleapis/google-cloudevents/blob/main/proto/google/events/cloud/firestore/v1/data.proto
func eventData(c change) []byte {
	var out []byte
	add := func(number protowire.Number, m proto.Message) {
		wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			panic("firestore: a document that is stored can be sent: " + err.Error())
		}
		out = protowire.AppendBytes(protowire.AppendTag(out, number, protowire.BytesType), wire)
	}
	document := func(v *version) *pb.Document {
		d, _ := told(c.name, v, nil) // without a mask there is no error
		return d
	}
	if c.new.fields != nil {
		add(1, document(&c.new))
	}
	if c.old != nil {
		add(2, document(c.old))
	}
	if c.old != nil && c.new.fields != nil {
		add(3, &pb.DocumentMask{FieldPaths: differing(c.old.fields, c.new.fields)})
	}
	return out
}

// differing are the fields in which two documents differ, sorted.
func differing(a, b map[string]*pb.Value) []string {
	all := map[string]bool{}
	for name := range a { //wtsim:order a map to a map
		all[name] = true
	}
	for name := range b { //wtsim:order a map to a map
		all[name] = true
	}
	var out []string
	for _, name := range sortedKeys(all) {
		if a[name] == nil || b[name] == nil || !equal(a[name], b[name]) {
			out = append(out, name)
		}
	}
	return out
}

// expiresWithin is how long an expired document may still be there.
// https://firebase.google.com/docs/firestore/ttl
const expiresWithin = 24 * time.Hour

// schedule notes when a document is taken away that has changed, if it is.
func (b *Backend) schedule(cause *probe.Call, c change) {
	entry := "expiry of " + pathOf(c.name)
	if at, ok := b.expiring[c.name]; ok {
		b.kernel.NotAt(at, entry)
		delete(b.expiring, c.name)
	}
	at := b.expiry(c)
	_, horizon := b.kernel.Span()
	if at.IsZero() || at.After(horizon) {
		return
	}
	b.expiring[c.name] = at
	b.kernel.At(at, entry, func() {
		b.kernel.Lock()
		delete(b.expiring, c.name)
		w := &waiter{cause: cause, done: make(chan struct{})}
		writes := []*pb.Write{{Operation: &pb.Write_Delete{Delete: c.name}}}
		w.changes = func() []change { return b.aims(writes) }
		w.act = func() (any, []change, error) { return b.commit(nil, writes) }
		b.waiters = append(b.waiters, w)
		next := b.serve()
		b.kernel.Unlock()
		next.run()
	})
}

// expiry is when a document is taken away; zero if it is not.
func (b *Backend) expiry(c change) (at time.Time) {
	for _, x := range b.service.expiry {
		by, _ := parseField(x.field) // Check has tried
		if idOf(parentOf(c.name)) != x.collection || c.new.fields == nil {
			continue
		}
		if v := fieldOf(c.new.fields, by); v != nil && kindOf(v) == kindTime {
			at = v.GetTimestampValue().AsTime().Add(expiresWithin)
			if now := b.kernel.Now(); at.Before(now) {
				at = now
			}
		}
	}
	return at
}

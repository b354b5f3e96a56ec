package dynamodb

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// Stream is a table's stream during a run: what has become of its items, in
// order, for 24 hours. It has one shard. The kernel's lock guards it: its
// methods are called with the lock, or on the run's own goroutine when all is
// quiet.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
type Stream struct {
	table  *table
	view   string
	made   time.Time
	label  string // when it was made, as its name has it
	region func() string

	records []*Record // that are kept
	last    int64     // number of the newest
	notify  []func()
}

// keptFor is how long a stream keeps a record.
const keptFor = 24 * time.Hour

// Record is what has become of an item.
type Record struct {
	Number  int64  // of the stream's, from 1
	Name    string // "INSERT", "MODIFY" or "REMOVE"
	At      time.Time
	Subject cloud.Subject // of what follows from it
	Root    string        // the client's request that it follows from

	stream          *Stream
	keys, old, made item
	expired         bool
}

// startStream gives a table a stream; none if view is empty.
func (b *Backend) startStream(t *table, view string) {
	if view == "" {
		return
	}
	t.streams++
	now := b.kernel.Now()
	t.stream = &Stream{table: t, view: view, made: now, label: fmt.Sprintf("%s.%03d", now.UTC().Format("2006-01-02T15:04:05"), t.streams), region: func() string { return b.regionOr() }}
}

// regionOr is the region that requests name, or the default.
func (b *Backend) regionOr() string {
	if b.region != "" {
		return b.region
	}
	return awswire.Region
}

// Stream returns the stream of a table, by the table's name or the stream's
// ARN; nil if it has none. The kernel's lock is held.
func (b *Backend) Stream(name string) *Stream {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.streamOf(name)
}

func (b *Backend) streamOf(name string) *Stream {
	if _, rest, ok := strings.Cut(name, ":table/"); ok {
		name, _, _ = strings.Cut(rest, "/")
	}
	if t := b.tables[name]; t != nil {
		return t.stream
	}
	return nil
}

// ARN is the stream's name.
func (s *Stream) ARN() string { return s.table.arn(s.region()) + "/stream/" + s.label }

// View is what it shows of items: "NEW_AND_OLD_IMAGES".
func (s *Stream) View() string { return s.view }

// Shard is the name of its shard.
func (s *Stream) Shard() string { return fmt.Sprintf("shardId-%020d-00000001", s.made.Unix()) }

// Last is the number of the newest record; zero before the first.
func (s *Stream) Last() int64 { return s.last }

// Notify has f called after each new record, with the locks of its write held:
// f may ask the kernel for something, but nothing of the stream.
func (s *Stream) Notify(f func()) { s.notify = append(s.notify, f) }

// Since returns the records after a number, at most so many, oldest first: of
// those that are kept.
func (s *Stream) Since(now time.Time, number int64, most int) []*Record {
	var out []*Record
	for _, r := range s.records {
		if r.Number > number && now.Sub(r.At) < keptFor && len(out) < most {
			out = append(out, r)
		}
	}
	return out
}

// add notes a change.
func (s *Stream) add(b *Backend, r *awswire.Request, c *change) {
	now := b.kernel.Now()
	for len(s.records) > 0 && now.Sub(s.records[0].At) >= keptFor {
		s.records = s.records[1:]
	}
	s.last++
	out := &Record{Number: s.last, At: now, stream: s, keys: c.key, expired: c.expired, Name: "MODIFY"}
	switch {
	case c.before == nil:
		out.Name = "INSERT"
	case c.after == nil:
		out.Name = "REMOVE"
	}
	if s.view == "NEW_IMAGE" || s.view == "NEW_AND_OLD_IMAGES" {
		out.made = c.after
	}
	if s.view == "OLD_IMAGE" || s.view == "NEW_AND_OLD_IMAGES" {
		out.old = c.before
	}
	out.Subject, out.Root = b.subject(r, c)
	s.records = append(s.records, out)
	for _, f := range s.notify {
		f()
	}
}

// subject names what follows from a change: after the call that made it.
func (b *Backend) subject(r *awswire.Request, c *change) (cloud.Subject, string) {
	name := cloud.Mask(c.table.itemName(c.key))
	if r == nil {
		return cloud.About(cloud.Named("time to live." + name)), ""
	}
	o := b.kernel.Origin(r.Call)
	return cloud.Numbered(o.Task.With("."+name), o.Number, o.Next()), o.Root
}

// Sequence is its sequence number.
func (r *Record) Sequence() string { return sequence(r.Number) }

func sequence(n int64) string { return fmt.Sprintf("1%020d", n) }

// Size is how many bytes it takes.
func (r *Record) Size() int { return r.keys.size() + r.old.size() + r.made.size() }

// about is what a record tells of its item.
func (r *Record) about() map[string]any {
	out := map[string]any{
		"ApproximateCreationDateTime": r.At.Unix(), "Keys": r.keys, "SequenceNumber": r.Sequence(),
		"SizeBytes": r.Size(), "StreamViewType": r.stream.view,
	}
	if r.made != nil {
		out["NewImage"] = r.made
	}
	if r.old != nil {
		out["OldImage"] = r.old
	}
	return out
}

// told is the record as an answer has it, or as an event does, whose source
// is told and whose members have other names.
func (r *Record) told(event bool) map[string]any {
	out := map[string]any{
		"eventID": strings.TrimPrefix(r.Sequence(), "1"), "eventName": r.Name, "eventVersion": "1.1", "eventSource": "aws:dynamodb",
		"awsRegion": r.stream.region(), "dynamodb": r.about(),
	}
	kind, principal := "Type", "PrincipalId"
	if event {
		out["eventSourceARN"] = r.stream.ARN()
		kind, principal = "type", "principalId"
	}
	if r.expired {
		out["userIdentity"] = map[string]string{kind: "Service", principal: "dynamodb.amazonaws.com"}
	}
	return out
}

// Event is the record as a function is given it, in JSON.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
func (r *Record) Event() json.RawMessage {
	out, _ := json.Marshal(r.told(true)) // of texts, numbers and items
	return out
}

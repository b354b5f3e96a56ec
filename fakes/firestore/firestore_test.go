package firestore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/probe"
)

// inside runs a test in a bubble, with a function instance.
func inside(t *testing.T, s *Service, others []cloud.Service, test func(*testing.T, *fakestest.Env, *firestore.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, err := fakestest.Open(context.Background(), s, others...)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		test(t, e, Client(e, "firestore"))
		e.Die()
		time.Sleep(24 * time.Hour)
	})
}

type m = map[string]any

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Operations tell by their resource what they are about.
func TestOperations(t *testing.T) {
	inside(t, New("store").With("a/1", m{"x": 1}), nil, func(t *testing.T, e *fakestest.Env, c *firestore.Client) {
		ctx := e.Context()
		must[*firestore.WriteResult](t)(c.Doc("a/2").Set(ctx, m{"x": 2}))
		must[[]*firestore.DocumentSnapshot](t)(c.GetAll(ctx, []*firestore.DocumentRef{c.Doc("a/1"), c.Doc("a/2")}))
		must[[]*firestore.DocumentSnapshot](t)(c.Collection("a").Where("x", ">", 1).Documents(ctx).GetAll())
		must[[]*firestore.DocumentSnapshot](t)(c.CollectionGroup("b").Documents(ctx).GetAll())
		must[firestore.AggregationResult](t)(c.Collection("a").NewAggregationQuery().WithCount("n").Get(ctx))
		err := c.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
			_, err := tx.Get(c.Doc("a/1"))
			return errors.Join(err, tx.Set(c.Doc("a/1"), m{"x": 3}), tx.Delete(c.Doc("a/2")))
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, op := range e.Operations() {
			got = append(got, fmt.Sprintf("%s.%s %s %s", op.Service, op.Method, op.Resource, op.Result.Status))
		}
		want := "store.commit a/2 OK; store.batchGetDocuments a/1 a/2 OK; store.runQuery a/* OK; store.runQuery **/b/* OK; store.runAggregationQuery a/* OK; " +
			"store.beginTransaction  OK; store.batchGetDocuments a/1 OK; store.commit a/1 a/2 OK"
		if strings.Join(got, "; ") != want {
			t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
		}
		if got := fakestest.Contents(e.Backend("")); got != `a/1={"x":3}` {
			t.Error(got)
		}
	})
}

// A commit whose answer is lost is repeated by the client: an increment counts
// twice, a transaction seems to fail.
func TestLostCommit(t *testing.T) {
	inside(t, New("firestore").With("a/1", m{"n": 1}), nil, func(t *testing.T, e *fakestest.Env, c *firestore.Client) {
		lost := probe.Fate{Action: probe.Lose, With: "reset"}
		e.Verdict = fakestest.InTurn("commit", lost)
		must[*firestore.WriteResult](t)(c.Doc("a/1").Update(e.Context(), []firestore.Update{{Path: "n", Value: firestore.Increment(1)}}))
		if got := fakestest.Contents(e.Backend("")); got != `a/1={"n":3}` {
			t.Error(got)
		}
		e.Verdict = fakestest.InTurn("commit", lost)
		err := c.RunTransaction(e.Context(), func(_ context.Context, tx *firestore.Transaction) error { return tx.Set(c.Doc("a/1"), m{"n": 7}) })
		if status.Code(err) != codes.InvalidArgument || fakestest.Contents(e.Backend("")) != `a/1={"n":7}` {
			t.Errorf("%v, %s", err, fakestest.Contents(e.Backend("")))
		}
		e.Verdict = fakestest.InTurn("commit", probe.Fate{Action: probe.Refuse, With: "ABORTED"})
		runs := 0
		err = c.RunTransaction(e.Context(), func(_ context.Context, tx *firestore.Transaction) error {
			runs++
			return tx.Set(c.Doc("a/1"), m{"n": 8})
		})
		if err != nil || runs != 2 {
			t.Errorf("aborted: %v after %d runs", err, runs)
		}
	})
}

// Who dies in a transaction leaves its locks for a minute; then they are free,
// and the transaction is over.
func TestLeftLocks(t *testing.T) {
	inside(t, New("firestore").With("a/1", m{"n": 1}), nil, func(t *testing.T, e *fakestest.Env, c *firestore.Client) {
		other := e.Another()
		started, ended := make(chan bool), make(chan error)
		go func() {
			ended <- Client(other, "").RunTransaction(other.Context(), func(ctx context.Context, tx *firestore.Transaction) error {
				_, err := tx.Get(c.Doc("a/1"))
				close(started)
				<-ctx.Done()
				return err
			})
		}()
		<-started
		other.Die()
		<-ended
		began := time.Now()
		time.Sleep(time.Second) // a Commit waits a minute at most, by itself
		must[*firestore.WriteResult](t)(c.Doc("a/1").Set(e.Context(), m{"n": 2}, firestore.MergeAll))
		if d := time.Since(began); d != mostIdle+beside {
			t.Errorf("it waited %v, wanted %v", d, mostIdle)
		}
	})
}

// A transaction that does nothing for a minute is over, and so is one after
// 270 s, whatever it does.
func TestExpiry(t *testing.T) {
	for _, c := range []struct {
		pause time.Duration
		times int
	}{{61 * time.Second, 1}, {50 * time.Second, 6}} {
		inside(t, New("firestore").With("a/1", m{"n": 1}), nil, func(t *testing.T, e *fakestest.Env, client *firestore.Client) {
			err := client.RunTransaction(e.Context(), func(_ context.Context, tx *firestore.Transaction) error {
				for range c.times {
					if _, err := tx.Get(client.Doc("a/1")); err != nil {
						return err
					}
					if c.pause < mostIdle && e.Backend("").(*Backend).Expires("a/1") == 0 {
						t.Error("nobody can tell when the lock expires")
					}
					time.Sleep(c.pause)
				}
				return tx.Set(client.Doc("a/1"), m{})
			})
			if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "has expired") {
				t.Errorf("%v: %v", c, err)
			}
		})
	}
}

// An optimistic transaction locks nothing, sees one state, and is aborted if that
// has changed: it is run again.
func TestOptimistic(t *testing.T) {
	inside(t, New("firestore").Optimistic().With("a/1", m{"n": 1}), nil, func(t *testing.T, e *fakestest.Env, c *firestore.Client) {
		runs := 0
		err := c.RunTransaction(e.Context(), func(ctx context.Context, tx *firestore.Transaction) error {
			runs++
			docs, err := tx.Documents(c.Collection("a")).GetAll()
			if err != nil {
				return err
			}
			if runs == 1 {
				must[*firestore.WriteResult](t)(c.Doc("a/2").Set(ctx, m{"n": 1}))
				again, err := tx.Documents(c.Collection("a")).GetAll()
				if err != nil || len(again) != 1 {
					t.Errorf("%d documents, %v", len(again), err)
				}
			}
			return tx.Set(c.Doc("b/1"), m{"seen": len(docs)})
		})
		if err != nil || runs != 2 || !strings.HasSuffix(fakestest.Contents(e.Backend("")), `b/1={"seen":2}`) {
			t.Errorf("%v after %d runs: %s", err, runs, fakestest.Contents(e.Backend("")))
		}
	})
}

// A change is told to Eventarc: what it was, and that something was written,
// with both documents; what changes nothing is not.
func TestEvents(t *testing.T) {
	l := fakestest.NewListener()
	inside(t, New("firestore"), []cloud.Service{l}, func(t *testing.T, e *fakestest.Env, c *firestore.Client) {
		d := c.Doc("users/u1")
		set := func(fields m) string {
			must[*firestore.WriteResult](t)(d.Set(e.Context(), fields))
			return events(t, l)
		}
		for _, step := range []struct{ got, want string }{
			{set(m{"n": 1}), `created, written users/u1: {"n":1} <- nothing []`},
			{set(m{"n": 1}), ``},
			{set(m{"n": 1, "x": "y"}), `updated, written users/u1: {"n":1,"x":"y"} <- {"n":1} [x]`},
		} {
			if step.got != step.want {
				t.Errorf("got %q, wanted %q", step.got, step.want)
			}
		}
		must[*firestore.WriteResult](t)(d.Delete(e.Context()))
		if got, want := events(t, l), `deleted, written users/u1: nothing <- {"n":1,"x":"y"} []`; got != want {
			t.Errorf("got %q, wanted %q", got, want)
		}
	})
}

// events are those since the last call, in words.
func events(t *testing.T, l *fakestest.Listener) string {
	t.Helper()
	var kinds []string
	rest := ""
	for _, r := range l.Routed() {
		kinds = append(kinds, r.Type[strings.LastIndexByte(r.Type, '.')+1:])
		docs, mask := map[protowire.Number]string{1: "nothing", 2: "nothing"}, &pb.DocumentMask{}
		for data := r.Data; len(data) > 0; {
			number, _, n := protowire.ConsumeTag(data)
			part, k := protowire.ConsumeBytes(data[n:])
			data = data[n+k:]
			doc := &pb.Document{}
			if number == 3 {
				if err := proto.Unmarshal(part, mask); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := proto.Unmarshal(part, doc); err != nil {
				t.Fatal(err)
			}
			docs[number] = text(doc.Fields)
		}
		rest = fmt.Sprintf(" %s: %s <- %s %v", r.Attributes["document"], docs[1], docs[2], mask.FieldPaths)
		if r.Subject != "documents/"+r.Attributes["document"] || r.ContentType != "application/protobuf" || r.Cause == nil {
			t.Errorf("%+v", r)
		}
	}
	return strings.Join(kinds, ", ") + rest
}

// An expired document is there for a day, and then deleted, which is told; one
// whose time is put off is not.
func TestTimeToLive(t *testing.T) {
	l := fakestest.NewListener()
	inside(t, New("firestore").Expiring("sessions", "until"), []cloud.Service{l}, func(t *testing.T, e *fakestest.Env, c *firestore.Client) {
		until := func(d time.Duration) m { return m{"until": time.Now().Add(d)} }
		must[*firestore.WriteResult](t)(c.Doc("sessions/a").Set(e.Context(), until(time.Hour)))
		must[*firestore.WriteResult](t)(c.Doc("sessions/b").Set(e.Context(), until(time.Hour)))
		must[*firestore.WriteResult](t)(c.Doc("sessions/b").Set(e.Context(), until(48*time.Hour)))
		l.Routed()
		time.Sleep(24 * time.Hour)
		if got := l.Routed(); len(got) > 0 {
			t.Errorf("too soon: %v", got)
		}
		time.Sleep(2 * time.Hour)
		if got := events(t, l); !strings.HasPrefix(got, "deleted, written sessions/a") {
			t.Errorf("got %q", got)
		}
	})
}

// A listener whose stream breaks goes on where it was: it sees what has changed
// meanwhile, and nothing twice.
func TestResume(t *testing.T) {
	inside(t, New("firestore").With("a/1", m{"n": 1}), nil, func(t *testing.T, e *fakestest.Env, c *firestore.Client) {
		ctx, cancel := context.WithCancel(e.Context())
		defer cancel()
		it := c.Collection("a").Snapshots(ctx)
		must[*firestore.QuerySnapshot](t)(it.Next())
		b := e.Backend("").(*Backend)
		b.kernel.Lock()
		broken := b.streams[0]
		b.kernel.Unlock()
		broken.ended.Store(true)
		broken.mu.Lock()
		broken.end = status.Error(codes.Unavailable, "gone")
		broken.mu.Unlock()
		must[*firestore.WriteResult](t)(c.Doc("a/2").Set(ctx, m{"n": 2}))
		broken.signal()
		snap := must[*firestore.QuerySnapshot](t)(it.Next())
		if len(snap.Changes) != 1 || snap.Changes[0].Doc.Ref.ID != "2" || snap.Size != 2 {
			t.Errorf("%d changes, %d documents", len(snap.Changes), snap.Size)
		}
		it.Stop()
	})
}

// Declared indexes serve the queries that need them, in their order alone, and merged
// where they have one order.
func TestIndexes(t *testing.T) {
	s := New("firestore").Indexed(
		Index{Collection: "a", Fields: []string{"x", "y"}}, Index{Collection: "a", Fields: []string{"z", "y"}},
		Index{Collection: "a", Fields: []string{"tags contains", "x desc"}}, Index{Collection: "g", Group: true, Fields: []string{"x"}})
	inside(t, s, nil, func(t *testing.T, e *fakestest.Env, c *firestore.Client) {
		a := c.Collection("a")
		for i, q := range []firestore.Query{
			a.Where("x", "==", 1).OrderBy("y", firestore.Asc), a.Where("x", "==", 1).Where("y", ">", 2), a.OrderBy("x", firestore.Asc).OrderBy("y", firestore.Asc),
			a.Where("x", "==", 1).Where("z", "==", 1).OrderBy("y", firestore.Asc), a.Where("tags", "array-contains", 1).OrderBy("x", firestore.Desc),
			a.Where("x", "in", []any{1, 2}).OrderBy("y", firestore.Asc), c.CollectionGroup("g").Where("x", "==", 1),
		} {
			if _, err := q.Documents(e.Context()).GetAll(); err != nil {
				t.Errorf("query %d: %v", i, err)
			}
		}
		for i, q := range []firestore.Query{
			a.Where("w", "==", 1).OrderBy("y", firestore.Asc), a.Where("x", "==", 1).OrderBy("y", firestore.Desc), a.OrderBy("x", firestore.Desc).OrderBy("y", firestore.Desc),
			a.Where("x", "==", 1).OrderBy("y", firestore.Asc).LimitToLast(1),
			a.OrderBy("x", firestore.Asc).OrderBy("y", firestore.Desc), a.OrderBy("y", firestore.Asc).OrderBy("x", firestore.Asc),
			c.CollectionGroup("a").Where("x", "==", 1).OrderBy("y", firestore.Asc), c.CollectionGroup("g").OrderBy("x", firestore.Desc),
		} {
			if _, err := q.Documents(e.Context()).GetAll(); status.Code(err) != codes.FailedPrecondition {
				t.Errorf("query %d has an index: %v", i, err)
			}
		}
	})
}

// What is not simulated is refused by name.
func TestLacks(t *testing.T) {
	inside(t, New("firestore"), nil, func(t *testing.T, e *fakestest.Env, c *firestore.Client) {
		_, err := c.Pipeline().Collection("a").Execute(e.Context()).Results().GetAll()
		if status.Code(err) != codes.Unimplemented {
			t.Error(err)
		}
		_, err = c.Collection("a").FindNearest("v", firestore.Vector64{1}, 3, firestore.DistanceMeasureEuclidean, nil).Documents(e.Context()).GetAll()
		if status.Code(err) != codes.Unimplemented {
			t.Error(err)
		}
		if got := fmt.Sprint(e.Kernel.Lacking()); got != "[/google.firestore.v1.Firestore/ExecutePipeline find_nearest]" {
			t.Error(got)
		}
	})
}

// A declaration that cannot be is told.
func TestCheck(t *testing.T) {
	for want, s := range map[string]*Service{
		"wanted at least two":           New("f").Indexed(Index{Collection: "a", Fields: []string{"x"}}),
		"wanted the id of one":          New("f").Indexed(Index{Collection: "a/b", Fields: []string{"x", "y"}}),
		"or nothing":                    New("f").Indexed(Index{Collection: "a", Fields: []string{"x", "y down"}}),
		"wanted a path such as":         New("f").With("users", m{}),
		"it holds a struct":             New("f").With("users/u1", m{"x": struct{}{}}),
		"wanted the id of a collection": New("f").Expiring("", "x"),
	} {
		if err := s.Check(cloud.Deployment{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, wanted %q", err, want)
		}
	}
	whole := New("f").Optimistic().With("a/1", m{"x": []any{1.5, nil, true, time.Time{}, int64(1)}}).Expiring("a", "x").Indexed(Index{Collection: "a", Fields: []string{"x", "y desc"}})
	if err := whole.Check(cloud.Deployment{}); err != nil || whole.String() != "Firestore, optimistic transactions; documents a/1; index of a: x, y desc; a expire by x" {
		t.Errorf("%v: %s", err, whole)
	}
}

package jetstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/wtsim/wtsim/monitor/stream"
)

func embedded(t *testing.T, dir string) *Engine {
	t.Helper()
	e, err := Embed(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// What was appended is there after a restart, in order, with the numbers that
// were told; an append on another last record is refused; a state is what it
// was; a second process is refused; a log that has vanished is not made anew.
func TestEmbedded(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	e := embedded(t, dir)
	if err := e.Create(ctx, 2, []byte("m")); err != nil {
		t.Fatal(err)
	}
	if _, err := Embed(dir); err == nil || !strings.Contains(err.Error(), "another monitor uses it") {
		t.Fatalf("a second one: %v", err)
	}
	for i := range 3 {
		if seq, err := e.Events(1).Append(ctx, []byte{byte(i)}); err != nil || seq != uint64(i+1) {
			t.Fatal(seq, err)
		}
	}
	first, err := e.Commits(0).AppendIf(ctx, []byte("a"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Commits(0).AppendIf(ctx, []byte("b"), 0); !errors.Is(err, stream.ErrConflict) {
		t.Fatalf("a second first commit: %v", err)
	}
	if _, err := e.Commits(1).AppendIf(ctx, []byte("c"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Commits(0).AppendIf(ctx, []byte("d"), first); err != nil {
		t.Fatal(err)
	}
	if err := e.States().Put(ctx, "s", []byte("state")); err != nil {
		t.Fatal(err)
	}
	e.Close()

	e = embedded(t, dir)
	if m, err := e.Manifest(ctx); string(m) != "m" || err != nil {
		t.Fatal(string(m), err)
	}
	if err := e.Open(ctx, 2); err != nil {
		t.Fatal(err)
	}
	all, err := e.Events(1).Read(ctx, 2, 1<<20)
	if err != nil || len(all) != 2 || all[0].Seq != 2 || all[0].Data[0] != 1 {
		t.Fatal(all, err)
	}
	all, err = e.Verdicts().Read(ctx, 1, 1<<20)
	if err != nil || len(all) != 3 || string(all[1].Data) != "c" {
		t.Fatal(all, err)
	}
	if r, ok, err := e.Commits(0).Last(ctx); !ok || string(r.Data) != "d" || err != nil {
		t.Fatal(r, ok, err)
	}
	if _, ok, err := e.Events(0).Last(ctx); ok || err != nil {
		t.Fatal(ok, err)
	}
	r, err := e.States().Get(ctx, "s")
	if err != nil {
		t.Fatal(err)
	}
	state, err := io.ReadAll(r)
	if !bytes.Equal(state, []byte("state")) || err != nil {
		t.Fatal(state, err)
	}
	if err := e.Open(ctx, 3); err == nil || !strings.Contains(err.Error(), "WTSIM_EV_2 is gone") {
		t.Fatalf("a log that is not there: %v", err)
	}
}

// What is forgotten is gone, and what comes after keeps its number; a state that
// is deleted is not listed.
func TestForgotten(t *testing.T) {
	ctx := context.Background()
	e := embedded(t, t.TempDir())
	if err := e.Create(ctx, 2, []byte("m")); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := e.Events(1).Append(ctx, []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := e.States().List(ctx); len(names) > 0 || err != nil {
		t.Fatal(names, err)
	}
	for _, name := range []string{"r", "s"} {
		if err := e.States().Put(ctx, name, []byte("state")); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.States().Delete(ctx, "s"); err != nil {
		t.Fatal(err)
	}
	if names, err := e.States().List(ctx); !slices.Equal(names, []string{"r"}) || err != nil {
		t.Fatal(names, err)
	}
	if err := e.Events(1).Forget(ctx, 3); err != nil {
		t.Fatal(err)
	}
	if all, err := e.Events(1).Read(ctx, 1, 1<<20); err != nil || len(all) != 1 || all[0].Seq != 3 {
		t.Fatalf("after the first two are forgotten: %v, %v", all, err)
	}
}

// Of each cursor the last record stays, and all can be read together, until one
// is forgotten.
func TestCursors(t *testing.T) {
	ctx := context.Background()
	e := embedded(t, t.TempDir())
	if err := e.Create(ctx, 1, []byte("m")); err != nil {
		t.Fatal(err)
	}
	var last uint64
	for _, text := range []string{"a1", "b1", "a2"} {
		seq, err := e.Cursor("member-"+text[:1]).Append(ctx, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		last = seq
	}
	all := func() (texts []string) {
		records, err := e.Cursor("*").Read(ctx, 1, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			texts = append(texts, string(r.Data))
		}
		return texts
	}
	if got := all(); !slices.Equal(got, []string{"b1", "a2"}) {
		t.Fatal(got)
	}
	if err := e.Cursor("member-a").Forget(ctx, last+1); err != nil {
		t.Fatal(err)
	}
	if got := all(); !slices.Equal(got, []string{"b1"}) {
		t.Fatal(got)
	}
}

// Everything is kept in a server that is reached by its address as well.
func TestConnected(t *testing.T) {
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true})
	if err != nil {
		t.Fatal(err)
	}
	go srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("not ready")
	}
	ctx := context.Background()
	connect := func() *Engine {
		e, err := Connect(srv.ClientURL())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		return e
	}
	e := connect()
	if m, err := e.Manifest(ctx); m != nil || err != nil {
		t.Fatal(m, err)
	}
	if err := e.Create(ctx, 1, []byte("m")); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Commits(0).AppendIf(ctx, []byte("a"), 0); err != nil {
		t.Fatal(err)
	}
	if err := e.States().Put(ctx, "s", []byte("state")); err != nil {
		t.Fatal(err)
	}
	f := connect()
	if m, err := f.Manifest(ctx); string(m) != "m" || err != nil {
		t.Fatal(string(m), err)
	}
	if err := f.Open(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Commits(0).AppendIf(ctx, []byte("b"), 0); !errors.Is(err, stream.ErrConflict) {
		t.Fatalf("a second first commit: %v", err)
	}
	r, err := f.States().Get(ctx, "s")
	if err != nil {
		t.Fatal(err)
	}
	if state, err := io.ReadAll(r); string(state) != "state" || err != nil {
		t.Fatal(state, err)
	}
	if err := errors.Join(f.States().Delete(ctx, "s"), f.States().Delete(ctx, "s")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.States().Get(ctx, "s"); !errors.Is(err, stream.ErrNoState) {
		t.Fatal(err)
	}
}

package gcs

import (
	"io"
	"testing"

	"cloud.google.com/go/storage"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/fakestest"
)

// Without preconditions every conditional request happens; which requests have
// some shows in their operations.
func TestWithoutPreconditions(t *testing.T) {
	s := New("gcs", "b").With("b", "a", "1")
	used := s.Guarantees()[0].Used
	e, err := fakestest.Open(t.Context(), s.Without("gcs/preconditions"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	ctx, b := t.Context(), Client(e, "gcs").Bucket("b")
	a := b.Object("a")
	w := a.If(storage.Conditions{DoesNotExist: true}).NewWriter(ctx)
	_, _ = io.WriteString(w, "2")
	wrote := w.Close()
	_, composed := b.Object("c").ComposerFrom(a).Run(ctx)
	_, read := a.If(storage.Conditions{GenerationMatch: 7}).NewReader(ctx)
	_, patched := a.If(storage.Conditions{MetagenerationMatch: 7}).Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "x"})
	_, copied := b.Object("d").If(storage.Conditions{GenerationMatch: 7}).CopierFrom(a).Run(ctx)
	for what, err := range map[string]error{
		"write": wrote, "compose": composed, "read": read, "patch": patched, "copy": copied,
		"delete": b.Object("d").If(storage.Conditions{GenerationMatch: 7}).Delete(ctx),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := fakestest.Contents(e.Backend("")); got != "b/a=2,b/c=2" {
		t.Errorf("got %s", got)
	}
	for _, op := range e.Operations() {
		if want := op.Method != "objects.compose"; used(cloud.Usage{Operations: []*event.Operation{&op}}) != want {
			t.Errorf("%s %s: used is %v", op.Method, op.Request.Target, !want)
		}
	}
}

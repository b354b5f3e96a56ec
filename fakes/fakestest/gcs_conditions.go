package fakestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"cloud.google.com/go/storage"
)

// try is a precondition and the status that it leads to: on an object of
// generation g that has been updated once (metageneration 2), and where there
// is none.
type try struct {
	conditions     storage.Conditions
	present, empty int
}

func tries(g int64) []try {
	type c = storage.Conditions
	return []try{
		{c{GenerationMatch: g}, 0, 412}, {c{GenerationMatch: g + 1}, 412, 412},
		{c{GenerationNotMatch: g}, 304, 0}, {c{GenerationNotMatch: g + 1}, 0, 0},
		{c{MetagenerationMatch: 2}, 0, 412}, {c{MetagenerationMatch: 1}, 412, 412},
		{c{MetagenerationNotMatch: 2}, 304, 0}, {c{MetagenerationNotMatch: 1}, 0, 0},
		{c{GenerationMatch: g, MetagenerationMatch: 1}, 412, 412},
		{c{DoesNotExist: true}, 412, 0},
	}
}

// twice makes an object that has been updated once.
func twice(ctx context.Context, o *storage.ObjectHandle) (generation int64, err error) {
	if _, err = put(ctx, o, "x"); err != nil {
		return 0, err
	}
	attrs, err := o.Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "text/x"})
	if err != nil {
		return 0, err
	}
	return attrs.Generation, nil
}

// eachTry does something under each precondition: to an object that is there
// and to one that is not. missing is the status where the latter is no
// precondition's matter.
func eachTry(ctx context.Context, b *storage.BucketHandle, missing int, do func(o *storage.ObjectHandle) error) error {
	var failed []error
	for i := range tries(1) {
		o := b.Object(fmt.Sprint("present", i))
		g, err := twice(ctx, o)
		if err != nil {
			return err
		}
		t := tries(g)[i]
		want := t.empty
		if want == 0 {
			want = missing
		}
		failed = append(failed, is(fmt.Sprintf("%+v, present", t.conditions), do(o.If(t.conditions)), t.present),
			is(fmt.Sprintf("%+v, absent", t.conditions), do(b.Object(fmt.Sprint("absent", i)).If(t.conditions)), want))
	}
	return errors.Join(failed...)
}

func uploadConditions(ctx context.Context, b *storage.BucketHandle) error {
	return eachTry(ctx, b, 0, func(o *storage.ObjectHandle) error {
		_, err := put(ctx, o, "y")
		return err
	})
}

func readConditions(ctx context.Context, b *storage.BucketHandle) error {
	err := eachTry(ctx, b, http.StatusNotFound, func(o *storage.ObjectHandle) error {
		_, err := o.Attrs(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	g, err := twice(ctx, b.Object("o"))
	if err != nil {
		return err
	}
	read := func(name string, c storage.Conditions) error {
		_, err := get(ctx, b.Object(name).If(c))
		return err
	}
	return errors.Join(
		is("same generation", read("o", storage.Conditions{GenerationMatch: g}), 0),
		is("other generation", read("o", storage.Conditions{GenerationMatch: g + 1}), 412),
		is("generation of none", read("none", storage.Conditions{GenerationMatch: g}), 412),
		is("same metageneration", read("o", storage.Conditions{MetagenerationMatch: 2}), 0),
		is("other metageneration", read("o", storage.Conditions{MetagenerationMatch: 1}), 412))
}

// jsonReadConditions are more than the XML API knows, which has no "not match".
func jsonReadConditions(ctx context.Context, b *storage.BucketHandle) error {
	return eachTry(ctx, b, http.StatusNotFound, func(o *storage.ObjectHandle) error {
		_, err := get(ctx, o)
		return err
	})
}

func updateConditions(ctx context.Context, b *storage.BucketHandle) error {
	return eachTry(ctx, b, http.StatusNotFound, func(o *storage.ObjectHandle) error {
		_, err := o.Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "text/y"})
		return err
	})
}

func deleteConditions(ctx context.Context, b *storage.BucketHandle) error {
	return eachTry(ctx, b, http.StatusNotFound, func(o *storage.ObjectHandle) error { return o.Delete(ctx) })
}

// copyConditions: those of what is written, and those of what is read.
func copyConditions(ctx context.Context, b *storage.BucketHandle) error {
	src := b.Object("src")
	g, err := twice(ctx, src)
	if err != nil {
		return err
	}
	err = eachTry(ctx, b, 0, func(o *storage.ObjectHandle) error {
		_, err := o.CopierFrom(src).Run(ctx)
		return err
	})
	if err != nil {
		return err
	}
	for i, t := range tries(g)[:9] { // a source that does not exist cannot be asked for
		dst := b.Object(fmt.Sprint("dst", i))
		_, err := dst.CopierFrom(src.If(t.conditions)).Run(ctx)
		if err := is(fmt.Sprintf("source %+v", t.conditions), err, t.present); err != nil {
			return err
		}
		if _, err := dst.Attrs(ctx); (err == nil) != (t.present == 0) {
			return fmt.Errorf("source %+v: the copy: %w", t.conditions, orNil(err))
		}
	}
	return nil
}

// composeConditions: those of what is written (the client has no "not
// match"), and those of each part.
func composeConditions(ctx context.Context, b *storage.BucketHandle) error {
	one, two := b.Object("one"), b.Object("two")
	g, err := put(ctx, one, "1")
	if err != nil {
		return err
	}
	if _, err := put(ctx, two, "2"); err != nil {
		return err
	}
	all := b.Object("all").If(storage.Conditions{DoesNotExist: true})
	made, err := all.ComposerFrom(one.If(storage.Conditions{GenerationMatch: g}), two).Run(ctx)
	if err != nil {
		return err
	}
	if text, err := get(ctx, b.Object("all")); text != "12" || err != nil || made.Metageneration != 1 {
		return fmt.Errorf("got %q, %+v, %w", text, made, orNil(err))
	}
	compose := func(into string, c storage.Conditions, parts ...*storage.ObjectHandle) error {
		o := b.Object(into)
		if c != (storage.Conditions{}) {
			o = o.If(c)
		}
		_, err := o.ComposerFrom(parts...).Run(ctx)
		return err
	}
	changed := one.If(storage.Conditions{GenerationMatch: g + 1})
	failed := errors.Join(
		is("again", compose("all", storage.Conditions{DoesNotExist: true}, one, two), 412),
		is("another metageneration", compose("all", storage.Conditions{MetagenerationMatch: 2}, one, two), 412),
		is("the first part changed", compose("more", storage.Conditions{}, changed, two), 412),
		is("the second part changed", compose("more", storage.Conditions{}, two, changed), 412),
		is("another generation of a part", compose("more", storage.Conditions{}, one.Generation(g+1), two), 404),
		is("a part that is not there", compose("more", storage.Conditions{}, one, b.Object("three")), 404))
	if _, err := b.Object("more").Attrs(ctx); err == nil {
		return errors.Join(failed, errors.New("a composition that was refused is there"))
	}
	return errors.Join(failed,
		is("the same metageneration", compose("all", storage.Conditions{MetagenerationMatch: 1}, two, one), 0))
}

// resumableConditions: an upload that begins under a precondition ends under
// it, though the object came to be in between.
func resumableConditions(ctx context.Context, b *storage.BucketHandle) error {
	big := strings.Repeat("0123456789abcdef", 1<<15) // 512 KiB
	o := b.Object("big")
	begin := func(c storage.Conditions) (*storage.Writer, error) {
		target := o
		if c != (storage.Conditions{}) {
			target = o.If(c)
		}
		w := target.NewWriter(ctx)
		w.ChunkSize = 256 << 10
		_, err := io.WriteString(w, big)
		return w, err
	}
	w, err := begin(storage.Conditions{DoesNotExist: true})
	if err != nil {
		return err
	}
	if _, err := put(ctx, o, "other"); err != nil {
		return err
	}
	if err := is("a late end", w.Close(), http.StatusPreconditionFailed); err != nil {
		return err
	}
	if w, err = begin(storage.Conditions{MetagenerationMatch: 1}); err != nil {
		return err
	}
	if _, err := o.Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "text/y"}); err != nil {
		return err
	}
	if err := is("a late end after an update", w.Close(), http.StatusPreconditionFailed); err != nil {
		return err
	}
	if w, err = begin(storage.Conditions{}); err != nil {
		return err
	}
	if _, err := io.WriteString(w, "end"); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if text, err := get(ctx, o); text != big+"end" || err != nil {
		return fmt.Errorf("%d bytes came back, %w", len(text), orNil(err))
	}
	if a := w.Attrs(); a.Metageneration != 1 || a.Size != int64(len(big)+3) {
		return fmt.Errorf("it ended as %+v", a)
	}
	return nil
}

// refusals leave content and both numbers as they were.
func refusals(ctx context.Context, b *storage.BucketHandle) error {
	o := b.Object("o")
	g, err := twice(ctx, o)
	if err != nil {
		return err
	}
	stale := o.If(storage.Conditions{GenerationMatch: g - 1})
	_, written := put(ctx, stale, "y")
	_, updated := stale.Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "text/y"})
	failed := errors.Join(is("write", written, 412), is("update", updated, 412), is("delete", stale.Delete(ctx), 412))
	text, err := get(ctx, o)
	if err != nil || text != "x" {
		return errors.Join(failed, fmt.Errorf("got %q, %w", text, orNil(err)))
	}
	attrs, err := o.Attrs(ctx)
	if err != nil || attrs.Generation != g || attrs.Metageneration != 2 || attrs.ContentType != "text/x" {
		return errors.Join(failed, fmt.Errorf("got %+v, %w", attrs, orNil(err)))
	}
	return failed
}

// bucketConditions are on the metageneration alone.
func bucketConditions(ctx context.Context, b *storage.BucketHandle) error {
	first, err := b.Attrs(ctx)
	if err != nil {
		return err
	}
	now := storage.BucketConditions{MetagenerationMatch: first.MetaGeneration}
	_, before := b.If(now).Update(ctx, storage.BucketAttrsToUpdate{VersioningEnabled: true})
	_, after := b.If(now).Update(ctx, storage.BucketAttrsToUpdate{VersioningEnabled: false})
	second, err := b.Attrs(ctx)
	if err != nil || second.MetaGeneration != first.MetaGeneration+1 || !second.VersioningEnabled {
		return fmt.Errorf("got %+v after %+v, %w", second, first, orNil(err))
	}
	return errors.Join(is("before", before, 0), is("after", after, 412), is("delete", b.If(now).Delete(ctx), 412))
}

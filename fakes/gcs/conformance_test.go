package gcs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
)

// conformance is what a handler may rely on, of Cloud Storage and of this
// one: each check gets the real client and a new, empty bucket.
var conformance = []struct {
	name  string
	check func(context.Context, *storage.BucketHandle) error
}{
	{"a written object is read back", roundTrips},
	{"an object that is not there", absent},
	{"generations are distinct and rise", generations},
	{"preconditions of uploads", uploadConditions},
	{"preconditions of reads", readConditions},
	{"preconditions of updates", updateConditions},
	{"preconditions of deletes", deleteConditions},
	{"preconditions of copies", copyConditions},
	{"preconditions of compositions", composeConditions},
	{"preconditions of uploads in parts", resumableConditions},
	{"listings are complete and in order", listings},
	{"preconditions on metadata generations are refused, not ignored", metagenerations},
}

func put(ctx context.Context, o *storage.ObjectHandle, content string) (int64, error) {
	w := o.NewWriter(ctx)
	if _, err := io.WriteString(w, content); err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	time.Sleep(10 * time.Microsecond) // as between the steps of a run
	return w.Attrs().Generation, nil
}

func get(ctx context.Context, o *storage.ObjectHandle) (string, error) {
	r, err := o.NewReader(ctx)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

// is checks that an error has an HTTP status; 0 stands for none.
func is(what string, err error, code int) error {
	var e *googleapi.Error
	if code == 0 && err == nil || errors.As(err, &e) && e.Code == code {
		return nil
	}
	return fmt.Errorf("%s: got %w, wanted status %d", what, orNil(err), code)
}

var errNone = errors.New("no error")

func orNil(err error) error {
	if err == nil {
		return errNone
	}
	return err
}

func roundTrips(ctx context.Context, b *storage.BucketHandle) error {
	for _, name := range []string{"a", "dir/b.json", "a b", "grüße/日本", "100%", "a%2Fb", "a+b&c=d?e#f", "dir/", "o/acl"} {
		if _, err := put(ctx, b.Object(name), "content of "+name); err != nil {
			return err
		}
		if text, err := get(ctx, b.Object(name)); text != "content of "+name || err != nil {
			return fmt.Errorf("%q: got %q, %w", name, text, orNil(err))
		}
		attrs, err := b.Object(name).Attrs(ctx)
		if err != nil || attrs.Name != name || attrs.Size != int64(len("content of "+name)) {
			return fmt.Errorf("%q: got %+v, %w", name, attrs, orNil(err))
		}
	}
	return nil
}

func absent(ctx context.Context, b *storage.BucketHandle) error {
	o := b.Object("absent")
	_, readErr := get(ctx, o)
	_, attrsErr := o.Attrs(ctx)
	_, updateErr := o.Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "x"})
	_, copyErr := b.Object("copy").CopierFrom(o).Run(ctx)
	deleteErr := o.Delete(ctx)
	for _, err := range []error{readErr, attrsErr, updateErr, deleteErr, copyErr} {
		if !errors.Is(err, storage.ErrObjectNotExist) {
			return is("absent", err, http.StatusNotFound)
		}
	}
	return nil
}

func generations(ctx context.Context, b *storage.BucketHandle) error {
	var last int64
	for range 20 {
		g, err := put(ctx, b.Object("o"), "x")
		if err != nil || g <= last {
			return fmt.Errorf("generation %d after %d, %w", g, last, orNil(err))
		}
		last = g
	}
	attrs, err := b.Object("o").Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "text/x"})
	if err != nil || attrs.Generation != last || attrs.ContentType != "text/x" {
		return fmt.Errorf("an update of metadata made %+v, %w", attrs, orNil(err))
	}
	return nil
}

// tries are the preconditions on an object of generation g, and the status
// that each leads to; when there is no object, in absent.
type try struct {
	conditions     storage.Conditions
	present, empty int
}

func tries(g int64) []try {
	return []try{
		{storage.Conditions{GenerationMatch: g}, 0, 412}, {storage.Conditions{GenerationMatch: g + 1}, 412, 412},
		{storage.Conditions{GenerationNotMatch: g}, 304, 0}, {storage.Conditions{GenerationNotMatch: g + 1}, 0, 0},
		{storage.Conditions{DoesNotExist: true}, 412, 0},
	}
}

// eachTry does something under each precondition: to an object that is there
// and to one that is not. missing is the status where the latter is no
// precondition's matter.
func eachTry(ctx context.Context, b *storage.BucketHandle, missing int, do func(o *storage.ObjectHandle) error) error {
	g, err := put(ctx, b.Object("probe"), "x")
	if err != nil {
		return err
	}
	for i := range tries(g) {
		o := b.Object(fmt.Sprint("present", i))
		g, err := put(ctx, o, "x")
		if err != nil {
			return err
		}
		t := tries(g)[i]
		if err := is(fmt.Sprintf("%+v, present", t.conditions), do(o.If(t.conditions)), t.present); err != nil {
			return err
		}
		want := t.empty
		if want == 0 {
			want = missing
		}
		if err := is(fmt.Sprintf("%+v, absent", t.conditions), do(b.Object(fmt.Sprint("absent", i)).If(t.conditions)), want); err != nil {
			return err
		}
	}
	return nil
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
	g, err := put(ctx, b.Object("o"), "x")
	if err != nil {
		return err
	}
	_, same := get(ctx, b.Object("o").If(storage.Conditions{GenerationMatch: g}))
	_, other := get(ctx, b.Object("o").If(storage.Conditions{GenerationMatch: g + 1}))
	_, none := get(ctx, b.Object("none").If(storage.Conditions{GenerationMatch: g}))
	return errors.Join(is("same", same, 0), is("other", other, http.StatusPreconditionFailed), is("none", none, http.StatusPreconditionFailed))
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
	g, err := put(ctx, src, "source")
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
	for i, t := range tries(g)[:4] {
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
	if _, err := all.ComposerFrom(one.If(storage.Conditions{GenerationMatch: g}), two).Run(ctx); err != nil {
		return err
	}
	if text, err := get(ctx, b.Object("all")); text != "12" || err != nil {
		return fmt.Errorf("got %q, %w", text, orNil(err))
	}
	_, again := all.ComposerFrom(one, two).Run(ctx)
	_, changed := b.Object("more").ComposerFrom(one.If(storage.Conditions{GenerationMatch: g + 1}), two).Run(ctx)
	return errors.Join(is("again", again, http.StatusPreconditionFailed), is("a changed source", changed, http.StatusPreconditionFailed))
}

// resumableConditions: an upload that begins under a precondition ends under
// it, though the object came to be in between.
func resumableConditions(ctx context.Context, b *storage.BucketHandle) error {
	big := strings.Repeat("0123456789abcdef", 1<<15) // 512 KiB
	o := b.Object("big")
	w := o.If(storage.Conditions{DoesNotExist: true}).NewWriter(ctx)
	w.ChunkSize = 256 << 10
	if _, err := io.WriteString(w, big); err != nil {
		return err
	}
	if _, err := put(ctx, o, "other"); err != nil {
		return err
	}
	if err := is("a late end", w.Close(), http.StatusPreconditionFailed); err != nil {
		return err
	}
	w = o.NewWriter(ctx)
	w.ChunkSize = 256 << 10
	if _, err := io.WriteString(w, big+"end"); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if text, err := get(ctx, o); text != big+"end" || err != nil {
		return fmt.Errorf("%d bytes came back, %w", len(text), orNil(err))
	}
	return nil
}

func listings(ctx context.Context, b *storage.BucketHandle) error {
	for _, name := range []string{"b/2", "a", "b/1", "c"} {
		if _, err := put(ctx, b.Object(name), name); err != nil {
			return err
		}
	}
	for prefix, want := range map[string][]string{"": {"a", "b/1", "b/2", "c"}, "b/": {"b/1", "b/2"}, "x": nil} {
		var got []string
		objects := b.Objects(ctx, &storage.Query{Prefix: prefix})
		for {
			attrs, err := objects.Next()
			if errors.Is(err, iterator.Done) {
				break
			}
			if err != nil {
				return err
			}
			got = append(got, attrs.Name)
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("%q: got %q, wanted %q", prefix, got, want)
		}
	}
	return nil
}

func metagenerations(ctx context.Context, b *storage.BucketHandle) error {
	if _, err := put(ctx, b.Object("o"), "x"); err != nil {
		return err
	}
	o := b.Object("o").If(storage.Conditions{MetagenerationMatch: 1})
	_, update := o.Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "x"})
	_, read := get(ctx, o)
	return errors.Join(is("update", update, http.StatusBadRequest), is("read", read, http.StatusBadRequest))
}

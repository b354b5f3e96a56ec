package fakestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
)

func ranges(ctx context.Context, b *storage.BucketHandle) error {
	o := b.Object("o")
	if _, err := put(ctx, o, "0123456789"); err != nil {
		return err
	}
	for _, c := range []struct {
		from, length int64
		want         string
	}{{2, 3, "234"}, {7, -1, "789"}, {-2, -1, "89"}} {
		r, err := o.NewRangeReader(ctx, c.from, c.length)
		if err != nil {
			return err
		}
		if text, err := io.ReadAll(r); string(text) != c.want || err != nil {
			return fmt.Errorf("%d bytes from %d are %q, %w", c.length, c.from, text, orNil(err))
		}
	}
	return nil
}

// generations rise, also after a delete, and do not tell how fast they were
// made.
func generations(ctx context.Context, b *storage.BucketHandle) error {
	var last int64
	o := b.Object("o")
	for i := range 20 {
		w := o.NewWriter(ctx) // at once, as fast as it goes
		w.ChunkSize = 256 << 10
		if _, err := io.WriteString(w, "x"); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		if g := w.Attrs().Generation; g <= last {
			return fmt.Errorf("generation %d after %d", g, last)
		}
		last = w.Attrs().Generation
		if i%5 == 4 {
			if err := o.Delete(ctx); err != nil {
				return err
			}
		}
	}
	if _, err := put(ctx, o, "y"); err != nil {
		return err
	}
	made, err := o.Attrs(ctx)
	if err != nil {
		return err
	}
	attrs, err := o.Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "text/x"})
	if err != nil || attrs.Generation != made.Generation || attrs.ContentType != "text/x" {
		return fmt.Errorf("an update of metadata made %+v, %w", attrs, orNil(err))
	}
	return nil
}

// metagenerations shows in every answer.
func metagenerations(ctx context.Context, b *storage.BucketHandle) error {
	o := b.Object("o")
	see := func(want int64) error {
		attrs, err := o.Attrs(ctx)
		if err != nil || attrs.Metageneration != want {
			return fmt.Errorf("attributes have %+v, wanted metageneration %d, %w", attrs, want, orNil(err))
		}
		r, err := o.NewReader(ctx)
		if err != nil || r.Attrs.Metageneration != want || r.Attrs.Generation != attrs.Generation {
			return fmt.Errorf("a reader has %+v, wanted metageneration %d, %w", r.Attrs, want, orNil(err))
		}
		_ = r.Close()
		listed, err := b.Objects(ctx, nil).Next()
		if err != nil || listed.Metageneration != want {
			return fmt.Errorf("a listing has %+v, wanted metageneration %d, %w", listed, want, orNil(err))
		}
		return nil
	}
	for range 2 { // a new generation begins anew
		w := o.NewWriter(ctx)
		w.ChunkSize = 256 << 10
		if err := w.Close(); err != nil || w.Attrs().Metageneration != 1 {
			return fmt.Errorf("a write made %+v, %w", w.Attrs(), orNil(err))
		}
		for want := int64(2); want < 4; want++ {
			if err := see(want - 1); err != nil {
				return err
			}
			attrs, err := o.Update(ctx, storage.ObjectAttrsToUpdate{Metadata: map[string]string{"n": fmt.Sprint(want)}})
			if err != nil || attrs.Metageneration != want {
				return fmt.Errorf("an update made %+v, wanted metageneration %d, %w", attrs, want, orNil(err))
			}
		}
		if err := see(3); err != nil {
			return err
		}
	}
	return nil
}

func etags(ctx context.Context, b *storage.BucketHandle) error {
	o := b.Object("o")
	seen := map[string]bool{}
	for range 2 {
		if _, err := twice(ctx, o); err != nil {
			return err
		}
		for range 2 {
			attrs, err := o.Attrs(ctx)
			if err != nil || attrs.Etag == "" || seen[attrs.Etag] {
				return fmt.Errorf("%+v: the etag is not new, %w", attrs, orNil(err))
			}
			seen[attrs.Etag] = true
			if _, err := o.Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "text/y"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// updates: what is named changes, also to nothing; the rest stays.
func updates(ctx context.Context, b *storage.BucketHandle) error {
	o := b.Object("o")
	w := o.NewWriter(ctx)
	w.ContentType, w.CacheControl, w.Metadata = "text/plain", "no-store", map[string]string{"a": "1", "b": "2"}
	if _, err := io.WriteString(w, "x"); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	created := w.Attrs().Created
	if _, err := o.Update(ctx, storage.ObjectAttrsToUpdate{CacheControl: "", Metadata: map[string]string{"b": "3"}}); err != nil {
		return err
	}
	attrs, err := o.Attrs(ctx)
	if err != nil || attrs.ContentType != "text/plain" || attrs.CacheControl != "" || attrs.Metadata["a"] != "1" || attrs.Metadata["b"] != "3" {
		return fmt.Errorf("got %+v, %w", attrs, orNil(err))
	}
	if !attrs.Created.Equal(created) || attrs.Updated.Before(created) {
		return fmt.Errorf("created %v, updated %v, was created %v", attrs.Created, attrs.Updated, created)
	}
	if _, err := o.Update(ctx, storage.ObjectAttrsToUpdate{Metadata: map[string]string{}}); err != nil {
		return err
	}
	if attrs, err = o.Attrs(ctx); err != nil || len(attrs.Metadata) != 0 {
		return fmt.Errorf("got %+v, %w", attrs, orNil(err))
	}
	text, err := get(ctx, o)
	if text != "x" || err != nil {
		return fmt.Errorf("got %q, %w", text, orNil(err))
	}
	return nil
}

// onlyLive: without versioning a generation that was overwritten is gone, and
// to ask for it touches nothing else.
func onlyLive(ctx context.Context, b *storage.BucketHandle) error {
	o := b.Object("o")
	first, err := put(ctx, o, "1")
	if err != nil {
		return err
	}
	second, err := put(ctx, o, "2")
	if err != nil {
		return err
	}
	old := o.Generation(first)
	_, read := get(ctx, old)
	_, attrs := old.Attrs(ctx)
	_, update := old.Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "text/y"})
	_, copied := b.Object("copy").CopierFrom(old).Run(ctx)
	for _, err := range []error{read, attrs, update, copied, old.Delete(ctx)} {
		if !errors.Is(err, storage.ErrObjectNotExist) {
			return is("the old generation", err, 404)
		}
	}
	if text, err := get(ctx, o.Generation(second)); text != "2" || err != nil {
		return fmt.Errorf("the live generation is %q, %w", text, orNil(err))
	}
	if err := o.Generation(second).Delete(ctx); err != nil {
		return err
	}
	_, err = o.Attrs(ctx)
	return is("deleted", err, 404)
}

// versions: with versioning, what is overwritten or deleted becomes
// noncurrent; a generation that is named is deleted for good.
func versions(ctx context.Context, b *storage.BucketHandle) error {
	o := b.Object("o")
	var made []int64
	for i := range 3 {
		g, err := put(ctx, o, fmt.Sprint(i))
		if err != nil {
			return err
		}
		made = append(made, g)
	}
	if err := o.Delete(ctx); err != nil {
		return err
	}
	if _, err := o.Attrs(ctx); !errors.Is(err, storage.ErrObjectNotExist) {
		return is("deleted", err, 404)
	}
	for i, g := range made {
		if text, err := get(ctx, o.Generation(g)); text != fmt.Sprint(i) || err != nil {
			return fmt.Errorf("generation %d is %q, %w", i, text, orNil(err))
		}
	}
	if err := o.Generation(made[1]).Delete(ctx); err != nil {
		return err
	}
	var left []int64
	list := b.Objects(ctx, &storage.Query{Versions: true})
	for {
		attrs, err := list.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return err
		}
		left = append(left, attrs.Generation)
	}
	slices.Sort(left)
	if !slices.Equal(left, []int64{made[0], made[2]}) {
		return fmt.Errorf("left are %d of %d, wanted the first and the last", left, made)
	}
	_, err := put(ctx, o.If(storage.Conditions{DoesNotExist: true}), "new")
	return is("a name without a live generation is free", err, 0)
}

// copies take content and metadata along, begin anew, and leave the source.
func copies(ctx context.Context, b *storage.BucketHandle) error {
	src, dst := b.Object("src"), b.Object("dst")
	g, err := twice(ctx, src)
	if err != nil {
		return err
	}
	attrs, err := dst.CopierFrom(src).Run(ctx)
	if err != nil || attrs.Generation == g || attrs.Metageneration != 1 || attrs.ContentType != "text/x" || attrs.Size != 1 {
		return fmt.Errorf("the copy is %+v, %w", attrs, orNil(err))
	}
	again, err := dst.CopierFrom(src).Run(ctx)
	if err != nil || again.Generation <= attrs.Generation {
		return fmt.Errorf("the second copy is %+v, %w", again, orNil(err))
	}
	over, err := src.CopierFrom(src).Run(ctx)
	if err != nil || over.Generation <= g || over.Metageneration != 1 {
		return fmt.Errorf("a copy onto itself is %+v, %w", over, orNil(err))
	}
	text, err := get(ctx, dst)
	if text != "x" || err != nil {
		return fmt.Errorf("got %q, %w", text, orNil(err))
	}
	return nil
}

func listings(ctx context.Context, b *storage.BucketHandle) error {
	for _, name := range []string{"b/2", "a", "b/1", "c", "gone"} {
		if _, err := put(ctx, b.Object(name), name); err != nil {
			return err
		}
	}
	if err := b.Object("gone").Delete(ctx); err != nil {
		return err
	}
	for _, c := range []struct {
		query storage.Query
		want  []string
	}{
		{storage.Query{}, []string{"a", "b/1", "b/2", "c"}}, {storage.Query{Prefix: "b/"}, []string{"b/1", "b/2"}},
		{storage.Query{Prefix: "x"}, nil}, {storage.Query{Delimiter: "/"}, []string{"a", "c", "b/"}},
		{storage.Query{StartOffset: "b/2", EndOffset: "c"}, []string{"b/2"}},
	} {
		var got []string
		objects := b.Objects(ctx, &c.query)
		objects.PageInfo().MaxSize = 2
		for {
			attrs, err := objects.Next()
			if errors.Is(err, iterator.Done) {
				break
			}
			if err != nil {
				return err
			}
			got = append(got, attrs.Name+attrs.Prefix)
		}
		if c.query.Delimiter != "" { // where prefixes stand is not promised
			slices.Sort(got)
			slices.Sort(c.want)
		}
		if !slices.Equal(got, c.want) {
			return fmt.Errorf("%+v: got %q, wanted %q", c.query, got, c.want)
		}
	}
	return nil
}

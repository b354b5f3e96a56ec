package gcs

import (
	"cmp"
	"io"
	"slices"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// object is a stored object with what fake-gcs-server does not keep.
type object struct {
	fakestorage.ObjectAttrs
	content        io.ReadSeekCloser
	metageneration int64
}

func (o object) version() version { return version{o.BucketName, o.Name, o.Generation} }

// find returns an object; generation 0 is the live one.
func (b *Backend) find(v version) (object, bool) {
	if v.object == "" {
		return object{}, false
	}
	var o fakestorage.StreamingObject
	var err error
	if v.generation == 0 {
		o, err = b.server.GetObjectStreaming(v.bucket, v.object)
	} else {
		o, err = b.server.GetObjectWithGenerationStreaming(v.bucket, v.object, v.generation)
	}
	if err != nil {
		return object{}, false
	}
	out := object{ObjectAttrs: o.ObjectAttrs, content: o.Content}
	out.metageneration = b.metageneration(out.version())
	return out, true
}

// state returns the generation and metageneration of an object, 0 if there is
// none; of a bucket, its metageneration.
func (b *Backend) state(v version) (generation, metageneration int64) {
	if v.object == "" {
		return 0, 1 + b.buckets[v.bucket]
	}
	o, _ := b.find(v)
	return o.Generation, o.metageneration
}

func (b *Backend) metageneration(v version) int64 {
	if m := b.meta[v]; m > 0 {
		return m
	}
	return 1
}

// updated counts an update of an object's metadata.
func (b *Backend) updated(v version) { b.meta[v] = b.metageneration(v) + 1 }

// next returns a generation for a new object: the time in microseconds, as the
// service does, and higher than any before.
func (b *Backend) next() int64 {
	b.last = max(b.last+1, time.Now().UnixMicro()) //wtsim:clock the bubble's clock
	return b.last
}

func (b *Backend) versioned(bucket string) bool {
	x, err := b.server.Backend().GetBucket(bucket)
	return err == nil && x.VersioningEnabled
}

// has reports whether there is a bucket.
func (b *Backend) has(bucket string) bool {
	_, err := b.server.Backend().GetBucket(bucket)
	return err == nil
}

// store stores an object: anew, or in the place of the same generation.
func (b *Backend) store(o object) error {
	return b.server.CreateObjectStreaming(fakestorage.StreamingObject{ObjectAttrs: o.ObjectAttrs, Content: o.content})
}

// upload is a resumable upload that has begun.
type upload struct {
	version
	conditions []condition
}

// fresh makes room for what the server is about to write: it numbers
// generations by the clock alone, and takes a write of a number that it has
// for an update. Where the clock has not moved since the newest generation,
// every version of the name is put aside; the function returned puts them
// back, and gives what was written a number of its own.
func (b *Backend) fresh(v version) (after func() (object, error)) {
	if time.Now().UnixMicro() > b.last { //wtsim:clock the bubble's clock
		return func() (object, error) {
			o, _ := b.find(v)
			b.last = max(b.last, o.Generation)
			return o, nil
		}
	}
	_, wasLive := b.find(v)
	aside := b.versions(v)
	for _, o := range aside {
		_ = b.server.Backend().DeleteObjectWithGeneration(v.bucket, v.object, o.Generation) // it is there
	}
	return func() (object, error) { return b.restore(v, aside, wasLive) }
}

// restore puts back what fresh has put aside.
func (b *Backend) restore(v version, aside []object, wasLive bool) (object, error) {
	written, ok := b.find(v)
	if ok {
		if err := b.server.Backend().DeleteObjectWithGeneration(v.bucket, v.object, written.Generation); err != nil {
			return object{}, err
		}
	}
	for _, o := range aside { // each makes the one before noncurrent
		if err := b.store(o); err != nil {
			return object{}, err
		}
	}
	switch {
	case ok:
		written.Generation = b.next()
		written.metageneration = 1
		return written, b.store(written)
	case !wasLive && len(aside) > 0:
		return object{}, b.server.Backend().DeleteObject(v.bucket, v.object)
	}
	return object{}, nil
}

// versions returns all of a name, the oldest first.
func (b *Backend) versions(v version) []object {
	list, err := b.server.ListObjectsWithOptionsPaginated(v.bucket, fakestorage.ListOptions{Prefix: v.object, Versions: true})
	if err != nil {
		return nil
	}
	var out []object
	for _, attrs := range list.Objects {
		if o, ok := b.find(version{attrs.BucketName, attrs.Name, attrs.Generation}); ok && attrs.Name == v.object {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(x, y object) int { return cmp.Compare(x.Generation, y.Generation) })
	return out
}

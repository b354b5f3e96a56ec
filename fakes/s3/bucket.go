package s3

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What becomes of versions in a bucket; empty if it never kept any.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
const (
	enabled   = "Enabled"
	suspended = "Suspended"
)

// null is the id of a version that was made while none were kept.
const null = "null"

const (
	defaultKind = "binary/octet-stream"
	standard    = "STANDARD"
)

// bucket is one, with what is in it.
type bucket struct {
	name       string
	region     string // empty for that of the backend
	made       time.Time
	versioning string
	entries    []*entry // by key; those of which nothing is left stay, to number what comes
	uploads    []*upload
}

// entry is all that has one key.
type entry struct {
	key      string
	versions []*version // the newest last
	count    int        // of the versions that there were
	changes  int        // that there were, for the sequencers of events
	uploads  int        // that have begun
}

// version is one of an object, or a delete marker.
type version struct {
	id       string // "null" where none are kept
	marker   bool
	data     []byte // shared, never changed
	etag     string // with its quotes
	modified time.Time
	kind     string      // Content-Type
	class    string      // of storage
	header   http.Header // what else the system and the user have said of it
	tags     []tag
	sums     []checksum
	parts    []int // sizes of the parts that it was made of
}

// place is where the entry of a key is, or would be.
func (b *bucket) place(key string) (int, bool) {
	return slices.BinarySearchFunc(b.entries, key, func(e *entry, key string) int { return strings.Compare(e.key, key) })
}

// find returns the entry of a key; nil if there never was one.
func (b *bucket) find(key string) *entry {
	if i, ok := b.place(key); ok {
		return b.entries[i]
	}
	return nil
}

// entry returns the entry of a key, which it makes if it must.
func (b *bucket) entry(key string) *entry {
	i, ok := b.place(key)
	if !ok {
		b.entries = slices.Insert(b.entries, i, &entry{key: key})
	}
	return b.entries[i]
}

// current is the version that a request gets which names none; nil if there is
// none. It may be a marker.
func (e *entry) current() *version {
	if e == nil || len(e.versions) == 0 {
		return nil
	}
	return e.versions[len(e.versions)-1]
}

// get returns a version by its id; nil if there is none.
func (e *entry) get(id string) *version {
	if e == nil {
		return nil
	}
	for _, v := range e.versions {
		if v.id == id {
			return v
		}
	}
	return nil
}

// live is the current version unless it is a marker.
func (b *bucket) live(key string) *version {
	if v := b.find(key).current(); v != nil && !v.marker {
		return v
	}
	return nil
}

// put makes a version the current one: beside those that there are, or in the
// place of the one without an id.
func (b *bucket) put(key string, v *version) *entry {
	e := b.entry(key)
	v.id = null
	if b.versioning == enabled {
		e.count++
		v.id = identity(b.name, key, "version", e.count)
	} else {
		e.drop(null)
	}
	e.versions = append(e.versions, v)
	e.changes++
	return e
}

// drop takes a version away for good.
func (e *entry) drop(id string) {
	e.versions = slices.DeleteFunc(e.versions, func(v *version) bool { return v.id == id })
}

// empty reports whether nothing is in it.
func (b *bucket) empty() bool {
	return !slices.ContainsFunc(b.entries, func(e *entry) bool { return len(e.versions) > 0 })
}

// identity is an id of 32 letters that depends on nothing but what it is of.
func identity(bucket, key, of string, number int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s/%s %s %d", bucket, key, of, number))
	return strings.NewReplacer("-", ".", "/", "_").Replace(base64.RawURLEncoding.EncodeToString(h[:24]))
}

func etagOf(data []byte) string {
	sum := md5.Sum(data)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// validBucket reports whether a name is one of a bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func validBucket(name string) bool {
	plain := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
	if len(name) < 3 || len(name) > 63 || !plain(name[0]) || !plain(name[len(name)-1]) || strings.Contains(name, "..") {
		return false
	}
	for i := range len(name) {
		if c := name[i]; !plain(c) && c != '.' && c != '-' {
			return false
		}
	}
	return !strings.HasPrefix(name, "xn--") && !strings.HasSuffix(name, "-s3alias")
}

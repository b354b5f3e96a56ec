package s3

import (
	"net/http"
	"strings"
	"time"

	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// matches reports whether an entity tag is one of those that a header lists.
func matches(header, etag string) bool {
	for _, one := range strings.Split(header, ",") {
		if one = strings.TrimSpace(one); one == "*" || unquoted(one) == unquoted(etag) {
			return true
		}
	}
	return false
}

// failed is the refusal by a condition.
func failed(condition string) *awswire.Error { return with(errCondition, "Condition", condition) }

// readable checks the conditions of a read, in the order of RFC 7232: where an
// entity tag is asked for, a time is not.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (b *Backend) readable(h http.Header, v *version) error {
	if b.lacksGuarantee(conditions) {
		return nil
	}
	if want := h.Get("If-Match"); want != "" {
		if !matches(want, v.etag) {
			return failed("If-Match")
		}
	} else if at, ok := instant(h, "If-Unmodified-Since"); ok && v.second().After(at) {
		return failed("If-Unmodified-Since")
	}
	modified := with(errNotModified, "Etag", v.etag)
	if not := h.Get("If-None-Match"); not != "" {
		if matches(not, v.etag) {
			return modified
		}
	} else if at, ok := instant(h, "If-Modified-Since"); ok && !v.second().After(at) {
		return modified
	}
	return nil
}

// copyable checks the conditions on the source of a copy.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
func (b *Backend) copyable(h http.Header, v *version) error {
	const prefix = "X-Amz-Copy-Source-"
	as := http.Header{}
	for _, name := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if value := h.Get(prefix + name); value != "" {
			as.Set(name, value)
		}
	}
	if b.readable(as, v) != nil {
		return errCondition
	}
	return nil
}

// instant is a time that a header has.
func instant(h http.Header, name string) (time.Time, bool) {
	at, err := http.ParseTime(h.Get(name))
	return at, err == nil
}

// second is when it was made, as S3 keeps it.
func (v *version) second() time.Time { return v.modified.Truncate(time.Second) }

// writable checks the conditions of a write: of a put, a copy, or the end of
// an upload in parts.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (b *Backend) writable(q *request) error {
	match, none := q.Header.Get("If-Match"), q.Header.Get("If-None-Match")
	switch {
	case match != "" && none != "" || none != "" && none != "*":
		return with(errNoCondition, "Header", map[bool]string{true: "If-None-Match", false: "If-Match"}[none != ""])
	case b.lacksGuarantee(conditions):
		return nil
	}
	v := q.bucket.live(q.Key)
	switch {
	case none != "" && v != nil:
		return failed("If-None-Match")
	case match != "" && v == nil:
		return with(errNoKey, "Key", q.Key)
	case match != "" && !matches(match, v.etag):
		return failed("If-Match")
	}
	return nil
}

// deletable checks the condition of a deletion, which is on the current
// version.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
func (b *Backend) deletable(of *bucket, key, match string) error {
	if match == "" || b.lacksGuarantee(conditions) {
		return nil
	}
	if v := of.live(key); v == nil || !matches(match, v.etag) {
		return failed("If-Match")
	}
	return nil
}

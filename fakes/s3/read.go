package s3

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// find returns the version that a request names, or the current one.
func (q *request) find(of *bucket, key, id string) (*version, error) {
	e := of.find(key)
	if id != "" {
		v := e.get(id)
		switch {
		case v == nil && id != null && len(id) != 32:
			return nil, with(invalid("Invalid version id specified"), "ArgumentName", "versionId", "ArgumentValue", id)
		case v == nil:
			return nil, with(errNoVersion, "Key", key, "VersionId", id)
		case v.marker:
			return nil, with(errMethod, markerHeader, "true", versionHeader, id)
		}
		return v, nil
	}
	switch v := e.current(); {
	case v == nil:
		return nil, with(errNoKey, "Key", key)
	case v.marker:
		return nil, with(errDeleteMarker, "Key", key, versionHeader, v.id)
	default:
		return v, nil
	}
}

// overrides are parameters that say what headers the answer has.
var overrides = map[string]string{
	"response-content-type": "Content-Type", "response-content-language": "Content-Language", "response-expires": "Expires",
	"response-cache-control": "Cache-Control", "response-content-disposition": "Content-Disposition", "response-content-encoding": "Content-Encoding",
}

// getObject reads an object, or tells of it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (b *Backend) getObject(q *request) (*http.Response, error) {
	v, err := q.find(q.bucket, q.Key, q.query.Get("versionId"))
	if err != nil {
		return nil, err
	}
	if err := b.readable(q.Header, v); err != nil {
		return nil, err
	}
	h := v.headers(q.bucket)
	from, to, part, err := v.span(q)
	if err != nil {
		return nil, err
	}
	status := http.StatusOK
	if part {
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(v.data)))
	} else if q.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		told(h, v.sums)
	}
	if q.query.Has("partNumber") && len(v.parts) > 0 {
		h.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(v.parts)))
	}
	for name, header := range overrides { //wtsim:order headers are independent
		if value := q.query.Get(name); value != "" {
			h.Set(header, value)
		}
	}
	h.Set("Content-Length", strconv.Itoa(to-from))
	if q.Method == http.MethodHead {
		return respond(q.Request, status, h, nil), nil
	}
	return respond(q.Request, status, h, v.data[from:to]), nil
}

// headers are what an answer tells of a version.
func (v *version) headers(of *bucket) http.Header {
	h := http.Header{}
	if v.header != nil {
		h = v.header.Clone()
	}
	h.Set("Etag", v.etag)
	h.Set("Last-Modified", v.modified.UTC().Format(http.TimeFormat))
	h.Set("Content-Type", v.kind)
	h.Set("Accept-Ranges", "bytes")
	v.mark(h, of)
	if v.class != standard {
		h.Set("X-Amz-Storage-Class", v.class)
	}
	if len(v.tags) > 0 {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(len(v.tags)))
	}
	return h
}

// mark tells the version's id, where the bucket has such, and how it is kept.
func (v *version) mark(h http.Header, of *bucket) {
	if of.versioning != "" {
		h.Set(versionHeader, v.id)
	}
	if h.Get(encryptionHeader) == "" && !v.marker {
		h.Set(encryptionHeader, "AES256")
	}
}

// Every object is encrypted, if nothing is said with S3's own keys.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
const encryptionHeader = "X-Amz-Server-Side-Encryption"

// span is what is asked for: a range, a part, or all of it.
func (v *version) span(q *request) (from, to int, part bool, err error) {
	size := len(v.data)
	if text := q.query.Get("partNumber"); text != "" {
		n, err := strconv.Atoi(text)
		parts := v.parts
		if len(parts) == 0 {
			parts = []int{size}
		}
		switch {
		case err != nil || n < 1 || n > mostParts:
			return 0, 0, false, invalid("Part number must be an integer between 1 and 10000, inclusive")
		case n > len(parts):
			return 0, 0, false, refused(416, "InvalidPartNumber", "The requested partnumber is not satisfiable")
		}
		for _, before := range parts[:n-1] {
			from += before
		}
		return from, from + parts[n-1], true, nil
	}
	return spanOf(q.Header.Get("Range"), size)
}

// spanOf reads a header Range. One that is none is left alone, as RFC 7233 has
// it.
func spanOf(header string, size int) (from, to int, part bool, err error) {
	text, ok := strings.CutPrefix(header, "bytes=")
	if strings.Contains(text, ",") {
		return 0, 0, false, lacks("ranges, several in one request", "ask for one at a time")
	}
	first, last, ok2 := strings.Cut(text, "-")
	if !ok || !ok2 {
		return 0, size, false, nil
	}
	a, errA := strconv.Atoi(first)
	z, errZ := strconv.Atoi(last)
	switch {
	case first == "" && errZ == nil:
		from, to = max(0, size-z), size
	case errA != nil || last != "" && (errZ != nil || z < a):
		return 0, size, false, nil
	case last == "":
		from, to = a, size
	default:
		from, to = a, min(size, z+1)
	}
	if from >= to {
		return 0, 0, false, with(errRange, "RangeRequested", header, "ActualObjectSize", strconv.Itoa(size))
	}
	return from, to, true, nil
}

// tag is one of an object's.
type tag struct {
	Key, Value string
}

type tagging struct {
	TagSet struct{ Tag []tag }
}

// getTagging tells the tags of an object.
func (b *Backend) getTagging(q *request) (*http.Response, error) {
	v, err := q.find(q.bucket, q.Key, q.query.Get("versionId"))
	if err != nil {
		return nil, err
	}
	set := document("TagSet", "")
	for _, t := range v.tags {
		set.Nodes = append(set.Nodes, document("Tag", "", element("Key", t.Key), element("Value", t.Value)))
	}
	h := http.Header{}
	if q.bucket.versioning != "" {
		h.Set(versionHeader, v.id)
	}
	return respondXML(q.Request, http.StatusOK, h, document("Tagging", xmlns, set)), nil
}

// putTagging gives an object other tags, or none.
func (b *Backend) putTagging(q *request) (*http.Response, error) {
	v, err := q.find(q.bucket, q.Key, q.query.Get("versionId"))
	if err != nil {
		return nil, err
	}
	var of tagging
	status := http.StatusNoContent
	if q.Method == http.MethodPut {
		status = http.StatusOK
		if err := q.decode(&of); err != nil {
			return nil, err
		}
	}
	if err := valid(of.TagSet.Tag); err != nil {
		return nil, err
	}
	v.tags = of.TagSet.Tag
	h := http.Header{}
	if q.bucket.versioning != "" {
		h.Set(versionHeader, v.id)
	}
	return respond(q.Request, status, h, nil), nil
}

// valid checks tags.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
func valid(tags []tag) error {
	if len(tags) > 10 {
		return refused(400, "BadRequest", "Object tags cannot be greater than 10")
	}
	for i, t := range tags {
		if t.Key == "" || len([]rune(t.Key)) > 128 || len([]rune(t.Value)) > 256 {
			return refused(400, "InvalidTag", "The TagKey or TagValue you have provided is invalid")
		}
		if slices.ContainsFunc(tags[:i], func(o tag) bool { return o.Key == t.Key }) {
			return refused(400, "InvalidTag", "Cannot provide multiple Tags with the same key")
		}
	}
	return nil
}

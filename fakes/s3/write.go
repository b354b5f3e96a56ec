package s3

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/probe/awsprobe"
)

// kept are the headers of a write that come back with a read.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
var kept = []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires",
	encryptionHeader, "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Server-Side-Encryption-Bucket-Key-Enabled"}

// mostMeta is how large what a user says of an object may be.
const mostMeta = 2 << 10

// described is a version without content, as the headers of a request describe
// it.
func (q *request) described() (*version, error) {
	v := &version{modified: q.now, kind: q.Header.Get("Content-Type"), class: q.Header.Get("X-Amz-Storage-Class"), header: http.Header{}}
	if v.kind == "" {
		v.kind = defaultKind
	}
	if v.class == "" {
		v.class = standard
	}
	size := 0
	for name, values := range q.Header { //wtsim:order a map to a map
		meta, ok := strings.CutPrefix(name, "X-Amz-Meta-")
		if ok {
			size += len(meta) + len(strings.Join(values, ","))
		}
		if ok || slices.Contains(kept, name) {
			v.header.Set(name, strings.Join(values, ","))
		}
	}
	if size > mostMeta {
		return nil, errLongMeta
	}
	if coding := v.header.Get("Content-Encoding"); strings.Contains(coding, "aws-chunked") {
		v.header.Del("Content-Encoding")
		rest := slices.DeleteFunc(strings.Split(coding, ","), func(s string) bool { return strings.TrimSpace(s) == "aws-chunked" })
		if len(rest) > 0 {
			v.header.Set("Content-Encoding", strings.TrimSpace(strings.Join(rest, ",")))
		}
	}
	var err error
	v.tags, err = tagsOf(q.Header.Get("X-Amz-Tagging"))
	return v, err
}

// tagsOf reads a header of tags.
func tagsOf(header string) ([]tag, error) {
	var out []tag
	for pair := range strings.SplitSeq(header, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		switch {
		case err != nil || err2 != nil:
			return nil, with(invalid("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."), "ArgumentName", "x-amz-tagging")
		case pair != "":
			out = append(out, tag{name, value})
		}
	}
	return out, valid(out)
}

// fill gives a version its content.
func (v *version) fill(data []byte, sums []checksum) {
	v.data, v.etag, v.sums = data, etagOf(data), sums
	if len(sums) == 0 {
		v.sums = []checksum{crc64NVME.of(data)}
	}
}

// putObject stores an object.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
func (b *Backend) putObject(q *request) (*http.Response, error) {
	v, err := q.described()
	if err != nil {
		return nil, err
	}
	if err := b.writable(q); err != nil {
		return nil, err
	}
	v.fill(q.content, q.sums)
	e := q.bucket.put(q.Key, v)
	b.tell(q, "ObjectCreated:Put", e, v)
	h := http.Header{"Etag": {v.etag}}
	v.mark(h, q.bucket)
	told(h, v.sums)
	return respond(q.Request, http.StatusOK, h, nil), nil
}

// source finds what a request copies.
func (b *Backend) source(q *request) (v *version, of *bucket, err error) {
	name, key, id := awsprobe.CopySource(q.Header.Get("X-Amz-Copy-Source"))
	if name == "" || key == "" {
		return nil, nil, invalid("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	if of = b.buckets[name]; of == nil {
		return nil, nil, with(errNoBucket, "BucketName", name)
	}
	if v, err = q.find(of, key, id); err != nil {
		return nil, nil, err
	}
	return v, of, b.copyable(q.Header, v)
}

// copyObject stores what another object, or an older version, has.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
func (b *Backend) copyObject(q *request) (*http.Response, error) {
	from, of, err := b.source(q)
	if err != nil {
		return nil, err
	}
	v, err := q.described()
	if err != nil {
		return nil, err
	}
	replaces := q.Header.Get("X-Amz-Metadata-Directive") == "REPLACE"
	_, key, id := awsprobe.CopySource(q.Header.Get("X-Amz-Copy-Source"))
	if of == q.bucket && key == q.Key && id == "" && !replaces && v.class == from.class && q.Header.Get(encryptionHeader) == "" {
		return nil, errToItself
	}
	if err := b.writable(q); err != nil {
		return nil, err
	}
	if !replaces {
		encryption := v.header.Get(encryptionHeader)
		v.kind, v.header = from.kind, from.header.Clone()
		if encryption != "" {
			v.header.Set(encryptionHeader, encryption)
		}
	}
	if q.Header.Get("X-Amz-Tagging-Directive") != "REPLACE" {
		v.tags = slices.Clone(from.tags)
	}
	sums := from.sums
	if a := algorithmOf(q.Header.Get("X-Amz-Checksum-Algorithm")); a != nil {
		sums = []checksum{a.of(from.data)}
	} else if len(sums) > 0 && sums[0].parts > 0 { // it is one part now
		sums = []checksum{sums[0].algorithm.of(from.data)}
	}
	v.fill(from.data, sums)
	e := q.bucket.put(q.Key, v)
	b.tell(q, "ObjectCreated:Copy", e, v)
	h := http.Header{}
	v.mark(h, q.bucket)
	if of.versioning != "" {
		h.Set("X-Amz-Copy-Source-Version-Id", from.id)
	}
	return respondXML(q.Request, http.StatusOK, h, copied("CopyObjectResult", v.etag, v.modified, v.sums)), nil
}

func copied(name, etag string, at time.Time, sums []checksum) node {
	return document(name, xmlns, append([]any{element("LastModified", stamp(at)), element("ETag", etag)}, elements(sums)...)...)
}

// gone is what has become of a key, or of one of its versions.
type gone struct {
	version string // that was asked for, or the marker's
	marker  bool   // what was made, or is gone, is a delete marker
}

// remove deletes a key, or a version of it for good.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html
func (b *Backend) remove(q *request, key, id string) (gone, error) {
	e := q.bucket.find(key)
	if id != "" {
		v := e.get(id)
		if v == nil {
			if id != null && len(id) != 32 {
				return gone{}, with(invalid("Invalid version id specified"), "ArgumentName", "versionId", "ArgumentValue", id)
			}
			return gone{version: id}, nil
		}
		e.drop(id)
		e.changes++
		b.tell(q, "ObjectRemoved:Delete", e, &version{id: id})
		return gone{id, v.marker}, nil
	}
	if q.bucket.versioning != "" {
		v := &version{marker: true, modified: q.now}
		e = q.bucket.put(key, v)
		b.tell(q, "ObjectRemoved:DeleteMarkerCreated", e, v)
		return gone{v.id, true}, nil
	}
	if v := e.current(); v != nil {
		e.drop(v.id)
		e.changes++
		b.tell(q, "ObjectRemoved:Delete", e, &version{id: null})
	}
	return gone{}, nil
}

// deleteObject deletes one.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
func (b *Backend) deleteObject(q *request) (*http.Response, error) {
	if err := b.deletable(q.bucket, q.Key, q.Header.Get("If-Match")); err != nil {
		return nil, err
	}
	is, err := b.remove(q, q.Key, q.query.Get("versionId"))
	if err != nil {
		return nil, err
	}
	h := http.Header{}
	if is.version != "" {
		h.Set(versionHeader, is.version)
	}
	if is.marker {
		h.Set(markerHeader, "true")
	}
	return respond(q.Request, http.StatusNoContent, h, nil), nil
}

// mostDeleted is how many objects one request deletes.
const mostDeleted = 1000

// deleteObjects deletes several, each by itself.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
func (b *Backend) deleteObjects(q *request) (*http.Response, error) {
	if q.Header.Get("Content-Md5") == "" && len(q.sums) == 0 {
		return nil, errNoDigest
	}
	var all struct {
		Object []struct {
			Key              string
			Version          string `xml:"VersionId"`
			ETag             string
			Size             string
			LastModifiedTime string
		}
		Quiet bool
	}
	if err := q.decode(&all); err != nil {
		return nil, err
	}
	if n := len(all.Object); n == 0 || n > mostDeleted {
		return nil, errMalformed
	}
	var out []any
	for _, o := range all.Object {
		if o.Size+o.LastModifiedTime != "" {
			return nil, lacks("conditions of directory buckets", "leave Size and LastModifiedTime out")
		}
		var is gone
		err := b.deletable(q.bucket, o.Key, o.ETag)
		if err == nil {
			is, err = b.remove(q, o.Key, o.Version)
		}
		if e := errorOf(err); e != nil {
			out = append(out, document("Error", "", element("Key", o.Key), element("Code", e.Code), element("Message", e.Message)))
			continue
		}
		if all.Quiet {
			continue
		}
		one := document("Deleted", "", element("Key", o.Key))
		if o.Version != "" {
			one.Nodes = append(one.Nodes, element("VersionId", o.Version))
		}
		if is.marker {
			one.Nodes = append(one.Nodes, element("DeleteMarker", "true"), element("DeleteMarkerVersionId", is.version))
		}
		out = append(out, one)
	}
	return respondXML(q.Request, http.StatusOK, http.Header{}, document("DeleteResult", xmlns, out...)), nil
}

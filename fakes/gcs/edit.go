package gcs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"cloud.google.com/go/storage"
)

// insert carries out an upload, or the end of one.
func (b *Backend) insert(q *request) (*http.Response, error) {
	after := b.fresh(q.name())
	resp, err := b.base.RoundTrip(q.unconditional())
	made, afterErr := after()
	if afterErr != nil {
		return nil, afterErr
	}
	if err != nil || resp.StatusCode >= 300 {
		return resp, err
	}
	delete(b.uploads, q.id)
	q.result = made
	return answer(q.Request, http.StatusOK, made.resource(true)), nil
}

// begin notes what a resumable upload began with.
func (b *Backend) begin(q *request, resp *http.Response) {
	at, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.StatusCode >= 300 {
		return
	}
	b.uploads[at.Query().Get("upload_id")] = upload{q.version, q.conditions()}
}

// fields are those of an object's metadata that clients may set.
type fields struct {
	ContentType, ContentEncoding, ContentDisposition, ContentLanguage, CacheControl, StorageClass *string
	CustomTime                                                                                    *time.Time
	Metadata                                                                                      map[string]*string
	ACL                                                                                           []struct{ Entity, Role string }
}

// set changes an object as the fields say; a field that is not there leaves
// what is.
func (f *fields) set(o *object) {
	for _, x := range []struct {
		to   *string
		from *string
	}{
		{&o.ContentType, f.ContentType}, {&o.ContentEncoding, f.ContentEncoding}, {&o.ContentDisposition, f.ContentDisposition},
		{&o.ContentLanguage, f.ContentLanguage}, {&o.CacheControl, f.CacheControl}, {&o.StorageClass, f.StorageClass},
	} {
		if x.from != nil {
			*x.to = *x.from
		}
	}
	if f.CustomTime != nil {
		o.CustomTime = *f.CustomTime
	}
	if f.ACL != nil {
		o.ACL = nil
		for _, rule := range f.ACL {
			o.ACL = append(o.ACL, storage.ACLRule{Entity: storage.ACLEntity(rule.Entity), Role: storage.ACLRole(rule.Role)})
		}
	}
	if f.Metadata == nil {
		return
	}
	metadata := map[string]string{} // another map: answers and copies share the old one
	for k, v := range o.Metadata {  //wtsim:order a map is built
		metadata[k] = v
	}
	for k, v := range f.Metadata { //wtsim:order keys are independent
		if v == nil {
			delete(metadata, k)
		} else {
			metadata[k] = *v
		}
	}
	o.Metadata = metadata
}

// edit carries out objects.patch and objects.update; the latter first clears
// what can be set. In a patch a null clears, as in any JSON merge patch.
func (b *Backend) edit(q *request) *http.Response {
	var f fields
	var given map[string]json.RawMessage
	if json.Unmarshal(q.body, &f) != nil || json.Unmarshal(q.body, &given) != nil {
		return refuse(q.Request, http.StatusBadRequest, "global", "parseError", "Parse Error")
	}
	o, ok := b.find(q.version)
	if !ok {
		return noObject(q.Request, q.version)
	}
	cleared := func(name string) bool {
		value, there := given[name]
		return there && string(value) == "null" || !there && q.method == "objects.update"
	}
	for name, field := range map[string]*string{ //wtsim:order fields are independent
		"contentType": &o.ContentType, "contentEncoding": &o.ContentEncoding, "contentDisposition": &o.ContentDisposition,
		"contentLanguage": &o.ContentLanguage, "cacheControl": &o.CacheControl,
	} {
		if cleared(name) {
			*field = ""
		}
	}
	if cleared("metadata") || q.method == "objects.update" {
		o.Metadata = nil
	}
	f.set(&o)
	o.Updated = time.Now() //wtsim:clock the bubble's clock
	if err := b.store(o); err != nil {
		return refuse(q.Request, http.StatusInternalServerError, "global", "internalError", err.Error())
	}
	b.updated(o.version())
	q.result, _ = b.find(o.version())
	return answer(q.Request, http.StatusOK, q.result.resource(q.full()))
}

// copy carries out objects.copy and objects.rewrite, the latter in one go.
func (b *Backend) copy(q *request) *http.Response {
	from, ok := b.find(q.from)
	switch {
	case !ok:
		return noObject(q.Request, q.from)
	case !b.has(q.bucket):
		return refuse(q.Request, http.StatusNotFound, "global", "notFound", "The specified bucket does not exist.")
	}
	to := from
	if len(bytes.TrimSpace(q.body)) > 0 {
		var f fields
		if json.Unmarshal(q.body, &f) != nil {
			return refuse(q.Request, http.StatusBadRequest, "global", "parseError", "Parse Error")
		}
		if f.Metadata != nil { // it replaces what the source has
			to.Metadata = nil
		}
		f.set(&to)
	}
	created, resp := b.create(q, to)
	if resp != nil {
		return resp
	}
	if q.method == "objects.copy" {
		return answer(q.Request, http.StatusOK, created.resource(q.full()))
	}
	return answer(q.Request, http.StatusOK, rewritten{
		Kind: "storage#rewriteResponse", TotalBytesRewritten: created.Size, ObjectSize: created.Size, Done: true, Resource: created.resource(q.full())})
}

// composition is the body of objects.compose.
type composition struct {
	SourceObjects []component
	Destination   fields
}

// component is one part of a composition.
type component struct {
	Name                string
	Generation          json.Number
	ObjectPreconditions struct{ IfGenerationMatch json.Number }
}

func (c component) in(bucket string) version {
	n, _ := c.Generation.Int64()
	return version{bucket, c.Name, n}
}

// compose joins objects of a bucket.
// https://docs.cloud.google.com/storage/docs/composite-objects
func (b *Backend) compose(q *request) *http.Response {
	var c composition
	if json.Unmarshal(q.body, &c) != nil {
		return refuse(q.Request, http.StatusBadRequest, "global", "parseError", "Parse Error")
	}
	const most = 32
	if n := len(c.SourceObjects); n == 0 || n > most {
		return refuse(q.Request, http.StatusBadRequest, "global", "invalid",
			fmt.Sprintf("The number of source components provided (%d) is not between 1 and %d", n, most))
	}
	var content bytes.Buffer
	for _, part := range c.SourceObjects {
		o, ok := b.find(part.in(q.bucket))
		if !ok {
			return noObject(q.Request, part.in(q.bucket))
		}
		if _, err := io.Copy(&content, o.content); err != nil {
			return refuse(q.Request, http.StatusInternalServerError, "global", "internalError", err.Error())
		}
	}
	var to object
	c.Destination.set(&to)
	to.content = seekable{bytes.NewReader(content.Bytes())}
	created, resp := b.create(q, to)
	if resp != nil {
		return resp
	}
	return answer(q.Request, http.StatusOK, created.resource(q.full()))
}

// create stores a new generation of what a request writes.
func (b *Backend) create(q *request, o object) (object, *http.Response) {
	o.BucketName, o.Name, o.Generation = q.bucket, q.object, b.next()
	o.Crc32c, o.Md5Hash, o.Etag, o.Size = "", "", "", 0
	o.Created, o.Updated, o.Deleted = time.Time{}, time.Time{}, time.Time{} // now
	if err := b.store(o); err != nil {
		return object{}, refuse(q.Request, http.StatusInternalServerError, "global", "internalError", err.Error())
	}
	q.result, _ = b.find(o.version())
	return q.result, nil
}

type seekable struct{ *bytes.Reader }

// Close does nothing.
func (seekable) Close() error { return nil }

// full reports whether the answer shall have access control lists.
func (q *request) full() bool { return q.query.Get("projection") == "full" }

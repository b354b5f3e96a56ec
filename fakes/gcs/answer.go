package gcs

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/probe/gcpprobe"
)

// resource is an object as the JSON API tells it, a field each.
// https://docs.cloud.google.com/storage/docs/json_api/v1/objects#resource
type resource struct {
	Kind                    string            `json:"kind"`
	ID                      string            `json:"id"`
	SelfLink                string            `json:"selfLink"`
	MediaLink               string            `json:"mediaLink"`
	Name                    string            `json:"name"`
	Bucket                  string            `json:"bucket"`
	Generation              int64             `json:"generation,string"`
	Metageneration          int64             `json:"metageneration,string"`
	ContentType             string            `json:"contentType,omitempty"`
	StorageClass            string            `json:"storageClass"`
	Size                    int64             `json:"size,string"`
	Md5Hash                 string            `json:"md5Hash,omitempty"`
	ContentEncoding         string            `json:"contentEncoding,omitempty"`
	ContentDisposition      string            `json:"contentDisposition,omitempty"`
	ContentLanguage         string            `json:"contentLanguage,omitempty"`
	CacheControl            string            `json:"cacheControl,omitempty"`
	Crc32c                  string            `json:"crc32c,omitempty"`
	Etag                    string            `json:"etag"`
	TimeCreated             string            `json:"timeCreated,omitempty"`
	Updated                 string            `json:"updated,omitempty"`
	TimeDeleted             string            `json:"timeDeleted,omitempty"`
	TimeStorageClassUpdated string            `json:"timeStorageClassUpdated,omitempty"`
	CustomTime              string            `json:"customTime,omitempty"`
	Metadata                map[string]string `json:"metadata,omitempty"`
	ACL                     []accessControl   `json:"acl,omitempty"`
}

type accessControl struct {
	Kind   string `json:"kind"`
	Entity string `json:"entity"`
	Role   string `json:"role"`
}

type rewritten struct {
	Kind                string   `json:"kind"`
	TotalBytesRewritten int64    `json:"totalBytesRewritten,string"`
	ObjectSize          int64    `json:"objectSize,string"`
	Done                bool     `json:"done"`
	Resource            resource `json:"resource"`
}

// listing is fake-gcs-server's, of objects.
type listing struct {
	Kind          string     `json:"kind"`
	NextPageToken string     `json:"nextPageToken,omitempty"`
	Prefixes      []string   `json:"prefixes,omitempty"`
	Items         []resource `json:"items,omitempty"`
}

const root = "https://" + gcpprobe.GCSHost

// resource tells the object; full, with its access control list.
func (o object) resource(full bool) resource {
	path := "/storage/v1/b/" + url.PathEscape(o.BucketName) + "/o/" + url.PathEscape(o.Name)
	generation := strconv.FormatInt(o.Generation, 10)
	r := resource{
		Kind: "storage#object", ID: o.BucketName + "/" + o.Name + "/" + generation, Name: o.Name, Bucket: o.BucketName,
		SelfLink: root + path, MediaLink: root + "/download" + path + "?generation=" + generation + "&alt=media",
		Generation: o.Generation, Metageneration: o.metageneration, Size: o.Size, StorageClass: o.StorageClass,
		ContentType: o.ContentType, ContentEncoding: o.ContentEncoding, ContentDisposition: o.ContentDisposition,
		ContentLanguage: o.ContentLanguage, CacheControl: o.CacheControl, Crc32c: o.Crc32c, Md5Hash: o.Md5Hash,
		Etag: etag(o.Generation, o.metageneration), Metadata: o.Metadata,
		TimeCreated: stamp(o.Created), Updated: stamp(o.Updated), TimeDeleted: stamp(o.Deleted),
		TimeStorageClassUpdated: stamp(o.Created), CustomTime: stamp(o.CustomTime),
	}
	if full {
		for _, rule := range o.ACL {
			r.ACL = append(r.ACL, accessControl{"storage#objectAccessControl", string(rule.Entity), string(rule.Role)})
		}
	}
	return r
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// etag is what the JSON API makes of both numbers: fields 1 and 2 of a
// protocol buffer.
func etag(generation, metageneration int64) string {
	b := binary.AppendUvarint([]byte{1 << 3}, uint64(generation))
	b = binary.AppendUvarint(append(b, 2<<3), uint64(metageneration))
	return base64.StdEncoding.EncodeToString(b)
}

// observe carries out what changes no object, and puts the answer right.
func (b *Backend) observe(q *request) (*http.Response, error) {
	media := q.query.Get("alt") == "media" || !strings.HasPrefix(q.URL.Path, "/storage/v1/")
	if q.method == "objects.get" && !media && q.Method == http.MethodGet {
		if o, ok := b.find(q.version); ok {
			return answer(q.Request, http.StatusOK, o.resource(q.full())), nil
		}
		return noObject(q.Request, q.version), nil
	}
	resp, err := b.base.RoundTrip(q.unconditional())
	if err != nil || resp.StatusCode >= 300 {
		return resp, err
	}
	switch q.method {
	case "objects.get":
		n, _ := strconv.ParseInt(resp.Header.Get("X-Goog-Generation"), 10, 64)
		resp.Header.Set("X-Goog-Metageneration", strconv.FormatInt(b.metageneration(version{q.bucket, q.object, n}), 10))
	case "objects.list":
		return b.list(q, resp)
	case "uploads.start":
		b.begin(q, resp)
	case "buckets.patch", "buckets.update":
		b.buckets[q.bucket]++
		return b.bucket(q, resp)
	case "buckets.get":
		return b.bucket(q, resp)
	case "buckets.delete":
		delete(b.buckets, q.bucket)
	}
	return resp, nil
}

// list puts the items of a listing right.
func (b *Backend) list(q *request, resp *http.Response) (*http.Response, error) {
	var l listing
	if err := json.NewDecoder(resp.Body).Decode(&l); err != nil {
		return nil, fmt.Errorf("gcs: a listing of fake-gcs-server: %w", err)
	}
	for i, item := range l.Items {
		o, ok := b.find(version{item.Bucket, item.Name, item.Generation})
		if ok {
			l.Items[i] = o.resource(q.full())
		}
	}
	return answer(q.Request, http.StatusOK, l), nil
}

// bucket puts a bucket's metageneration right.
func (b *Backend) bucket(q *request, resp *http.Response) (*http.Response, error) {
	var fields map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&fields); err != nil {
		return nil, fmt.Errorf("gcs: a bucket of fake-gcs-server: %w", err)
	}
	_, n := b.state(version{bucket: q.bucket})
	fields["metageneration"], fields["etag"] = strconv.FormatInt(n, 10), etag(0, n)
	return answer(q.Request, http.StatusOK, fields), nil
}

func noObject(r *http.Request, v version) *http.Response {
	return refuse(r, http.StatusNotFound, "global", "notFound", "No such object: "+v.bucket+"/"+v.object)
}

// refuse is an error as the JSON API tells it.
func refuse(r *http.Request, code int, domain, reason, message string) *http.Response {
	type one struct {
		Message string `json:"message"`
		Domain  string `json:"domain"`
		Reason  string `json:"reason"`
	}
	type all struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Errors  []one  `json:"errors"`
	}
	return answer(r, code, map[string]all{"error": {code, message, []one{{message, domain, reason}}}})
}

// answer is a response with a value as JSON, or without a body if it is nil.
func answer(r *http.Request, code int, value any) *http.Response {
	var body []byte
	if value != nil {
		var err error
		if body, err = json.Marshal(value); err != nil {
			panic("gcs: answers are made of what JSON can tell: " + err.Error())
		}
	}
	return &http.Response{
		StatusCode: code, Status: strconv.Itoa(code) + " " + http.StatusText(code),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json; charset=UTF-8"}}, Request: r,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
}

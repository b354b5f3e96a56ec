// Package gcpprobe tells what operations the calls of Google Cloud's client
// libraries are, for the seams of HTTP and gRPC.
package gcpprobe

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// GCSHost is the host name of Cloud Storage.
const GCSHost = "storage.googleapis.com"

// DescribeGCS tells the operation of a request of the Cloud Storage client:
// service "gcs", the method as the JSON API names it ("objects.insert"), the
// resource as bucket/object.
//
// Reads through the XML API are "objects.get" too. The resource of a copy or
// composition is what it writes. A resumable upload is "uploads.start" and
// any number of "uploads.chunk", which have no effect on the object, and ends
// with "objects.insert".
func DescribeGCS(r *http.Request, op *event.Operation) {
	op.Service = "gcs"
	op.Fails = gcsFails
	op.Try = gcsAttempt(r.Header.Get("X-Goog-Api-Client"))
	path := r.URL.EscapedPath()
	query := r.URL.Query()
	if rest, ok := strings.CutPrefix(path, "/upload/storage/v1/b/"); ok {
		bucket, _, _ := strings.Cut(rest, "/")
		op.Method, op.Access = uploadMethod(r, query), event.Writes
		op.Resource = join(bucket, url.PathEscape(uploadName(op, query)))
	} else if rest, ok := strings.CutPrefix(strings.TrimPrefix(path, "/download"), "/storage/v1/b"); ok {
		describeJSON(r.Method, strings.TrimPrefix(rest, "/"), query, op)
	} else {
		bucket, object, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		op.Method, op.Resource = xmlMethod(r.Method), join(bucket, object)
	}
	if conditional(query) {
		op.Access |= event.Reads
	}
}

var gcsFails = []string{"503", "429"}

// uploadMethod tells the parts of a resumable upload apart.
func uploadMethod(r *http.Request, query url.Values) string {
	if query.Get("uploadType") != "resumable" {
		return "objects.insert"
	}
	if query.Get("upload_id") == "" {
		return "uploads.start"
	}
	part, total, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Content-Range"), "bytes "), "/")
	_, last, ranged := strings.Cut(part, "-")
	end, err := strconv.ParseInt(last, 10, 64)
	switch {
	case r.Method == http.MethodDelete:
		return "uploads.cancel"
	case total == "*" || ranged && err == nil && strconv.FormatInt(end+1, 10) != total:
		return "uploads.chunk"
	}
	return "objects.insert"
}

// describeJSON reads {bucket}, {bucket}/o, {bucket}/o/{object} and what is
// below an object or bucket.
func describeJSON(method, path string, query url.Values, op *event.Operation) {
	bucket, rest, _ := strings.Cut(path, "/")
	rest = strings.TrimSuffix(rest, "/")
	object, below, nested := strings.Cut(strings.TrimPrefix(rest, "o/"), "/")
	switch {
	case bucket == "":
		op.Method = "buckets." + verb(method, "list")
	case rest == "":
		op.Method = "buckets." + verb(method, "get")
	case rest == "o":
		op.Method, object = "objects.list", url.PathEscape(query.Get("prefix"))+"*"
	case !strings.HasPrefix(rest, "o/"):
		kind, _, one := strings.Cut(rest, "/")
		op.Method, object = belowMethod("bucket", kind, method, one), ""
	case !nested:
		op.Method = "objects." + verb(method, "get")
	default:
		kind, more, one := strings.Cut(below, "/")
		op.Method = belowMethod("object", kind, method, one)
		if to, ok := strings.CutPrefix(more, "b/"); ok { // rewriteTo, copyTo
			bucket, object, _ = strings.Cut(to, "/o/")
		}
	}
	op.Resource = join(bucket, object)
}

// belowMethod names what is below a bucket or an object.
func belowMethod(parent, kind, method string, one bool) string {
	get := "list"
	if one {
		get = "get"
	}
	switch kind {
	case "rewriteTo", "copyTo", "compose", "restore", "move":
		return parent + "s." + strings.TrimSuffix(kind, "To")
	case "moveTo":
		return parent + "s.move"
	case "iam":
		if one {
			return parent + "s.testIamPermissions"
		}
		return map[string]string{http.MethodGet: parent + "s.getIamPolicy", http.MethodPut: parent + "s.setIamPolicy"}[method]
	case "acl":
		return parent + "AccessControls." + verb(method, get)
	}
	return kind + "." + verb(method, get)
}

// verb is the JSON API's word for an HTTP method; get is its word for GET.
func verb(method, get string) string {
	switch method {
	case http.MethodGet, http.MethodHead:
		return get
	case http.MethodPost:
		return "insert"
	case http.MethodPut:
		return "update"
	}
	return strings.ToLower(method)
}

func xmlMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead:
		return "objects.get"
	case http.MethodDelete:
		return "objects.delete"
	}
	return "objects.insert"
}

// join makes a resource of an escaped bucket and object.
func join(bucket, object string) string {
	if b, err := url.PathUnescape(bucket); err == nil {
		bucket = b
	}
	if object == "" {
		return bucket
	}
	if o, err := url.PathUnescape(object); err == nil {
		object = o
	}
	return bucket + "/" + object
}

// uploadName is in the query, or in the metadata that leads the body.
func uploadName(op *event.Operation, query url.Values) string {
	if name := query.Get("name"); name != "" {
		return name
	}
	var meta struct{ Name string }
	body := bytes.TrimPrefix(op.Request.Body, []byte("--\n"))
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&meta); err != nil || meta.Name == "" {
		return query.Get("upload_id")
	}
	return meta.Name
}

func conditional(query url.Values) bool {
	for _, p := range []string{"ifGenerationMatch", "ifGenerationNotMatch", "ifMetagenerationMatch", "ifMetagenerationNotMatch"} {
		if query.Has(p) {
			return true
		}
	}
	return false
}

// gcsAttempt reads the client's attempt count, 0 for the first.
func gcsAttempt(header string) int {
	_, rest, found := strings.Cut(header, "gccl-attempt-count/")
	if !found {
		return 0
	}
	digits, _, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 2 {
		return 0
	}
	return n
}

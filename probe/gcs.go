package probe

import (
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
// resource as bucket/object. Reads through the XML API are "objects.get" too.
func DescribeGCS(r *http.Request, op *event.Operation) {
	op.Service = "gcs"
	op.Fails = []string{"503", "429"}
	op.Try = gcsAttempt(r.Header.Get("X-Goog-Api-Client"))
	path := r.URL.EscapedPath()
	query := r.URL.Query()
	if rest, ok := strings.CutPrefix(path, "/upload/storage/v1/b/"); ok {
		bucket, _, _ := strings.Cut(rest, "/")
		op.Method, op.Resource = "objects.insert", join(bucket, uploadName(r, op, query))
		op.Access = event.Writes
		if conditional(query) {
			op.Access |= event.Reads
		}
		return
	}
	if rest, ok := strings.CutPrefix(path, "/storage/v1/b"); ok {
		describeJSON(r.Method, strings.TrimPrefix(rest, "/"), query, op)
		return
	}
	bucket, object, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	op.Method, op.Resource = xmlMethod(r.Method), join(bucket, object)
}

// describeJSON reads {bucket}, {bucket}/o, {bucket}/o/{object} and the verbs
// below an object.
func describeJSON(method, path string, query url.Values, op *event.Operation) {
	bucket, rest, _ := strings.Cut(path, "/")
	what := []string{"GET", "buckets.get", "PATCH", "buckets.update", "POST", "buckets.insert", "DELETE", "buckets.delete"}
	object := ""
	switch {
	case rest == "o":
		what = []string{"GET", "objects.list"}
		object = query.Get("prefix") + "*"
	case strings.HasPrefix(rest, "o/"):
		parts := strings.Split(rest[2:], "/")
		object = parts[0]
		what = []string{"GET", "objects.get", "PATCH", "objects.patch", "PUT", "objects.update", "DELETE", "objects.delete"}
		if len(parts) > 1 {
			what = []string{"POST", "objects." + strings.TrimSuffix(parts[1], "To")}
		}
	}
	op.Method, op.Resource = method, join(bucket, object)
	for i := 0; i < len(what); i += 2 {
		if what[i] == method {
			op.Method = what[i+1]
		}
	}
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

func join(bucket, object string) string {
	if b, err := url.PathUnescape(bucket); err == nil {
		bucket = b
	}
	if o, err := url.PathUnescape(object); err == nil {
		object = o
	}
	return strings.TrimSuffix(bucket+"/"+object, "/")
}

// uploadName is in the query, or in the metadata that leads the body.
func uploadName(r *http.Request, op *event.Operation, query url.Values) string {
	if name := query.Get("name"); name != "" {
		return name
	}
	var meta struct{ Name string }
	body := strings.TrimPrefix(string(op.Request.Body), "--\n")
	if err := json.NewDecoder(strings.NewReader(body)).Decode(&meta); err != nil {
		return r.URL.Query().Get("upload_id")
	}
	return meta.Name
}

func conditional(query url.Values) bool {
	return query.Has("ifGenerationMatch") || query.Has("ifGenerationNotMatch") ||
		query.Has("ifMetagenerationMatch") || query.Has("ifMetagenerationNotMatch")
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

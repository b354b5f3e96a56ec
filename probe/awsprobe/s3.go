package awsprobe

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// S3Request is what a request to S3 is: REST tells it by method, path and query.
type S3Request struct {
	Operation string // "PutObject"
	Bucket    string // empty for all of them
	Key       string // empty for the bucket
}

// S3 tells what a request to S3 is. Its bucket is named by the host, or is the
// path's first part.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
func S3(r *http.Request) S3Request {
	return s3Request(r, strings.Join(To(r).Rest, "."))
}

func s3Request(r *http.Request, bucket string) S3Request {
	host := r.URL.Host
	if host == "" {
		host = r.Host
	}
	host, _, _ = strings.Cut(host, ":")
	if local, ok := strings.CutSuffix(host, ".localhost"); ok && bucket == "" && local != "s3" {
		bucket = strings.TrimSuffix(local, ".s3")
	}
	out := S3Request{Bucket: bucket}
	path := strings.TrimPrefix(r.URL.Path, "/")
	if bucket != "" {
		out.Key = path
	} else {
		out.Bucket, out.Key, _ = strings.Cut(path, "/")
	}
	out.Operation = out.name(r)
	return out
}

// subresources are the parts of a bucket or an object that requests name by
// the query, with the name that operations have for them.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
var subresources = []struct{ query, name string }{
	{"acl", "Acl"}, {"tagging", "Tagging"}, {"versioning", "Versioning"}, {"policy", "Policy"}, {"policyStatus", "PolicyStatus"},
	{"cors", "Cors"}, {"lifecycle", "LifecycleConfiguration"}, {"encryption", "Encryption"}, {"website", "Website"}, {"logging", "Logging"},
	{"notification", "NotificationConfiguration"}, {"replication", "Replication"}, {"requestPayment", "RequestPayment"}, {"accelerate", "AccelerateConfiguration"},
	{"publicAccessBlock", "PublicAccessBlock"}, {"ownershipControls", "OwnershipControls"}, {"object-lock", "ObjectLockConfiguration"},
	{"inventory", "InventoryConfiguration"}, {"analytics", "AnalyticsConfiguration"}, {"metrics", "MetricsConfiguration"},
	{"intelligent-tiering", "IntelligentTieringConfiguration"}, {"location", "Location"}, {"attributes", "Attributes"}, {"torrent", "Torrent"},
	{"legal-hold", "LegalHold"}, {"retention", "Retention"}, {"select", "Content"}, {"restore", "Restore"}, {"session", "Session"}, {"append", "Append"},
	{"metadataTable", "MetadataTableConfiguration"}, {"metadataConfiguration", "MetadataConfiguration"}, {"abac", "Abac"}, {"renameObject", "Rename"},
}

// name is the operation's.
func (q *S3Request) name(r *http.Request) string {
	query := r.URL.RawQuery
	has := func(parameter string) bool { return names(query, parameter) }
	thing := "Object"
	if q.Key == "" {
		thing = "Bucket"
	}
	switch {
	case q.Bucket == "":
		if r.Method == http.MethodGet || r.Method == "" {
			return "ListBuckets"
		}
	case q.Key == "" && has("delete") && r.Method == http.MethodPost:
		return "DeleteObjects"
	case q.Key == "" && has("uploads"):
		return "ListMultipartUploads"
	case q.Key == "" && has("versions"):
		return "ListObjectVersions"
	case q.Key != "" && (has("uploadId") || has("uploads")):
		return q.part(r)
	}
	for _, sub := range subresources {
		if has(sub.query) {
			return verbs[r.Method] + thing + sub.name
		}
	}
	switch {
	case thing == "Object" && r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") != "":
		return "CopyObject"
	case thing == "Bucket" && r.Method == http.MethodPut:
		return "CreateBucket"
	case thing == "Bucket" && verbs[r.Method] == "Get" && has("list-type"):
		return "ListObjectsV2"
	case thing == "Bucket" && verbs[r.Method] == "Get":
		return "ListObjects"
	}
	return verbs[r.Method] + thing
}

var verbs = map[string]string{"": "Get", "GET": "Get", "HEAD": "Head", "PUT": "Put", "POST": "Post", "DELETE": "Delete"}

// part is an operation of an upload in parts.
func (q *S3Request) part(r *http.Request) string {
	switch r.Method {
	case http.MethodPost:
		if names(r.URL.RawQuery, "uploads") {
			return "CreateMultipartUpload"
		}
		return "CompleteMultipartUpload"
	case http.MethodDelete:
		return "AbortMultipartUpload"
	case http.MethodPut:
		if r.Header.Get("X-Amz-Copy-Source") != "" {
			return "UploadPartCopy"
		}
		return "UploadPart"
	}
	return "ListParts"
}

// names reports whether a query has a parameter.
func names(query, parameter string) bool {
	for rest := query; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if name, _, _ := strings.Cut(pair, "="); name == parameter {
			return true
		}
	}
	return false
}

// CopySource reads the header X-Amz-Copy-Source.
func CopySource(header string) (bucket, key, version string) {
	path, query, _ := strings.Cut(header, "?")
	if name, err := url.PathUnescape(path); err == nil {
		path = name
	}
	bucket, key, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if id, ok := strings.CutPrefix(query, "versionId="); ok {
		version = id
	}
	return bucket, key, version
}

// S3Object is the resource of an object, of several with blanks between them.
func S3Object(bucket, key string) string {
	if strings.ContainsAny(key, " \t\r\n%*") {
		key = strings.ReplaceAll(strings.ReplaceAll(url.PathEscape(key), "%2F", "/"), "*", "%2A")
	}
	return bucket + "/" + key
}

// s3Fails are refusals that are retried, and may meet every operation.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
var s3Fails = []string{"InternalError", "SlowDown"}

// describeS3 names what an operation of S3 touches:
//
//	photos/a/b.jpg              an object
//	photos/b.jpg photos/a.jpg   several: what is written, and what it is a copy of
//	photos/a/*                  a listing: every object whose key begins so
//	photos                      a bucket
//
// In keys a blank, "%" and "*" are percent-encoded. A body in chunks is told
// as what is in them.
func describeS3(r *http.Request, t Target, op *event.Operation) {
	q := s3Request(r, strings.Join(t.Rest, "."))
	op.Method, op.Fails = q.Operation, s3Fails
	if content, _, err := Unchunked(r.Header, op.Request.Body); err == nil {
		op.Request.Body = content
	}
	switch {
	case q.Key != "":
		op.Resource = S3Object(q.Bucket, q.Key)
		if source := r.Header.Get("X-Amz-Copy-Source"); source != "" {
			bucket, key, _ := CopySource(source)
			op.Resource += " " + S3Object(bucket, key)
		}
	case strings.HasPrefix(q.Operation, "ListObject"), q.Operation == "ListMultipartUploads":
		op.Resource = S3Object(q.Bucket, r.URL.Query().Get("prefix")) + "*"
	case q.Operation == "DeleteObjects":
		op.Resource = s3Deleted(q.Bucket, op.Request.Body)
	default:
		op.Resource = q.Bucket
	}
	switch {
	case op.Access == event.Reads:
	case q.Operation == "PutObject" || q.Operation == "DeleteObject":
		if op.Access = event.Writes; r.Header.Get("If-Match")+r.Header.Get("If-None-Match") != "" {
			op.Access |= event.Reads
		}
	}
}

// s3Deleted are the objects that a request deletes.
func s3Deleted(bucket string, body []byte) string {
	var of struct {
		Object []struct{ Key string }
	}
	if xml.NewDecoder(bytes.NewReader(body)).Decode(&of) != nil {
		return bucket + "/*" // it will be refused
	}
	var out []string
	for _, o := range of.Object {
		out = append(out, S3Object(bucket, o.Key))
	}
	return strings.Join(out, " ")
}

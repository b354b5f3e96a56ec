package s3

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/probe/awsprobe"
)

// request is one of a client's, read.
type request struct {
	*awswire.Request
	awsprobe.S3Request
	query   url.Values
	now     time.Time
	content []byte // of the body, out of its chunks
	sums    []checksum
	bucket  *bucket
}

// operation carries a request out.
type operation func(*Backend, *request) (*http.Response, error)

// operations are those that there are.
var operations = map[string]operation{
	"PutObject": (*Backend).putObject, "CopyObject": (*Backend).copyObject, "GetObject": (*Backend).getObject, "HeadObject": (*Backend).getObject,
	"DeleteObject": (*Backend).deleteObject, "DeleteObjects": (*Backend).deleteObjects,
	"GetObjectTagging": (*Backend).getTagging, "PutObjectTagging": (*Backend).putTagging, "DeleteObjectTagging": (*Backend).putTagging,
	"ListObjects": (*Backend).listObjects, "ListObjectsV2": (*Backend).listObjects, "ListObjectVersions": (*Backend).listVersions,
	"CreateMultipartUpload": (*Backend).createUpload, "UploadPart": (*Backend).uploadPart, "UploadPartCopy": (*Backend).copyPart,
	"CompleteMultipartUpload": (*Backend).completeUpload, "AbortMultipartUpload": (*Backend).abortUpload,
	"ListParts": (*Backend).listParts, "ListMultipartUploads": (*Backend).listUploads,
	"ListBuckets": (*Backend).listBuckets, "CreateBucket": (*Backend).createBucket, "DeleteBucket": (*Backend).deleteBucket, "HeadBucket": (*Backend).headBucket,
	"GetBucketLocation": (*Backend).getLocation, "GetBucketVersioning": (*Backend).getVersioning, "PutBucketVersioning": (*Backend).putVersioning,
}

// without are headers whose meaning is not simulated.
var without = map[string]string{
	"X-Amz-Server-Side-Encryption-Customer-Algorithm": "keys of the customer's (SSE-C)", "X-Amz-Copy-Source-Server-Side-Encryption-Customer-Algorithm": "keys of the customer's (SSE-C)",
	"X-Amz-Object-Lock-Mode": "object lock", "X-Amz-Object-Lock-Legal-Hold": "object lock", "X-Amz-Bucket-Object-Lock-Enabled": "object lock",
	"X-Amz-Website-Redirect-Location": "redirects of websites", "X-Amz-Write-Offset-Bytes": "appending to objects (of directory buckets)",
	"X-Amz-If-Match-Last-Modified-Time": "conditions of directory buckets", "X-Amz-If-Match-Size": "conditions of directory buckets", "X-Amz-Mfa": "MFA delete",
}

// handle carries a request out. The kernel's lock is held, since what changes
// an object may invoke functions.
func (b *Backend) handle(r *awswire.Request) (any, error) {
	q := &request{Request: r, S3Request: awsprobe.S3(r.Request), query: r.URL.Query(), now: b.kernel.Now()}
	do := operations[q.S3Request.Operation]
	if do == nil {
		return nil, lacks(q.S3Request.Operation, "see the package comment of fakes/s3 for what there is")
	}
	for name := range r.Header { //wtsim:order a request with one of them is a rare thing, and is refused for any
		if what := without[name]; what != "" {
			return nil, lacks(what, "leave the header "+name+" out")
		}
	}
	if err := q.read(); err != nil {
		return nil, err
	}
	b.kernel.Lock()
	defer b.kernel.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.region == "" {
		b.region = r.Region
	}
	if err := b.enter(q); err != nil {
		return nil, err
	}
	conflicts := b.befalls(q, cloud.Conflict)
	b.used(q)
	if conflicts {
		return nil, errConflict
	}
	resp, err := do(b, q)
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// read checks what all requests have: an end of its time, a body as its
// headers say.
func (q *request) read() error {
	if err := q.expired(); err != nil {
		return err
	}
	if owner := q.Header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != awswire.Account {
		return errDenied
	}
	if len(q.Key) > 1024 {
		return errLongKey
	}
	content, trailer, err := awsprobe.Unchunked(q.Header, q.Body)
	if err != nil {
		return errIncomplete
	}
	if n := q.Header.Get("X-Amz-Decoded-Content-Length"); n != "" && n != strconv.Itoa(len(content)) {
		return errIncomplete
	}
	q.content = content
	if q.S3Request.Operation == "CompleteMultipartUpload" { // its checksum is that of the parts
		return nil
	}
	q.sums, err = verify(q.Header, trailer, content)
	return err
}

// expired refuses a signed URL whose time is over.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
func (q *request) expired() error {
	var until time.Time
	switch {
	case q.query.Has("X-Amz-Expires"):
		signed, err := time.Parse("20060102T150405Z", q.query.Get("X-Amz-Date"))
		seconds, err2 := strconv.Atoi(q.query.Get("X-Amz-Expires"))
		if err != nil || err2 != nil || seconds < 0 || seconds > 7*24*3600 {
			return refused(400, "AuthorizationQueryParametersError", "X-Amz-Expires must be non-negative, and less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
		}
		if !q.isSigned() {
			return errSignature
		}
		until = signed.Add(time.Duration(seconds) * time.Second)
	case q.query.Has("Expires") && q.query.Has("Signature"): // of version 2
		seconds, err := strconv.ParseInt(q.query.Get("Expires"), 10, 64)
		if err != nil {
			return invalid("Invalid date")
		}
		until = time.Unix(seconds, 0)
	default:
		return nil
	}
	if q.now.After(until) {
		return with(errExpired, "Expires", until.UTC().Format(time.RFC3339), "ServerTime", q.now.UTC().Format(time.RFC3339))
	}
	return nil
}

// isSigned reports whether a request is the one that its URL was signed for, as far as
// that tells it: clients write the operation there, and which headers were signed. (Of
// two operations with one method and path, and of headers' values, it tells nothing.)
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
func (q *request) isSigned() bool {
	if id := q.query.Get("x-id"); id != "" && id != q.S3Request.Operation {
		return false
	}
	for _, name := range strings.Split(q.query.Get("X-Amz-SignedHeaders"), ";") {
		if name != "" && name != "host" && name != "content-length" && len(q.Header.Values(name)) == 0 {
			return false
		}
	}
	return true
}

// enter finds the bucket of a request, in the region that it asks.
func (b *Backend) enter(q *request) error {
	if q.Bucket == "" || q.S3Request.Operation == "CreateBucket" {
		return nil
	}
	if q.bucket = b.buckets[q.Bucket]; q.bucket == nil {
		return with(errNoBucket, "BucketName", q.Bucket)
	}
	if is := b.regionOf(q.bucket); q.Region != "" && q.Region != is && q.S3Request.Operation != "GetBucketLocation" {
		return with(errElsewhere, "Endpoint", q.Bucket+".s3."+is+".amazonaws.com", "Bucket", q.Bucket, regionHeader, is)
	}
	return nil
}

// regionOf is where a bucket is: where it was made, or where requests of the
// scenario go.
func (b *Backend) regionOf(of *bucket) string {
	for _, is := range []string{of.region, b.region} {
		if is != "" {
			return is
		}
	}
	return awswire.Region
}

// number is a parameter that is one, at most most.
func (q *request) number(name string, most int) (int, error) {
	text := q.query.Get(name)
	if text == "" {
		return most, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, with(invalid("Argument "+name+" must be an integer between 0 and 2147483647"), "ArgumentName", name, "ArgumentValue", text)
	}
	return min(n, most), nil
}

// decode reads a body of XML.
func (q *request) decode(into any) error {
	if xml.Unmarshal(q.content, into) != nil {
		return errMalformed
	}
	return nil
}

// stamp is an instant as XML has it: S3 keeps whole seconds.
func stamp(t time.Time) string {
	return t.UTC().Truncate(time.Second).Format("2006-01-02T15:04:05.000Z")
}

// unquoted is an entity tag without its quotes.
func unquoted(etag string) string { return strings.Trim(etag, `"`) }

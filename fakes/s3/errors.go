package s3

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// refused is the service's own error.
func refused(status int, code, message string) *awswire.Error {
	return &awswire.Error{Status: status, Code: code, Message: message}
}

// with is an error that tells more.
func with(e *awswire.Error, fields ...string) *awswire.Error {
	out := *e
	out.Fields = maps.Clone(e.Fields)
	if out.Fields == nil {
		out.Fields = map[string]any{}
	}
	for i := 0; i < len(fields); i += 2 {
		out.Fields[fields[i]] = fields[i+1]
	}
	return &out
}

// lacks is the refusal of what is not simulated.
func lacks(what, advice string) error { return &awswire.Lack{What: "S3's " + what, Advice: advice} }

// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
var (
	errNoBucket     = refused(404, "NoSuchBucket", "The specified bucket does not exist")
	errNoKey        = refused(404, "NoSuchKey", "The specified key does not exist.")
	errNoVersion    = refused(404, "NoSuchVersion", "The specified version does not exist.")
	errNoUpload     = refused(404, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	errCondition    = refused(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	errConflict     = refused(409, "ConditionalRequestConflict", "The conditional request cannot succeed due to a conflicting operation against this resource.")
	errNotModified  = refused(304, "NotModified", "Not Modified")
	errMethod       = refused(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	errMalformed    = refused(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	errDigest       = refused(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
	errBadDigest    = refused(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
	errIncomplete   = refused(400, "IncompleteBody", "The request body terminated unexpectedly")
	errSHA256       = refused(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	errLongKey      = refused(400, "KeyTooLongError", "Your key is too long")
	errLongMeta     = refused(400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	errRange        = refused(416, "InvalidRange", "The requested range is not satisfiable")
	errPart         = refused(400, "InvalidPart", "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
	errPartOrder    = refused(400, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
	errSmall        = refused(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
	errBucketName   = refused(400, "InvalidBucketName", "The specified bucket is not valid.")
	errOwned        = refused(409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
	errNotEmpty     = refused(409, "BucketNotEmpty", "The bucket you tried to delete is not empty")
	errExpired      = refused(403, "AccessDenied", "Request has expired")
	errSignature    = refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	errDenied       = refused(403, "AccessDenied", "Access Denied")
	errElsewhere    = refused(301, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.")
	errToItself     = refused(400, "InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	errNoDigest     = refused(400, "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	errNoCondition  = refused(501, "NotImplemented", "A header you provided implies functionality that is not implemented")
	errWrongRegion  = refused(400, "IllegalLocationConstraintException", "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	errDeleteMarker = with(errNoKey, markerHeader, "true")
)

func invalid(message string) *awswire.Error { return refused(400, "InvalidArgument", message) }

// markerHeader and the like stand in the fields of an error, and are told in
// headers.
const (
	markerHeader  = "X-Amz-Delete-Marker"
	versionHeader = "X-Amz-Version-Id"
	regionHeader  = "X-Amz-Bucket-Region"
)

// faults are how it refuses what it might have carried out.
var faults = map[string]awswire.Code{
	"InternalError": {Status: 500, Message: "We encountered an internal error. Please try again."},
	"SlowDown":      {Status: 503, Message: "Please reduce your request rate."},
}

// refuse tells an error.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func refuse(r *awswire.Request, e *awswire.Error) *http.Response {
	h, status := http.Header{}, e.Status
	code := e.Code
	switch code {
	case "UnsupportedOperationException":
		code = "NotImplemented"
	case "InternalFailure":
		code = "InternalError"
	}
	fields := []any{element("Code", code), element("Message", e.Message)}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		if value, _ := e.Fields[name].(string); strings.HasPrefix(name, "X-Amz-") || name == "Etag" {
			h.Set(name, value)
		} else {
			fields = append(fields, element(name, value))
		}
	}
	fields = append(fields, element("Resource", r.URL.Path), element("RequestId", r.ID), element("HostId", hostID))
	if r.Method == http.MethodHead || status == http.StatusNotModified {
		return respond(r, status, h, nil)
	}
	return respondXML(r, status, h, document("Error", "", fields...))
}

// hostID is who has answered.
const hostID = "wtsim"

// node is an element of XML, of a text or of others.
type node struct {
	XMLName xml.Name
	NS      string `xml:"xmlns,attr,omitempty"`
	Text    string `xml:",chardata"`
	Nodes   []any  `xml:",any"`
}

func element(name, text string) node { return node{XMLName: xml.Name{Local: name}, Text: text} }

func document(name, namespace string, nodes ...any) node {
	return node{XMLName: xml.Name{Local: name}, NS: namespace, Nodes: nodes}
}

// xmlns is the namespace of answers.
const xmlns = "http://s3.amazonaws.com/doc/2006-03-01/"

func respondXML(r *awswire.Request, status int, h http.Header, value any) *http.Response {
	body, err := xml.Marshal(value)
	if err != nil {
		panic("s3: answers are made of what XML can tell: " + err.Error())
	}
	h.Set("Content-Type", "application/xml")
	return respond(r, status, h, append([]byte(xml.Header), body...))
}

// respond makes an answer. Of one to HEAD, or without a body, the length is
// told in h.
func respond(r *awswire.Request, status int, h http.Header, body []byte) *http.Response {
	h.Set("X-Amz-Request-Id", r.ID)
	h.Set("X-Amz-Id-2", hostID)
	h.Set("Server", "AmazonS3")
	length := int64(len(body))
	if text := h.Get("Content-Length"); text != "" {
		length, _ = strconv.ParseInt(text, 10, 64)
	} else if status != http.StatusNoContent && status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	return &http.Response{
		StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Request: r.Request, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: length,
	}
}

// errorOf is the refusal that an error is, if it is one.
func errorOf(err error) *awswire.Error {
	var e *awswire.Error
	errors.As(err, &e)
	return e
}

package awsprobe

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// errChunks is a body that is not what its headers say.
var errChunks = errors.New("the chunks of the body do not end as they begin")

// Unchunked returns what is in a body of S3 that is sent in chunks
// (aws-chunked), and its trailing headers. One that is sent whole is returned
// as it is.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func Unchunked(h http.Header, body []byte) (content []byte, trailer http.Header, err error) {
	if !strings.HasPrefix(h.Get("X-Amz-Content-Sha256"), "STREAMING-") && !strings.Contains(h.Get("Content-Encoding"), "aws-chunked") {
		return body, nil, nil
	}
	content, trailer = make([]byte, 0, len(body)), http.Header{}
	for {
		line, rest, ok := bytes.Cut(body, []byte("\r\n"))
		size, _, _ := strings.Cut(string(line), ";")
		n, err := strconv.ParseUint(size, 16, 31)
		if !ok || err != nil {
			return nil, nil, errChunks
		}
		if n == 0 {
			return content, trailer, trailing(trailer, rest)
		}
		if uint64(len(rest)) < n+2 || string(rest[n:n+2]) != "\r\n" {
			return nil, nil, errChunks
		}
		content, body = append(content, rest[:n]...), rest[n+2:]
	}
}

// trailing reads the headers at the end.
func trailing(into http.Header, rest []byte) error {
	for _, line := range strings.FieldsFunc(string(rest), func(r rune) bool { return r == '\r' || r == '\n' }) {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return errChunks
		}
		into.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return nil
}

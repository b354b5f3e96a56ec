package s3

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// mostListed is how many keys a page has.
const mostListed = 1000

// page is what a listing gathers: keys, and what keys have in common up to a
// delimiter.
type page struct {
	prefix, delimiter, after string
	most                     int
	urls                     bool // names are encoded for URLs

	nodes, prefixes []any
	count           int
	last            string // that was taken: a key or a prefix
	truncated       bool
}

// pageOf reads what listings have in common.
func (q *request) page(after string) (*page, error) {
	most, err := q.number("max-keys", mostListed)
	if err != nil {
		return nil, err
	}
	coding := q.query.Get("encoding-type")
	if coding != "" && coding != "url" {
		return nil, with(invalid("Invalid Encoding Method specified in Request"), "ArgumentName", "encoding-type", "ArgumentValue", coding)
	}
	return &page{prefix: q.query.Get("prefix"), delimiter: q.query.Get("delimiter"), after: after, most: most, urls: coding == "url"}, nil
}

// name is a name as the page tells it.
func (p *page) name(s string) string {
	if p.urls {
		return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/")
	}
	return s
}

// common is what a key has in common with others, if it is told by that alone.
func (p *page) common(key string) (string, bool) {
	if p.delimiter == "" || !strings.HasPrefix(key, p.prefix) {
		return "", false
	}
	before, _, ok := strings.Cut(key[len(p.prefix):], p.delimiter)
	return p.prefix + before + p.delimiter, ok
}

// takes reports whether what has a key is to be told; done, whether the page
// is full. A key that has a prefix in common with others is told by that.
func (p *page) takes(key string) (takes, done bool) {
	if !strings.HasPrefix(key, p.prefix) {
		return false, key > p.prefix
	}
	prefix, grouped := p.common(key)
	switch {
	case grouped && (prefix == p.last || prefix == p.after):
		return false, false
	case key <= p.after:
		return false, false
	case p.count >= p.most:
		p.truncated = p.most > 0
		return false, true
	}
	p.count++
	if grouped {
		p.last = prefix
		p.prefixes = append(p.prefixes, document("CommonPrefixes", "", element("Prefix", p.name(prefix))))
		return false, false
	}
	p.last = key
	return true, false
}

// listObjects lists the current versions, in either form.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html
func (b *Backend) listObjects(q *request) (*http.Response, error) {
	second := q.S3Request.Operation == "ListObjectsV2"
	after, token := q.query.Get("marker"), q.query.Get("continuation-token")
	if second {
		after = q.query.Get("start-after")
	}
	if token != "" {
		text, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, with(invalid("The continuation token provided is incorrect"), "ArgumentName", "continuation-token")
		}
		after = string(text)
	}
	p, err := q.page(after)
	if err != nil {
		return nil, err
	}
	owner := !second || q.query.Get("fetch-owner") == "true"
	for _, e := range q.bucket.entries {
		v := e.current()
		if v == nil || v.marker {
			continue
		}
		takes, done := p.takes(e.key)
		if done {
			break
		}
		if takes {
			p.nodes = append(p.nodes, document("Contents", "", v.listed(p.name(e.key), owner)...))
		}
	}
	nodes := []any{element("Name", q.Bucket), element("Prefix", p.name(p.prefix)), element("MaxKeys", strconv.Itoa(p.most)), element("IsTruncated", strconv.FormatBool(p.truncated))}
	nodes = append(nodes, p.asked()...)
	switch {
	case second:
		nodes = append(nodes, element("KeyCount", strconv.Itoa(p.count)))
		nodes = optional(nodes, "StartAfter", p.name(q.query.Get("start-after")))
		nodes = optional(nodes, "ContinuationToken", token)
		if p.truncated {
			nodes = append(nodes, element("NextContinuationToken", base64.RawURLEncoding.EncodeToString([]byte(p.last))))
		}
	default:
		nodes = append(nodes, element("Marker", p.name(after)))
		if p.truncated && p.delimiter != "" {
			nodes = append(nodes, element("NextMarker", p.name(p.last)))
		}
	}
	nodes = append(append(nodes, p.nodes...), p.prefixes...)
	return respondXML(q.Request, http.StatusOK, http.Header{}, document("ListBucketResult", xmlns, nodes...)), nil
}

// asked repeats what was asked for.
func (p *page) asked() []any {
	out := optional(nil, "Delimiter", p.name(p.delimiter))
	if p.urls {
		out = append(out, element("EncodingType", "url"))
	}
	return out
}

// optional adds an element unless it is empty.
func optional(to []any, name, text string) []any {
	if text == "" {
		return to
	}
	return append(to, element(name, text))
}

// listed is what listings tell of a version.
func (v *version) listed(key string, owner bool) []any {
	out := []any{element("Key", key), element("LastModified", stamp(v.modified))}
	if !v.marker {
		out = append(out, element("ETag", v.etag), element("Size", strconv.Itoa(len(v.data))), element("StorageClass", v.class))
		for _, c := range v.sums {
			out = append(out, element("ChecksumAlgorithm", c.name), element("ChecksumType", c.covers()))
		}
	}
	if owner {
		out = append(out, document("Owner", "", element("ID", ownerID)))
	}
	return out
}

// ownerID is whose everything is.
const ownerID = "wtsim0000000000000000000000000000000000000000000000000000000000"

// listVersions lists all versions and delete markers, the newest of a key
// first.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
func (b *Backend) listVersions(q *request) (*http.Response, error) {
	after, from := q.query.Get("key-marker"), q.query.Get("version-id-marker")
	p, err := q.page("")
	if err != nil {
		return nil, err
	}
	lastID := ""
	for _, e := range q.bucket.entries {
		if len(e.versions) == 0 || e.key < after || e.key == after && from == "" {
			continue
		}
		if prefix, grouped := p.common(e.key); grouped && prefix == after {
			continue // it was told on the page before
		}
		done := p.versions(e, after, from, &lastID)
		if done {
			break
		}
	}
	nodes := []any{element("Name", q.Bucket), element("Prefix", p.name(p.prefix)), element("KeyMarker", p.name(after)), element("VersionIdMarker", from),
		element("MaxKeys", strconv.Itoa(p.most)), element("IsTruncated", strconv.FormatBool(p.truncated))}
	nodes = append(nodes, p.asked()...)
	if p.truncated {
		nodes = optional(append(nodes, element("NextKeyMarker", p.name(p.last))), "NextVersionIdMarker", lastID)
	}
	nodes = append(append(nodes, p.nodes...), p.prefixes...)
	return respondXML(q.Request, http.StatusOK, http.Header{}, document("ListVersionsResult", xmlns, nodes...)), nil
}

// versions takes those of a key, of the key where the page begins those after
// one.
func (p *page) versions(e *entry, after, from string, lastID *string) (done bool) {
	passed := e.key != after || from == ""
	for i := len(e.versions) - 1; i >= 0; i-- {
		v := e.versions[i]
		if !passed {
			passed = v.id == from
			continue
		}
		takes, done := p.takes(e.key)
		if done {
			return true
		}
		if !takes {
			if _, grouped := p.common(e.key); grouped {
				*lastID = ""
				return false
			}
			continue
		}
		*lastID = v.id
		name := map[bool]string{true: "DeleteMarker", false: "Version"}[v.marker]
		nodes := append(v.listed(p.name(e.key), true), element("VersionId", v.id), element("IsLatest", strconv.FormatBool(i == len(e.versions)-1)))
		p.nodes = append(p.nodes, document(name, "", nodes...))
	}
	return false
}

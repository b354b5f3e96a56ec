package s3

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of uploads in parts.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	mostParts = 10_000
	leastPart = 5 << 20 // but the last
)

// upload is one in parts that has begun.
type upload struct {
	id, key   string
	began     time.Time
	version   *version // without content, as it was described
	algorithm *algorithm
	whole     bool // its checksum is that of all the content
	parts     []*part
}

// part is one of an upload.
type part struct {
	number int
	data   []byte
	etag   string
	at     time.Time
	sums   []checksum
}

// upload finds the one that a request is about.
func (q *request) upload() (*upload, error) {
	id := q.query.Get("uploadId")
	for _, u := range q.bucket.uploads {
		if u.id == id && u.key == q.Key {
			return u, nil
		}
	}
	return nil, with(errNoUpload, "UploadId", id)
}

// createUpload begins one.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
func (b *Backend) createUpload(q *request) (*http.Response, error) {
	v, err := q.described()
	if err != nil {
		return nil, err
	}
	e := q.bucket.entry(q.Key)
	e.uploads++
	u := &upload{id: identity(q.Bucket, q.Key, "upload", e.uploads), key: q.Key, began: q.now, version: v}
	h := http.Header{}
	kind := q.Header.Get("X-Amz-Checksum-Type")
	if name := q.Header.Get("X-Amz-Checksum-Algorithm"); name != "" {
		if u.algorithm = algorithmOf(name); u.algorithm == nil {
			return nil, lacks("checksum "+name, "take another algorithm")
		}
		u.whole = u.algorithm == crc64NVME || kind == "FULL_OBJECT"
		if u.whole && !u.algorithm.whole || kind == "COMPOSITE" && u.algorithm == crc64NVME {
			return nil, refused(400, "InvalidRequest", "The "+kind+" checksum type cannot be used with the "+strings.ToLower(u.algorithm.name)+" checksum algorithm.")
		}
		h.Set("X-Amz-Checksum-Algorithm", u.algorithm.name)
		h.Set("X-Amz-Checksum-Type", map[bool]string{true: "FULL_OBJECT", false: "COMPOSITE"}[u.whole])
	}
	q.bucket.uploads = append(q.bucket.uploads, u)
	h.Set(encryptionHeader, cmp.Or(v.header.Get(encryptionHeader), "AES256"))
	return respondXML(q.Request, http.StatusOK, h, document("InitiateMultipartUploadResult", xmlns,
		element("Bucket", q.Bucket), element("Key", q.Key), element("UploadId", u.id))), nil
}

// partNumber is the number of the part that a request is about.
func (q *request) partNumber() (int, error) {
	n, err := strconv.Atoi(q.query.Get("partNumber"))
	if err != nil || n < 1 || n > mostParts {
		return 0, with(invalid("Part number must be an integer between 1 and 10000, inclusive"), "ArgumentName", "partNumber", "ArgumentValue", q.query.Get("partNumber"))
	}
	return n, nil
}

// add adds a part, or puts it in the place of the one of its number.
func (u *upload) add(p *part) {
	i, found := slices.BinarySearchFunc(u.parts, p.number, func(p *part, n int) int { return cmp.Compare(p.number, n) })
	if found {
		u.parts[i] = p
		return
	}
	u.parts = slices.Insert(u.parts, i, p)
}

// uploadPart stores one.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
func (b *Backend) uploadPart(q *request) (*http.Response, error) {
	p, err := b.store(q, q.content, q.sums)
	if err != nil {
		return nil, err
	}
	h := http.Header{"Etag": {p.etag}, encryptionHeader: {"AES256"}}
	for _, c := range p.sums {
		h.Set(c.header(), c.String())
	}
	return respond(q.Request, http.StatusOK, h, nil), nil
}

func (b *Backend) store(q *request, data []byte, sums []checksum) (*part, error) {
	u, err := q.upload()
	if err != nil {
		return nil, err
	}
	n, err := q.partNumber()
	if err != nil {
		return nil, err
	}
	if u.algorithm != nil {
		if len(sums) > 0 && sums[0].algorithm != u.algorithm {
			return nil, refused(400, "InvalidRequest", fmt.Sprintf("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
				strings.ToLower(u.algorithm.name), strings.ToLower(sums[0].name)))
		}
		sums = []checksum{u.algorithm.of(data)}
	}
	p := &part{n, data, etagOf(data), q.now, sums}
	u.add(p)
	return p, nil
}

// copyPart stores a part that is, or is in, an object.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
func (b *Backend) copyPart(q *request) (*http.Response, error) {
	from, of, err := b.source(q)
	if err != nil {
		return nil, err
	}
	data := from.data
	if text := q.Header.Get("X-Amz-Copy-Source-Range"); text != "" {
		first, to, is, err := spanOf(text, len(data))
		if err != nil || !is {
			return nil, invalid("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
		}
		data = data[first:to]
	}
	p, err := b.store(q, data, nil)
	if err != nil {
		return nil, err
	}
	h := http.Header{encryptionHeader: {"AES256"}}
	if of.versioning != "" {
		h.Set("X-Amz-Copy-Source-Version-Id", from.id)
	}
	return respondXML(q.Request, http.StatusOK, h, copied("CopyPartResult", p.etag, p.at, p.sums)), nil
}

// completion lists the parts that an object is to be made of.
type completion struct {
	Part []struct {
		PartNumber                                                                     int
		ETag                                                                           string
		ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 string
	}
}

// chosen are the parts that a completion lists.
func (u *upload) chosen(of *completion) ([]*part, error) {
	if len(of.Part) == 0 {
		return nil, errMalformed
	}
	var out []*part
	for i, want := range of.Part {
		if i > 0 && want.PartNumber <= of.Part[i-1].PartNumber {
			return nil, with(errPartOrder, "UploadId", u.id)
		}
		at, found := slices.BinarySearchFunc(u.parts, want.PartNumber, func(p *part, n int) int { return cmp.Compare(p.number, n) })
		if !found || unquoted(u.parts[at].etag) != unquoted(want.ETag) {
			return nil, with(errPart, "UploadId", u.id, "PartNumber", strconv.Itoa(want.PartNumber), "ETag", unquoted(want.ETag))
		}
		p := u.parts[at]
		sum := want.ChecksumCRC32 + want.ChecksumCRC32C + want.ChecksumCRC64NVME + want.ChecksumSHA1 + want.ChecksumSHA256
		if sum != "" && (len(p.sums) == 0 || p.sums[0].String() != sum) {
			return nil, with(errPart, "UploadId", u.id, "PartNumber", strconv.Itoa(want.PartNumber), "ETag", unquoted(want.ETag))
		}
		out = append(out, p)
	}
	for _, p := range out[:len(out)-1] {
		if len(p.data) < leastPart {
			return nil, with(errSmall, "ETag", unquoted(p.etag), "PartNumber", strconv.Itoa(p.number),
				"MinSizeAllowed", strconv.Itoa(leastPart), "ProposedSize", strconv.Itoa(len(p.data)))
		}
	}
	return out, nil
}

// join makes a version of parts. Its entity tag is made of theirs.
func (u *upload) join(parts []*part) *version {
	v := u.version
	digests, sums := md5.New(), []byte(nil)
	var data bytes.Buffer
	for _, p := range parts {
		data.Write(p.data)
		v.parts = append(v.parts, len(p.data))
		sum, _ := hex.DecodeString(unquoted(p.etag)) // it is ours
		_, _ = digests.Write(sum)
		if len(p.sums) > 0 {
			sums = append(sums, p.sums[0].sum...)
		}
	}
	v.data = data.Bytes()
	v.etag = fmt.Sprintf(`"%x-%d"`, digests.Sum(nil), len(parts))
	switch {
	case u.algorithm == nil:
		v.sums = []checksum{crc64NVME.of(v.data)}
	case u.whole:
		v.sums = []checksum{u.algorithm.of(v.data)}
	default:
		c := u.algorithm.of(sums)
		c.parts = len(parts)
		v.sums = []checksum{c}
	}
	return v
}

// completeUpload makes an object of the parts.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
func (b *Backend) completeUpload(q *request) (*http.Response, error) {
	u, err := q.upload()
	if err != nil {
		return nil, err
	}
	var of completion
	if err := q.decode(&of); err != nil {
		return nil, err
	}
	parts, err := u.chosen(&of)
	if err != nil {
		return nil, err
	}
	if err := b.writable(q); err != nil {
		return nil, err
	}
	v := u.join(parts)
	if want := q.Header.Get(v.sums[0].header()); want != "" && want != v.sums[0].String() {
		v.parts = nil
		return nil, refused(400, "BadDigest", "The "+strings.ToLower(v.sums[0].name)+" you specified did not match the calculated checksum.")
	}
	v.modified = q.now
	q.bucket.end(u)
	e := q.bucket.put(q.Key, v)
	b.tell(q, "ObjectCreated:CompleteMultipartUpload", e, v)
	h := http.Header{}
	v.mark(h, q.bucket)
	nodes := []any{element("Location", "https://"+q.Bucket+".s3."+b.regionOf(q.bucket)+".amazonaws.com/"+q.Key), element("Bucket", q.Bucket), element("Key", q.Key), element("ETag", v.etag)}
	return respondXML(q.Request, http.StatusOK, h, document("CompleteMultipartUploadResult", xmlns, append(nodes, elements(v.sums)...)...)), nil
}

// end forgets an upload.
func (b *bucket) end(u *upload) {
	b.uploads = slices.DeleteFunc(b.uploads, func(o *upload) bool { return o == u })
}

// abortUpload takes what has been uploaded away.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
func (b *Backend) abortUpload(q *request) (*http.Response, error) {
	u, err := q.upload()
	if err != nil {
		return nil, err
	}
	q.bucket.end(u)
	return respond(q.Request, http.StatusNoContent, http.Header{}, nil), nil
}

// listParts lists those of an upload.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
func (b *Backend) listParts(q *request) (*http.Response, error) {
	u, err := q.upload()
	if err != nil {
		return nil, err
	}
	most, err := q.number("max-parts", mostListed)
	if err != nil {
		return nil, err
	}
	after, err := q.number("part-number-marker", mostParts)
	if err != nil {
		return nil, err
	}
	if q.query.Get("part-number-marker") == "" {
		after = 0
	}
	var parts []any
	next, truncated := 0, false
	for _, p := range u.parts {
		switch {
		case p.number <= after:
			continue
		case len(parts) == most:
			truncated = true
		default:
			next = p.number
			nodes := []any{element("PartNumber", strconv.Itoa(p.number)), element("LastModified", stamp(p.at)), element("ETag", p.etag), element("Size", strconv.Itoa(len(p.data)))}
			for _, c := range p.sums {
				nodes = append(nodes, element("Checksum"+c.name, c.String()))
			}
			parts = append(parts, document("Part", "", nodes...))
		}
	}
	nodes := []any{element("Bucket", q.Bucket), element("Key", q.Key), element("UploadId", u.id), element("StorageClass", u.version.class),
		element("PartNumberMarker", strconv.Itoa(after)), element("NextPartNumberMarker", strconv.Itoa(next)), element("MaxParts", strconv.Itoa(most)), element("IsTruncated", strconv.FormatBool(truncated))}
	return respondXML(q.Request, http.StatusOK, http.Header{}, document("ListPartsResult", xmlns, append(nodes, parts...)...)), nil
}

// listUploads lists those that have begun, by key and the time of their
// beginning.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
func (b *Backend) listUploads(q *request) (*http.Response, error) {
	for _, name := range []string{"delimiter", "key-marker", "upload-id-marker", "encoding-type"} {
		if q.query.Get(name) != "" {
			return nil, lacks("ListMultipartUploads by "+name, "list all of them")
		}
	}
	var all []*upload
	for _, u := range q.bucket.uploads {
		if strings.HasPrefix(u.key, q.query.Get("prefix")) {
			all = append(all, u)
		}
	}
	if most, err := q.number("max-uploads", mostListed); err != nil || len(all) > most {
		return nil, lacks("ListMultipartUploads in pages", "list all of them")
	}
	slices.SortStableFunc(all, func(a, b *upload) int { return strings.Compare(a.key, b.key) })
	nodes := []any{element("Bucket", q.Bucket), element("Prefix", q.query.Get("prefix")), element("MaxUploads", strconv.Itoa(mostListed)), element("IsTruncated", "false")}
	for _, u := range all {
		nodes = append(nodes, document("Upload", "", element("Key", u.key), element("UploadId", u.id), element("StorageClass", u.version.class), element("Initiated", stamp(u.began))))
	}
	return respondXML(q.Request, http.StatusOK, http.Header{}, document("ListMultipartUploadsResult", xmlns, nodes...)), nil
}

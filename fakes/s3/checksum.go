package s3

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"
)

// algorithm makes checksums.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
type algorithm struct {
	name string // "CRC32C"
	hash func() hash.Hash
	// whole says that an upload in parts may have one of all its content.
	whole bool
}

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvme       = crc64.MakeTable(0x9a6c9329ac4bc9b5)

	// crc64NVME is that of what is sent without one.
	crc64NVME = &algorithm{"CRC64NVME", func() hash.Hash { return crc64.New(nvme) }, true}

	algorithms = []*algorithm{
		{"CRC32", func() hash.Hash { return crc32.NewIEEE() }, true},
		{"CRC32C", func() hash.Hash { return crc32.New(castagnoli) }, true},
		crc64NVME, {"SHA1", sha1.New, false}, {"SHA256", sha256.New, false},
	}
)

// checksum is one of an object or a part.
type checksum struct {
	*algorithm
	sum   []byte
	parts int // whose checksums it is made of; 0 if it is of the content
}

func (a *algorithm) header() string {
	return "X-Amz-Checksum-" + a.name[:1] + strings.ToLower(a.name[1:])
}

// of is the checksum of a content.
func (a *algorithm) of(data []byte) checksum {
	h := a.hash()
	_, _ = h.Write(data) // it never fails
	return checksum{algorithm: a, sum: h.Sum(nil)}
}

// String is its text: of parts with their number.
func (c checksum) String() string {
	text := base64.StdEncoding.EncodeToString(c.sum)
	if c.parts > 0 {
		text += fmt.Sprintf("-%d", c.parts)
	}
	return text
}

// covers tells what it is made of.
func (c checksum) covers() string {
	if c.parts > 0 {
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

// algorithmOf is one by its name; nil if there is none.
func algorithmOf(name string) *algorithm {
	for _, a := range algorithms {
		if strings.EqualFold(a.name, name) {
			return a
		}
	}
	return nil
}

// verify compares a body with what headers and trailers say of it, and returns
// the checksums that they have.
func verify(h, trailer http.Header, content []byte) ([]checksum, error) {
	if text := h.Get("Content-Md5"); text != "" {
		want, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(want) != md5.Size {
			return nil, errBadDigest
		}
		if sum := md5.Sum(content); string(sum[:]) != string(want) {
			return nil, errDigest
		}
	}
	if text := h.Get("X-Amz-Content-Sha256"); len(text) == 2*sha256.Size {
		if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != text {
			return nil, errSHA256
		}
	}
	var out []checksum
	for _, from := range []http.Header{h, trailer} {
		for name, values := range from { //wtsim:order one has one checksum, or is refused
			text, ok := strings.CutPrefix(name, "X-Amz-Checksum-")
			if !ok || text == "Algorithm" || text == "Mode" || text == "Type" {
				continue
			}
			a := algorithmOf(text)
			if a == nil {
				return nil, lacks("checksum "+text, "take another algorithm")
			}
			is := a.of(content)
			if is.String() != values[0] {
				return nil, refused(400, "BadDigest", "The "+a.name+" you specified did not match the calculated checksum.")
			}
			out = append(out, is)
		}
	}
	if len(out) > 1 {
		return nil, refused(400, "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
	}
	return out, nil
}

// told tells the checksums of a version in headers.
func told(h http.Header, sums []checksum) {
	for _, c := range sums {
		h.Set(c.header(), c.String())
		h.Set("X-Amz-Checksum-Type", c.covers())
	}
}

// elements tells them in XML.
func elements(sums []checksum) (out []any) {
	for _, c := range sums {
		out = append(out, element("Checksum"+c.name, c.String()), element("ChecksumType", c.covers()))
	}
	return out
}

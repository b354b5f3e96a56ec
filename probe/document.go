package probe

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wtsim/wtsim/event"
)

// document is a body as JSON, looked at when it is first asked for a field. A rule
// looks at few of them, and a tree of all is several times as slow.
type document struct {
	body  []byte
	read  bool
	valid bool
}

// at finds what a dotted path leads to, as [follow] does in the tree. It does not
// keep the body in memory.
func (d *document) at(path string) (event.Tree, bool) {
	if !d.read {
		d.body = bytes.Trim(content(d.body), " \t\r\n")
		d.read, d.valid = true, json.Valid(d.body)
	}
	if !d.valid {
		return event.Tree{}, false
	}
	if !utf8.Valid(d.body) {
		v, err := event.ParseValue(d.body)
		if err != nil {
			return event.Tree{}, false
		}
		return follow(v.Tree(), path)
	}
	text, ok := d.body, true
	if path != "" {
		if text, ok = event.Part(text, path); !ok {
			return event.Tree{}, false
		}
	}
	v, err := event.ParseValue(text)
	return v.Tree(), err == nil
}

// follow finds what a dotted path leads to: fields of objects by name, elements
// of arrays by place. An empty path leads to the value itself.
func follow(t event.Tree, path string) (event.Tree, bool) {
	if path == "" {
		return t, true
	}
	for name := range strings.SplitSeq(path, ".") {
		var ok bool
		if t, ok = part(t, name); !ok {
			return event.Tree{}, false
		}
	}
	return t, true
}

func part(t event.Tree, name string) (event.Tree, bool) {
	for _, f := range t.Fields {
		if f.Name == name {
			return f.Tree, true
		}
	}
	n, err := strconv.Atoi(name)
	if err != nil || n < 0 || n >= len(t.Items) {
		return event.Tree{}, false
	}
	return t.Items[n], true
}

// content is a body, of a multipart upload its last part: the families write
// each part after a line of two dashes, and a newline after it.
func content(body []byte) []byte {
	if i := bytes.LastIndex(body, []byte("\n--\n")); i >= 0 && bytes.HasPrefix(body, []byte("--\n")) {
		return bytes.TrimSuffix(body[i+4:], []byte("\n"))
	}
	return body
}

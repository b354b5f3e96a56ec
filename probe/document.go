package probe

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// document is a body as JSON, read when it is first asked for a field.
type document struct {
	body  []byte
	read  bool
	valid bool
	tree  event.Tree
}

// at finds what a dotted path leads to.
func (d *document) at(path string) (event.Tree, bool) {
	if !d.read {
		d.read = true
		body := bytes.Trim(content(d.body), " \t\r\n")
		if d.valid = json.Valid(body); d.valid {
			v, err := event.ParseValue(body)
			d.tree, d.valid = v.Tree(), err == nil
		}
	}
	if !d.valid {
		return event.Tree{}, false
	}
	return follow(d.tree, path)
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

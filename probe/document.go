package probe

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wtsim/wtsim/event"
)

// document is a body as JSON, looked at when it is first asked for a field.
type document struct {
	body  []byte
	read  bool
	valid bool
}

// at finds what a dotted path leads to. It does not keep the body in memory.
func (d *document) at(path string) (event.Tree, bool) {
	if !d.read {
		d.body = bytes.Trim(content(d.body), spaces)
		d.read, d.valid = true, json.Valid(d.body)
	}
	if !d.valid {
		return event.Tree{}, false
	}
	text, ok := d.body, true
	if path != "" {
		for name := range strings.SplitSeq(path, ".") {
			if text, ok = member(text, name); !ok {
				return event.Tree{}, false
			}
		}
	}
	v, err := event.ParseValue(text)
	return v.Tree(), err == nil
}

const spaces = " \t\r\n"

// member finds what [part] does, in a text that is known to be JSON: a rule looks at
// few of a body's fields, and a tree of all is several times as slow.
func member(text []byte, name string) (found []byte, ok bool) {
	place := -1 // in an object nothing has one
	switch text[0] {
	case '{':
	case '[':
		var err error
		if place, err = strconv.Atoi(name); err != nil || place < 0 {
			return nil, false
		}
	default:
		return nil, false
	}
	for i := 1; ; place-- {
		for text[i] == ',' || strings.IndexByte(spaces, text[i]) >= 0 {
			i++
		}
		if text[i] == '}' || text[i] == ']' {
			return found, ok
		}
		this := place == 0
		if text[0] == '{' {
			end := textEnd(text, i)
			this = isNamed(text[i:end], name)
			for i = end; text[i] == ':' || strings.IndexByte(spaces, text[i]) >= 0; {
				i++
			}
		}
		end := valueEnd(text, i)
		if this { // of a name that occurs twice the last
			found, ok = text[i:end], true
		}
		i = end
	}
}

// isNamed tells whether a JSON string is a name.
func isNamed(text []byte, name string) bool {
	inner := text[1 : len(text)-1]
	if !bytes.ContainsRune(inner, '\\') && utf8.Valid(inner) {
		return string(inner) == name
	}
	var s string
	return json.Unmarshal(text, &s) == nil && s == name
}

// textEnd is where the string ends that begins at i.
func textEnd(text []byte, i int) int {
	for i++; ; {
		end := i + bytes.IndexByte(text[i:], '"')
		escape := bytes.IndexByte(text[i:end], '\\')
		if escape < 0 {
			return end + 1
		}
		i += escape + 2
	}
}

// valueEnd is where the value ends that begins at i.
func valueEnd(text []byte, i int) int {
	for depth := 0; i < len(text); {
		switch c := text[i]; c {
		case '"':
			i = textEnd(text, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		default:
			i++
			if depth == 0 && i < len(text) && strings.IndexByte(",]}"+spaces, text[i]) < 0 {
				continue
			}
		}
		if depth == 0 {
			return i
		}
	}
	return i
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

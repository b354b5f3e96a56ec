package props

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// jsonTree is a JSON value that knows where it stands.
type jsonTree struct {
	offset  int
	scalar  any // a string, json.Number, bool or nil, if neither list nor object
	items   []*jsonTree
	members []jsonMember
	kind    json.Delim // '[', '{' or 0
}

type jsonMember struct {
	name   string
	offset int
	value  *jsonTree
}

// get returns a member of an object by name.
func (t *jsonTree) get(name string) *jsonTree {
	for _, m := range t.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// str returns a string value.
func (t *jsonTree) str() (string, bool) {
	s, ok := t.scalar.(string)
	return s, ok && t.kind == 0
}

// jsonReader builds a tree. A name that occurs twice in an object is an
// error.
type jsonReader struct {
	file    string
	content []byte
	d       *json.Decoder
}

func readJSON(file string, content []byte) (*jsonTree, error) {
	r := &jsonReader{file, content, json.NewDecoder(bytes.NewReader(content))}
	r.d.UseNumber()
	t, err := r.value()
	if err != nil {
		return nil, err
	}
	at := r.start()
	if _, err := r.d.Token(); !errors.Is(err, io.EOF) {
		return nil, r.fail(at, "something follows the properties, wanted the end of the file")
	}
	return t, nil
}

func (r *jsonReader) fail(offset int, format string, args ...any) error {
	return fmt.Errorf("%s: "+format, append([]any{place(r.file, r.content, offset)}, args...)...)
}

// start is where the next token begins.
func (r *jsonReader) start() int {
	i := int(r.d.InputOffset())
	for i < len(r.content) && bytes.IndexByte([]byte(" \t\r\n,:"), r.content[i]) >= 0 {
		i++
	}
	return i
}

func (r *jsonReader) token() (json.Token, error) {
	at := r.start()
	t, err := r.d.Token()
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return t, nil
	case errors.As(err, &syntax):
		return nil, r.fail(max(int(syntax.Offset)-1, 0), "not JSON: %v", err)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, r.fail(len(r.content), "not JSON: the file ends too soon")
	}
	return nil, r.fail(at, "not JSON: %v", err)
}

func (r *jsonReader) value() (*jsonTree, error) {
	t := &jsonTree{offset: r.start()}
	token, err := r.token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if t.kind = delim; !ok {
		t.scalar = token
		return t, nil
	}
	for r.d.More() {
		if delim == '{' {
			err = r.member(t)
		} else {
			var item *jsonTree
			item, err = r.value()
			t.items = append(t.items, item)
		}
		if err != nil {
			return nil, err
		}
	}
	_, err = r.token() // the closing one
	return t, err
}

func (r *jsonReader) member(t *jsonTree) error {
	at := r.start()
	token, err := r.token()
	if err != nil {
		return err
	}
	name, ok := token.(string)
	if !ok {
		return r.fail(at, "not JSON: a name in quotes was wanted")
	}
	if t.get(name) != nil {
		return r.fail(at, "%q occurs twice, wanted each name once", name)
	}
	v, err := r.value()
	t.members = append(t.members, jsonMember{name, at, v})
	return err
}

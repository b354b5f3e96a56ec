package props

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// jsonReader builds a tree. A name that occurs twice in an object is an
// error.
type jsonReader struct {
	*source
	d *json.Decoder
}

func readJSON(s *source) (*tree, error) {
	r := &jsonReader{s, json.NewDecoder(strings.NewReader(s.text))}
	r.d.UseNumber()
	t, err := r.value()
	if err != nil {
		return nil, err
	}
	after := r.start()
	if _, err := r.d.Token(); !errors.Is(err, io.EOF) {
		return nil, r.fail(r.there(after), "something follows the properties, wanted the end of the file")
	}
	return t, nil
}

// start is where the next token begins.
func (r *jsonReader) start() int {
	i := int(r.d.InputOffset())
	for i < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[i]) >= 0 {
		i++
	}
	return i
}

// there is a value that is not read yet.
func (r *jsonReader) there(offset int) *tree {
	t := &tree{}
	t.line, t.column = r.position(offset)
	return t
}

func (r *jsonReader) token() (json.Token, error) {
	at := r.start()
	t, err := r.d.Token()
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return t, nil
	case errors.As(err, &syntax):
		return nil, r.fail(r.there(max(int(syntax.Offset)-1, 0)), "not JSON: %v", err)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, r.fail(r.there(len(r.text)), "not JSON: the file ends too soon")
	}
	return nil, r.fail(r.there(at), "not JSON: %v", err)
}

func (r *jsonReader) value() (*tree, error) {
	t := r.there(r.start())
	token, err := r.token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case string:
		t.kind, t.text = '"', token
		return t, nil
	case json.Delim:
		t.kind = byte(token)
	default:
		return t, nil
	}
	for r.d.More() {
		if t.kind == '{' {
			err = r.member(t)
		} else {
			var item *tree
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

func (r *jsonReader) member(t *tree) error {
	name := r.there(r.start())
	token, err := r.token()
	if err != nil {
		return err
	}
	text, ok := token.(string)
	if !ok {
		return r.fail(name, "not JSON: a name in quotes was wanted")
	}
	if t.get(text) != nil {
		return r.fail(name, "%q occurs twice, wanted each name once", text)
	}
	name.kind, name.text = '"', text
	v, err := r.value()
	t.members = append(t.members, member{name, v})
	return err
}

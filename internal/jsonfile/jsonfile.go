// Package jsonfile writes JSON files for people, and says for people what is
// wrong with those that they have edited.
package jsonfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/wtsim/wtsim/internal/wholefile"
)

// Write writes a value as JSON for people, in a folder that it makes where
// there is none. A reader never sees half of it.
func Write(path string, v any) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return wholefile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		return e.Encode(v)
	})
}

// FreePath returns path, or the first of path-2, path-3, ... (before the
// extension) that does not exist yet, as far as that can be told.
func FreePath(path string) string {
	ext := filepath.Ext(path)
	base := strings.TrimSuffix(path, ext)
	for n := 2; ; n++ {
		if _, err := os.Lstat(path); err != nil { // writing it will tell what is wrong otherwise
			return path
		}
		path = fmt.Sprintf("%s-%d%s", base, n, ext)
	}
}

// Describe says for people, of an error of package json, where in data
// it is and what was wanted there.
func Describe(data []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: %w", line(data, syntax.Offset), err)
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("line %d: %s, wanted %s", line(data, kind.Offset), a(kind.Value), wantedJSON(kind.Type))
	case errors.As(err, &kind):
		return fmt.Errorf("line %d: %q is %s, wanted %s", line(data, kind.Offset), kind.Field, a(kind.Value), wantedJSON(kind.Type))
	}
	return err
}

// a puts the article before what package json names a value.
func a(value string) string {
	if strings.HasPrefix(value, "array") || strings.HasPrefix(value, "object") {
		return "an " + value
	}
	return "a " + value
}

// wantedJSON names what a Go type is in JSON.
func wantedJSON(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number from 0 on"
	}
	return "a whole number"
}

func line(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:max(0, min(int(offset), len(data))-1)], []byte("\n"))
}

package firestore

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// nameField is the pseudo-field that holds a document's name.
const nameField = "__name__"

// parseField splits a field's path: simple names, or names in backquotes, with
// dots between.
// https://firebase.google.com/docs/firestore/reference/rpc/google.firestore.v1#documentmask
func parseField(path string) ([]string, error) {
	var out []string
	for rest := path; ; {
		name, more, err := nextName(path, rest)
		if err != nil {
			return nil, err
		}
		out = append(out, name)
		if more == "" {
			return out, nil
		}
		if more[0] != '.' {
			return nil, invalid("Invalid property path \"%s\".", path)
		}
		rest = more[1:]
	}
}

// nextName takes the first name off what is left of a path.
func nextName(path, rest string) (name, more string, err error) {
	if !strings.HasPrefix(rest, "`") {
		name = simpleName.FindString(rest)
		if name == "" {
			return "", "", invalid("Invalid property path \"%s\".", path)
		}
		return name, rest[len(name):], nil
	}
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch {
		case rest[i] == '`':
			return b.String(), rest[i+1:], nil
		case rest[i] == '\\' && i+1 < len(rest):
			i++
		}
		b.WriteByte(rest[i])
	}
	return "", "", invalid("Invalid property path \"%s\".", path)
}

var simpleName = regexp.MustCompile(`^[A-Za-z_][A-Za-z_0-9]*`)

// fieldOf returns the value at a path; nil if there is none.
func fieldOf(fields map[string]*pb.Value, path []string) *pb.Value {
	v := fields[path[0]]
	if len(path) == 1 {
		return v
	}
	return fieldOf(v.GetMapValue().GetFields(), path[1:])
}

// withField returns fields with another value at a path, or without one if it
// is nil. What was there stays as it is.
func withField(fields map[string]*pb.Value, path []string, v *pb.Value) map[string]*pb.Value {
	out := maps.Clone(fields)
	if out == nil {
		out = map[string]*pb.Value{}
	}
	if len(path) > 1 {
		inner := fields[path[0]].GetMapValue()
		if inner == nil && v == nil {
			return out
		}
		v = mapValue(withField(inner.GetFields(), path[1:], v))
	}
	if v == nil {
		delete(out, path[0])
	} else {
		out[path[0]] = v
	}
	return out
}

func mapValue(fields map[string]*pb.Value) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_MapValue{MapValue: &pb.MapValue{Fields: fields}}}
}

// masked returns what a mask shows of fields; all of them without one.
func masked(fields map[string]*pb.Value, mask *pb.DocumentMask) (map[string]*pb.Value, error) {
	if mask == nil {
		return fields, nil
	}
	out := map[string]*pb.Value{}
	for _, p := range mask.FieldPaths {
		path, err := parseField(p)
		if err != nil {
			return nil, err
		}
		if v := fieldOf(fields, path); v != nil {
			out = withField(out, path, v)
		}
	}
	return out, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

package dynamodb

import (
	"fmt"
	"slices"
	"strings"
)

// Table is a table that exists when a run starts.
type Table struct {
	Name string
	// Keys are the names and types (S, N, B) of the partition key and, if there
	// is one, the sort key: "slug S", "user S, at N".
	Keys    string
	Indexes []Index
	// Stream is what its stream shows of items: "KEYS_ONLY", "NEW_IMAGE",
	// "OLD_IMAGE" or "NEW_AND_OLD_IMAGES"; none if it is empty.
	Stream string
	// TTL is the attribute that holds an item's time to live, in seconds since
	// 1970; none if it is empty.
	TTL string
}

// Index is a secondary index of a table.
type Index struct {
	Name string
	// Keys are as those of a table.
	Keys string
	// Local says that it is a local index, with the table's partition key; else
	// it is a global one.
	Local bool
	// Projects is what it has of an item: "ALL" (the default), "KEYS_ONLY", or the names
	// of attributes that it has beside its keys and the table's, with commas
	// between.
	Projects string
}

// String tells how it is declared.
func (t Table) String() string {
	out := t.Name + " (" + t.Keys + ")"
	for _, x := range t.Indexes {
		out += ", " + map[bool]string{true: "local", false: "global"}[x.Local] + " index " + x.Name + " (" + x.Keys + ")"
	}
	if t.Stream != "" {
		out += ", stream of " + t.Stream
	}
	if t.TTL != "" {
		out += ", time to live in " + t.TTL
	}
	return out
}

// streamViews are what a stream can show.
var streamViews = []string{"KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"}

// table makes it; the error is a sentence.
func (t Table) table() (*table, error) {
	out := &table{name: t.Name, types: map[string]string{}, billing: "PAY_PER_REQUEST", ttl: t.TTL}
	if !validName(t.Name) {
		return nil, fmt.Errorf("its name is none, wanted 3 to 255 letters, digits, _, - and dots")
	}
	var err error
	if out.keys, err = out.declared(t.Keys); err != nil {
		return nil, err
	}
	if t.Stream != "" && !slices.Contains(streamViews, t.Stream) {
		return nil, fmt.Errorf("its stream is of %q, wanted one of %q", t.Stream, streamViews)
	}
	for _, x := range t.Indexes {
		made := &index{name: x.Name, global: !x.Local, projects: "ALL"}
		made.index = made
		if made.keys, err = out.declared(x.Keys); err != nil {
			return nil, fmt.Errorf("index %q: %w", x.Name, err)
		}
		if x.Local && made.partition != out.partition {
			return nil, fmt.Errorf("index %q: its partition key is %q, wanted the table's, %q, as it is local", x.Name, made.partition, out.partition)
		}
		switch x.Projects {
		case "", "ALL":
		case "KEYS_ONLY":
			made.projects = x.Projects
		default:
			made.projects = "INCLUDE"
			for _, name := range strings.Split(x.Projects, ",") {
				made.include = append(made.include, strings.TrimSpace(name))
			}
		}
		out.indexes = append(out.indexes, made)
	}
	return out, nil
}

// declared reads keys, and notes their types.
func (t *table) declared(text string) (keys, error) {
	var out []string
	for _, part := range strings.Split(text, ",") {
		f := strings.Fields(part)
		if len(f) != 2 || !slices.Contains([]string{"S", "N", "B"}, f[1]) {
			return keys{}, fmt.Errorf("its keys are %q, wanted a name and S, N or B, or two with a comma between", text)
		}
		if had := t.types[f[0]]; had != "" && had != f[1] {
			return keys{}, fmt.Errorf("key %q has types %s and %s", f[0], had, f[1])
		}
		t.types[f[0]] = f[1]
		out = append(out, f[0])
	}
	switch len(out) {
	case 1:
		return keys{partition: out[0]}, nil
	case 2:
		return keys{out[0], out[1]}, nil
	}
	return keys{}, fmt.Errorf("its keys are %q, wanted one or two", text)
}

func validName(name string) bool {
	return len(name) >= 3 && len(name) <= 255 && strings.IndexFunc(name, func(r rune) bool {
		return r > 127 || !isNamePart(byte(r)) && r != '-' && r != '.'
	}) < 0
}

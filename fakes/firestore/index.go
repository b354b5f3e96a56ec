package firestore

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// Index is an index that is not there by itself: a composite one, or one of a
// single field whose scope is a collection group.
// https://firebase.google.com/docs/firestore/query-data/index-overview
type Index struct {
	Collection string // its id
	Group      bool   // the scope is the collection group
	// Fields are paths, with " desc" behind one that descends, and " contains"
	// behind one of an array: "status", "created desc".
	Fields []string
}

func (x Index) check() error {
	switch {
	case x.Collection == "" || strings.Contains(x.Collection, "/"):
		return fmt.Errorf("index of collection %q, wanted the id of one", x.Collection)
	case len(x.Fields) == 0 || !x.Group && len(x.Fields) < 2:
		return fmt.Errorf("index of collection %q has the fields %q, wanted at least two: the others are there by themselves", x.Collection, x.Fields)
	}
	for _, f := range x.Fields {
		path, how, _ := strings.Cut(f, " ")
		if _, err := parseField(path); err != nil || how != "" && how != "desc" && how != "contains" {
			return fmt.Errorf("index of collection %q has the field %q, wanted a path, with \" desc\" or \" contains\" behind it or nothing", x.Collection, f)
		}
	}
	return nil
}

// need is what a conjunction asks of an index.
type need struct {
	equal    []string    // fields that are compared for equality, sorted
	contains []string    // arrays that are looked into
	order    []direction // without the name where that goes by itself
}

// needOf works out what a conjunction needs.
func needOf(conjunction []*condition, order []direction) need {
	var n need
	for _, c := range conjunction {
		switch {
		case c.by == nil || c.unequal():
		case c.op == opContains || c.op == opContainsAny:
			n.contains = append(n.contains, c.path)
		default:
			n.equal = append(n.equal, c.path)
		}
	}
	slices.Sort(n.equal)
	n.equal = slices.Compact(n.equal)
	for _, d := range order {
		if !slices.Contains(n.equal, d.path) { // else it is the same in all results
			n.order = append(n.order, d)
		}
	}
	if last := len(n.order) - 1; last >= 0 && n.order[last].by == nil {
		direction := last > 0 && n.order[last-1].desc
		if n.order[last].desc == direction {
			n.order = n.order[:last]
		}
	}
	return n
}

// simple reports whether indexes of single fields are enough: those of
// equalities are merged.
func (n need) simple() bool {
	others := len(n.equal) + len(n.contains)
	return len(n.order) == 0 || len(n.order) == 1 && others == 0 && n.order[0].by != nil
}

// covers reports whether an index is of use for a need, and which of its
// equalities it has: what is not sorted by comes first, then the order, as it is. One
// is not read backwards: the order turned round needs an index of its own.
// https://firebase.google.com/docs/firestore/query-data/index-overview
func (x Index) covers(q *query, n need) (equal []string, ok bool) {
	if x.Collection != q.collection || x.Group != q.group || len(x.Fields) < len(n.order) {
		return nil, false
	}
	first, then := x.Fields[:len(x.Fields)-len(n.order)], x.Fields[len(x.Fields)-len(n.order):]
	for _, f := range first {
		path, how, _ := strings.Cut(f, " ")
		if how == "contains" && slices.Contains(n.contains, path) || how != "contains" && slices.Contains(n.equal, path) {
			equal = append(equal, path)
			continue
		}
		return nil, false
	}
	for i, d := range n.order {
		path, how, _ := strings.Cut(then[i], " ")
		if path != d.path || how == "contains" || (how == "desc") != d.desc {
			return nil, false
		}
	}
	return equal, true
}

// indexed checks that there are indexes for a query.
func (b *Backend) indexed(q *query) error {
	for _, conjunction := range q.where.disjunctions() {
		n := needOf(conjunction, q.order)
		if n.simple() && (!q.group || b.groupIndexed(q, n)) {
			continue
		}
		if n.simple() {
			return missingGroup(q, n)
		}
		covered := map[string]bool{}
		enough := false
		for _, x := range b.service.indexes {
			if equal, ok := x.covers(q, n); ok {
				enough = true
				for _, path := range equal {
					covered[path] = true
				}
			}
		}
		for _, path := range append(slices.Clip(n.equal), n.contains...) {
			enough = enough && covered[path]
		}
		if !enough {
			return missing(q, n)
		}
	}
	return nil
}

// groupIndexed reports whether the fields of a query of a collection group have
// indexes with that scope: none has one by itself.
func (b *Backend) groupIndexed(q *query, n need) bool {
	for _, f := range n.single() {
		path, _, _ := strings.Cut(f, " ")
		if path != nameField && !slices.ContainsFunc(b.service.indexes, func(x Index) bool {
			return x.Group && x.Collection == q.collection && len(x.Fields) == 1 && x.Fields[0] == f
		}) {
			return false
		}
	}
	return true
}

// single are the fields of a need, as those of indexes.
func (n need) single() []string {
	out := slices.Clone(n.equal)
	for _, path := range n.contains {
		out = append(out, path+" contains")
	}
	for _, d := range n.order {
		if d.desc {
			out = append(out, d.path+" desc")
		} else {
			out = append(out, d.path)
		}
	}
	return out
}

// missing says that a query has no index.
func missing(q *query, n need) error {
	return status.Errorf(codes.FailedPrecondition, "The query requires an index. You can create it here: %s", createLink(q, "create_composite", n.single()))
}

// missingGroup says that a field has none whose scope is the group.
func missingGroup(q *query, n need) error {
	field := n.single()[0]
	path, how, _ := strings.Cut(field, " ")
	kind := map[string]string{"": "ASC", "desc": "DESC", "contains": "CONTAINS"}[how]
	return status.Errorf(codes.FailedPrecondition, "The query requires a COLLECTION_GROUP_%s index for collection %s and field %s. You can create it here: %s",
		kind, q.collection, path, createLink(q, "create_exemption", []string{field}))
}

// createLink is where the index can be made: its page has it as a message
// google.firestore.admin.v1.Index.
func createLink(q *query, what string, fields []string) string {
	root := strings.Split(q.parent, "/")
	name := fmt.Sprintf("projects/%s/databases/%s/collectionGroups/%s/indexes/_", root[1], root[3], q.collection)
	scope := uint64(1)
	if q.group {
		scope = 2
	}
	m := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), name)
	m = protowire.AppendVarint(protowire.AppendTag(m, 2, protowire.VarintType), scope)
	for _, f := range append(slices.Clip(fields), nameField) {
		path, how, _ := strings.Cut(f, " ")
		field := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), path)
		number, value := protowire.Number(2), uint64(1)
		switch how {
		case "desc":
			value = 2
		case "contains":
			number = 3
		}
		field = protowire.AppendVarint(protowire.AppendTag(field, number, protowire.VarintType), value)
		m = protowire.AppendBytes(protowire.AppendTag(m, 3, protowire.BytesType), field)
	}
	return fmt.Sprintf("https://console.firebase.google.com/v1/r/project/%s/firestore/indexes?%s=%s", root[1], what, base64.RawURLEncoding.EncodeToString(m))
}

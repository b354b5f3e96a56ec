package firestore

import (
	"slices"
	"strings"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/wtsim/wtsim/fakes/internal/rpc"
)

// query is a structured query, understood.
type query struct {
	parent     string // of the collection; of all of a group, what is above them
	collection string // its id; empty for every one
	group      bool   // all collections of that id below the parent
	where      *condition
	order      []direction // all of it, the name at the end
	start, end *pb.Cursor
	offset     int
	limit      int // negative for none
	fields     *pb.DocumentMask
}

// direction is a field that results are sorted by.
type direction struct {
	path string
	by   []string // the path's names; nil for the document's
	desc bool
}

// parseQuery reads a query.
func parseQuery(parent string, q *pb.StructuredQuery) (*query, error) {
	if err := checkParent(parent); err != nil {
		return nil, err
	}
	switch {
	case q == nil || len(q.From) != 1:
		return nil, invalid("A query must have exactly one collection selector.")
	case q.FindNearest != nil:
		return nil, &rpc.Lack{What: "find_nearest", Advice: "a query of vectors must be answered by the scenario's own code"}
	case q.Offset < 0:
		return nil, invalid("offset is negative")
	case q.Limit != nil && q.Limit.Value < 0:
		return nil, invalid("limit is negative")
	}
	out := &query{parent: parent, collection: q.From[0].CollectionId, group: q.From[0].AllDescendants,
		start: q.StartAt, end: q.EndAt, offset: int(q.Offset), limit: -1}
	if q.Limit != nil {
		out.limit = int(q.Limit.Value)
	}
	if s := q.Select; s != nil {
		out.fields = &pb.DocumentMask{}
		for _, f := range s.Fields {
			if f.FieldPath != nameField {
				out.fields.FieldPaths = append(out.fields.FieldPaths, f.FieldPath)
			}
		}
	}
	var err error
	if q.Where != nil {
		if out.where, err = parseFilter(q.Where); err != nil {
			return nil, err
		}
		if err = checkFilters(out.where); err != nil {
			return nil, err
		}
	}
	if out.order, err = orderOf(q.OrderBy, out.where); err != nil {
		return nil, err
	}
	return out, checkCursors(out)
}

func checkCursors(q *query) error {
	for _, c := range []*pb.Cursor{q.start, q.end} {
		if len(c.GetValues()) > len(q.order) {
			return invalid("Cursor has too many values.")
		}
	}
	return nil
}

// orderOf is what results are sorted by: what the query says, then the fields of
// inequalities in their order, then the name, in the last direction.
// https://firebase.google.com/docs/firestore/query-data/multiple-range-fields
func orderOf(said []*pb.StructuredQuery_Order, where *condition) ([]direction, error) {
	var out []direction
	add := func(path string, desc bool) error {
		d := direction{path: path, desc: desc}
		if path != nameField {
			by, err := parseField(path)
			if err != nil {
				return err
			}
			d.by = by
		}
		out = append(out, d)
		return nil
	}
	desc := false
	for _, o := range said {
		desc = o.Direction == pb.StructuredQuery_DESCENDING
		if err := add(o.GetField().GetFieldPath(), desc); err != nil {
			return nil, err
		}
	}
	has := func(path string) bool {
		return slices.ContainsFunc(out, func(d direction) bool { return d.path == path })
	}
	for _, path := range append(where.inequalities(), nameField) {
		if !has(path) {
			if err := add(path, desc); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// within reports whether a document is in the collections of a query.
func (q *query) within(name string) bool {
	in := parentOf(name)
	if q.collection != "" && idOf(in) != q.collection {
		return false
	}
	if q.group {
		return strings.HasPrefix(name, q.parent+"/")
	}
	return parentOf(in) == q.parent
}

// matches reports whether a document is one of the query's, its bounds
// included; offset and limit are not.
func (q *query) matches(name string, fields map[string]*pb.Value) bool {
	if !q.within(name) || !q.where.holds(name, fields) {
		return false
	}
	for _, d := range q.order {
		if d.value(name, fields) == nil {
			return false
		}
	}
	return q.inBounds(name, fields)
}

// value is what a document is sorted by; nil if it has none.
func (d direction) value(name string, fields map[string]*pb.Value) *pb.Value {
	if d.by == nil {
		return reference(name)
	}
	return fieldOf(fields, d.by)
}

func reference(name string) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: name}}
}

func (q *query) inBounds(name string, fields map[string]*pb.Value) bool {
	if c := q.start; c != nil {
		at := q.against(c, name, fields)
		if at < 0 || at == 0 && !c.Before {
			return false
		}
	}
	if c := q.end; c != nil {
		at := q.against(c, name, fields)
		if at > 0 || at == 0 && c.Before {
			return false
		}
	}
	return true
}

// against tells on which side of a cursor a document is.
func (q *query) against(c *pb.Cursor, name string, fields map[string]*pb.Value) int {
	for i, v := range c.Values {
		d := q.order[i]
		if at := d.compare(d.value(name, fields), v); at != 0 {
			return at
		}
	}
	return 0
}

func (d direction) compare(a, b *pb.Value) int {
	if d.desc {
		return compare(b, a)
	}
	return compare(a, b)
}

// found is a document of a query's result.
type found struct {
	name string
	v    *version
}

// all returns what a query matches at an instant, sorted, without its offset
// and limit.
func (b *Backend) all(q *query, at time.Time) []found {
	var out []found
	for _, name := range b.names {
		if v := b.live(name, at); v != nil && q.matches(name, v.fields) {
			out = append(out, found{name, v})
		}
	}
	slices.SortStableFunc(out, func(x, y found) int {
		for _, d := range q.order {
			if c := d.compare(d.value(x.name, x.v.fields), d.value(y.name, y.v.fields)); c != 0 {
				return c
			}
		}
		return 0
	})
	return out
}

// results returns the result of a query, and how many its offset has skipped.
func (b *Backend) results(q *query, at time.Time) (out []found, skipped int) {
	out = b.all(q, at)
	skipped = min(q.offset, len(out))
	out = out[skipped:]
	if q.limit >= 0 && q.limit < len(out) {
		out = out[:q.limit]
	}
	return out, skipped
}

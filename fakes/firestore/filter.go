package firestore

import (
	"math"
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// condition is a filter: one of a field, or several together. Whether a field is
// null or NaN is asked as an equality, or an inequality, with that.
type condition struct {
	any  bool // of the parts; else all of them
	of   []*condition
	path string // of a field
	by   []string
	op   pb.StructuredQuery_FieldFilter_Operator
	want *pb.Value
}

// The operators, by shorter names.
const (
	opLess          = pb.StructuredQuery_FieldFilter_LESS_THAN
	opLessEqual     = pb.StructuredQuery_FieldFilter_LESS_THAN_OR_EQUAL
	opGreater       = pb.StructuredQuery_FieldFilter_GREATER_THAN
	opGreaterEqual  = pb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL
	opEqual         = pb.StructuredQuery_FieldFilter_EQUAL
	opNotEqual      = pb.StructuredQuery_FieldFilter_NOT_EQUAL
	opContains      = pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS
	opIn            = pb.StructuredQuery_FieldFilter_IN
	opContainsAny   = pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS_ANY
	opNotIn         = pb.StructuredQuery_FieldFilter_NOT_IN
	mostComparisons = 30 // of in and array-contains-any, and disjunctions at all
	mostNotIn       = 10
	mostInequality  = 10 // fields
)

func parseFilter(f *pb.StructuredQuery_Filter) (*condition, error) {
	switch x := f.GetFilterType().(type) {
	case *pb.StructuredQuery_Filter_CompositeFilter:
		out := &condition{any: x.CompositeFilter.Op == pb.StructuredQuery_CompositeFilter_OR}
		if len(x.CompositeFilter.Filters) == 0 {
			return nil, invalid("A composite filter must have at least one filter.")
		}
		for _, part := range x.CompositeFilter.Filters {
			c, err := parseFilter(part)
			if err != nil {
				return nil, err
			}
			out.of = append(out.of, c)
		}
		return out, nil
	case *pb.StructuredQuery_Filter_FieldFilter:
		return fieldCondition(x.FieldFilter.GetField().GetFieldPath(), x.FieldFilter.Op, x.FieldFilter.Value)
	case *pb.StructuredQuery_Filter_UnaryFilter:
		null, nan := &pb.Value{ValueType: &pb.Value_NullValue{}}, double(math.NaN())
		path := x.UnaryFilter.GetField().GetFieldPath()
		switch x.UnaryFilter.Op {
		case pb.StructuredQuery_UnaryFilter_IS_NULL:
			return fieldCondition(path, opEqual, null)
		case pb.StructuredQuery_UnaryFilter_IS_NAN:
			return fieldCondition(path, opEqual, nan)
		case pb.StructuredQuery_UnaryFilter_IS_NOT_NULL:
			return fieldCondition(path, opNotEqual, null)
		case pb.StructuredQuery_UnaryFilter_IS_NOT_NAN:
			return fieldCondition(path, opNotEqual, nan)
		}
	}
	return nil, invalid("A filter must have a type and an operator.")
}

func fieldCondition(path string, op pb.StructuredQuery_FieldFilter_Operator, want *pb.Value) (*condition, error) {
	c := &condition{path: path, op: op, want: want}
	if path != nameField {
		by, err := parseField(path)
		if err != nil {
			return nil, err
		}
		c.by = by
	}
	return c, c.checkOperand()
}

// checkOperand checks what a field is compared with.
func (c *condition) checkOperand() error {
	values := c.want.GetArrayValue().GetValues()
	switch c.op {
	case opIn, opContainsAny, opNotIn:
		most := mostComparisons
		if c.op == opNotIn {
			most = mostNotIn
		}
		switch {
		case len(values) == 0:
			return invalid("'%s' requires an non-empty ArrayValue.", c.op)
		case len(values) > most:
			return invalid("'%s' supports up to %d comparison values.", c.op, most)
		}
	case pb.StructuredQuery_FieldFilter_OPERATOR_UNSPECIFIED:
		return invalid("A field filter must have an operator.")
	}
	if c.by != nil {
		return nil
	}
	if c.op != opIn && c.op != opNotIn {
		values = []*pb.Value{c.want}
	}
	for _, v := range values {
		if kindOf(v) != kindReference {
			return invalid("__key__ filter value must be a Key")
		}
	}
	return nil
}

// holds reports whether a document meets the condition; every one meets none.
func (c *condition) holds(name string, fields map[string]*pb.Value) bool {
	switch {
	case c == nil:
		return true
	case c.any:
		return slices.ContainsFunc(c.of, func(x *condition) bool { return x.holds(name, fields) })
	case c.of != nil:
		return !slices.ContainsFunc(c.of, func(x *condition) bool { return !x.holds(name, fields) })
	}
	v := reference(name)
	if c.by != nil {
		v = fieldOf(fields, c.by)
	}
	return v != nil && c.compares(v)
}

// compares reports whether a value is as wanted. Inequalities hold between
// values of one type alone; null is different from nothing.
// https://firebase.google.com/docs/firestore/query-data/queries
func (c *condition) compares(v *pb.Value) bool {
	one := kindOf(v) == kindOf(c.want) && !(kindOf(v) == kindNumber && isNaN(v) != isNaN(c.want))
	among := c.want.GetArrayValue().GetValues()
	switch c.op {
	case opLess:
		return one && compare(v, c.want) < 0
	case opLessEqual:
		return one && compare(v, c.want) <= 0
	case opGreater:
		return one && compare(v, c.want) > 0
	case opGreaterEqual:
		return one && compare(v, c.want) >= 0
	case opEqual:
		return equal(v, c.want)
	case opNotEqual:
		return kindOf(v) != kindNull && !equal(v, c.want)
	case opContains:
		return contains(v.GetArrayValue().GetValues(), c.want)
	case opIn:
		return kindOf(v) != kindNull && contains(among, v)
	case opContainsAny:
		return slices.ContainsFunc(v.GetArrayValue().GetValues(), func(e *pb.Value) bool { return contains(among, e) })
	case opNotIn: // "x not-in [a, null]" matches nothing
		return kindOf(v) != kindNull && !contains(among, v) && !slices.ContainsFunc(among, func(e *pb.Value) bool { return kindOf(e) == kindNull })
	}
	return false
}

// leaves are the conditions of fields.
func (c *condition) leaves() []*condition {
	switch {
	case c == nil:
		return nil
	case c.of == nil:
		return []*condition{c}
	}
	var out []*condition
	for _, x := range c.of {
		out = append(out, x.leaves()...)
	}
	return out
}

// unequal reports whether a condition of a field is an inequality.
func (c *condition) unequal() bool {
	switch c.op {
	case opLess, opLessEqual, opGreater, opGreaterEqual, opNotEqual, opNotIn:
		return true
	}
	return false
}

// inequalities are the paths of fields with inequalities, each once, sorted.
func (c *condition) inequalities() []string {
	var out []string
	for _, x := range c.leaves() {
		if x.unequal() {
			out = append(out, x.path)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// disjunctions are the conjunctions of which one must hold: the disjunctive
// normal form, in which values of in and array-contains-any count as one each.
func (c *condition) disjunctions() [][]*condition {
	switch {
	case c == nil:
		return [][]*condition{nil}
	case c.of == nil:
		return [][]*condition{{c}}
	}
	var out [][]*condition
	if c.any {
		for _, x := range c.of {
			out = append(out, x.disjunctions()...)
		}
		return out
	}
	out = [][]*condition{nil}
	for _, x := range c.of {
		var next [][]*condition
		for _, before := range out {
			for _, more := range x.disjunctions() {
				next = append(next, append(slices.Clip(before), more...))
			}
		}
		if out = next; len(out) > mostComparisons {
			break // it is refused
		}
	}
	return out
}

// checkFilters checks what may stand together.
// https://firebase.google.com/docs/firestore/query-data/queries#query_limitations
func checkFilters(c *condition) error {
	count := 0
	for _, conjunction := range c.disjunctions() {
		alternatives := 1
		has := map[pb.StructuredQuery_FieldFilter_Operator]int{}
		for _, x := range conjunction {
			has[x.op]++
			if x.op == opIn || x.op == opContainsAny {
				alternatives *= len(x.want.GetArrayValue().GetValues())
			}
		}
		count += alternatives
		switch {
		case has[opContains]+has[opContainsAny] > 1:
			return invalid("A maximum of 1 'ARRAY_CONTAINS' filter is allowed per disjunction.")
		case has[opNotIn] > 1, has[opNotIn] > 0 && has[opNotEqual] > 0:
			return invalid("Only a single 'NOT_EQUAL', 'NOT_IN', 'IS_NOT_NAN', or 'IS_NOT_NULL' filter allowed per query.")
		case has[opNotIn] > 0 && has[opIn]+has[opContainsAny] > 0:
			return invalid("'NOT_IN' cannot be used in the same query with 'IN' or 'ARRAY_CONTAINS_ANY'.")
		}
	}
	if count > mostComparisons {
		return invalid("Query normalization exceeded limit of %d disjunctions.", mostComparisons)
	}
	if len(c.inequalities()) > mostInequality {
		return invalid("A query may have range or inequality filters on at most %d fields.", mostInequality)
	}
	return nil
}

package dynamodb

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// value is an attribute's. It is never changed.
type value struct {
	kind string // "S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"
	s    string // of S and B
	n    number
	b    bool
	m    map[string]*value
	l    []*value // of L; of a set, each of its elements as one of S, N or B, in their order
}

// item is one, or a key. It is never changed, but copied.
type item map[string]*value

// elements are the kinds of what sets hold.
var elements = map[string]string{"SS": "S", "NS": "N", "BS": "B"}

// wire is how a value comes: one of its fields is set.
type wire struct {
	S    *string
	N    *string
	B    *[]byte
	BOOL *bool
	NULL *bool
	M    *map[string]*value
	L    *[]*value
	SS   *[]string
	NS   *[]string
	BS   *[][]byte
}

// set returns the names of the fields that are set.
func (w *wire) set() []string {
	var out []string
	for _, f := range []struct {
		name string
		is   bool
	}{{"S", w.S != nil}, {"N", w.N != nil}, {"B", w.B != nil}, {"BOOL", w.BOOL != nil}, {"NULL", w.NULL != nil},
		{"M", w.M != nil}, {"L", w.L != nil}, {"SS", w.SS != nil}, {"NS", w.NS != nil}, {"BS", w.BS != nil}} {
		if f.is {
			out = append(out, f.name)
		}
	}
	return out
}

// UnmarshalJSON reads a value. Errors are the service's.
func (v *value) UnmarshalJSON(data []byte) error {
	var w wire
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	kinds := w.set()
	switch {
	case len(kinds) == 0:
		return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case len(kinds) > 1:
		return invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	v.kind = kinds[0]
	return v.take(&w)
}

func (v *value) take(w *wire) (err error) {
	switch v.kind {
	case "S":
		v.s = *w.S
	case "N":
		v.n, err = parseNumber(*w.N)
	case "B":
		v.s = string(*w.B)
	case "BOOL":
		v.b = *w.BOOL
	case "NULL":
		if !*w.NULL {
			return invalid("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
	case "M":
		v.m = *w.M
	case "L":
		v.l = *w.L
	case "SS":
		return v.takeSet(*w.SS)
	case "NS":
		return v.takeSet(*w.NS)
	case "BS":
		var all []string
		for _, b := range *w.BS {
			all = append(all, string(b))
		}
		return v.takeSet(all)
	}
	return err
}

// takeSet reads a set. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.SetTypes
func (v *value) takeSet(texts []string) error {
	if len(texts) == 0 {
		what := map[string]string{"SS": "An string set  may not be empty", "NS": "An number set  may not be empty", "BS": "Binary sets should not be empty"}
		return invalid("One or more parameter values were invalid: " + what[v.kind])
	}
	for _, text := range texts {
		e := &value{kind: elements[v.kind], s: text}
		if e.kind == "N" {
			n, err := parseNumber(text)
			if err != nil {
				return err
			}
			e.s, e.n = "", n
		}
		v.l = append(v.l, e)
	}
	v.l = sortedSet(v.l)
	for i := 1; i < len(v.l); i++ {
		if v.l[i-1].compare(v.l[i]) == 0 {
			if v.kind == "NS" {
				return invalid("Input collection contains duplicates")
			}
			return invalid("One or more parameter values were invalid: Input collection [" + strings.Join(texts, ", ") + "] contains duplicates.")
		}
	}
	return nil
}

func sortedSet(l []*value) []*value {
	slices.SortFunc(l, func(a, b *value) int { return a.compare(b) })
	return l
}

// compare orders two values of one scalar kind: numbers by value, text and
// binary by bytes.
func (v *value) compare(o *value) int {
	if v.kind == "N" {
		return v.n.compare(o.n)
	}
	return strings.Compare(v.s, o.s)
}

// equal reports whether two values are the same.
func (v *value) equal(o *value) bool {
	if v == nil || o == nil || v.kind != o.kind {
		return v == o
	}
	switch v.kind {
	case "S", "B", "N":
		return v.compare(o) == 0
	case "BOOL":
		return v.b == o.b
	case "M":
		return maps.EqualFunc(v.m, o.m, (*value).equal)
	}
	return slices.EqualFunc(v.l, o.l, (*value).equal)
}

// scalar reports whether values of the kind have an order.
func (v *value) scalar() bool { return v.kind == "S" || v.kind == "N" || v.kind == "B" }

// size is how many bytes it takes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (v *value) size() int {
	size := 0
	switch v.kind {
	case "S", "B":
		return len(v.s)
	case "N":
		return v.n.size()
	case "BOOL", "NULL":
		return 1
	case "M":
		size = 3 + len(v.m)
		for name, of := range v.m { //wtsim:order a sum
			size += len(name) + of.size()
		}
	case "L":
		size = 3 + len(v.l)
		fallthrough
	default:
		for _, of := range v.l {
			size += of.size()
		}
	}
	return size
}

// size is how many bytes an item takes.
func (it item) size() int {
	size := 0
	for name, v := range it { //wtsim:order a sum
		size += len(name) + v.size()
	}
	return size
}

func (it item) equal(o item) bool { return maps.EqualFunc(it, o, (*value).equal) }

// depth is how far a value is nested: 1 for a scalar.
func (v *value) depth() int {
	most := 0
	for _, of := range v.m { //wtsim:order a maximum
		most = max(most, of.depth())
	}
	if v.kind == "L" {
		for _, of := range v.l {
			most = max(most, of.depth())
		}
	}
	return most + 1
}

// MarshalJSON writes it.
func (v *value) MarshalJSON() ([]byte, error) { return v.append(nil), nil }

// append writes a value as the service does.
func (v *value) append(b []byte) []byte {
	b = append(append(append(b, `{"`...), v.kind...), `":`...)
	switch v.kind {
	case "BOOL":
		if v.b {
			b = append(b, "true"...)
		} else {
			b = append(b, "false"...)
		}
	case "NULL":
		b = append(b, "true"...)
	case "M":
		b = item(v.m).append(b)
	case "L":
		b = append(b, '[')
		for i, of := range v.l {
			if i > 0 {
				b = append(b, ',')
			}
			b = of.append(b)
		}
		b = append(b, ']')
	case "SS", "NS", "BS":
		b = append(b, '[')
		for i, of := range v.l {
			if i > 0 {
				b = append(b, ',')
			}
			b = of.appendScalar(b)
		}
		b = append(b, ']')
	default:
		b = v.appendScalar(b)
	}
	return append(b, '}')
}

func (v *value) appendScalar(b []byte) []byte {
	switch v.kind {
	case "N":
		return append(append(append(b, '"'), v.n.String()...), '"')
	case "B":
		text, _ := json.Marshal([]byte(v.s))
		return append(b, text...)
	}
	return appendText(b, v.s)
}

func appendText(b []byte, s string) []byte {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		return append(append(append(b, '"'), s...), '"')
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // text can always be told
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}

// append writes an item, attributes in the order of their names.
func (it item) append(b []byte) []byte {
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(it)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = it[name].append(append(appendText(b, name), ':'))
	}
	return append(b, '}')
}

// MarshalJSON writes it.
func (it item) MarshalJSON() ([]byte, error) { return it.append(nil), nil }

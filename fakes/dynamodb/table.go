package dynamodb

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// keys are the names of a key's attributes; the sort key may be empty.
type keys struct{ partition, sort string }

// names are those that there are.
func (k keys) names() []string {
	if k.sort == "" {
		return []string{k.partition}
	}
	return []string{k.partition, k.sort}
}

// place is where an item stands in a table or an index, so that their order is
// that of a scan: partitions in the order of a hash, within one by sort key,
// and what has one place in an index, by its key in the table.
type place struct{ partition, sort, base string }

func (p place) compare(o place) int {
	if c := strings.Compare(p.partition, o.partition); c != 0 {
		return c
	}
	if c := strings.Compare(p.sort, o.sort); c != 0 {
		return c
	}
	return strings.Compare(p.base, o.base)
}

// row is an item in its place.
type row struct {
	place
	item item
}

// rows are a table's or an index's, sorted by their places.
type rows []row

func (r rows) find(p place) (int, bool) {
	return slices.BinarySearchFunc(r, p, func(x row, p place) int { return x.compare(p) })
}

// put puts an item in a place; nil takes away what is there.
func (r *rows) put(p place, it item) {
	i, found := r.find(p)
	switch {
	case it == nil && found:
		*r = slices.Delete(*r, i, i+1)
	case it == nil:
	case found:
		(*r)[i].item = it
	default:
		*r = slices.Insert(*r, i, row{p, it})
	}
}

// view is what is read: a table, or an index of it.
type view struct {
	keys
	index *index // nil for the table
	rows  rows
}

// index is a secondary index of a table.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/SecondaryIndexes.html
type index struct {
	view
	name     string
	global   bool
	projects string // "ALL", "KEYS_ONLY" or "INCLUDE"
	include  []string
}

// table is one during a run. The first of its views is itself.
type table struct {
	view
	name      string
	types     map[string]string // of attributes that are keys
	indexes   []*index
	since     time.Time // active since
	made      time.Time
	gone      time.Time // when it is; zero if it is not being deleted
	billing   string
	capacity  [2]int64 // read and write units, if provisioned
	protected bool     // from deletion
	ttl       string   // the attribute; empty if there is none
	stream    *Stream  // nil if there is none
	streams   int      // that it has had
	tags      []tag
}

// tag is one of a resource.
type tag struct{ Key, Value string }

// keyed is a key's attribute as places have it: in an order that is that of
// its values.
func keyed(v *value) string {
	if v.kind == "N" {
		return v.n.ordered()
	}
	return v.s
}

// placeOf is an item's place in a view; false if it has none, since the item
// lacks a key of the index.
func (t *table) placeOf(v *view, it item) (place, bool) {
	var p place
	for i, name := range v.names() {
		has := it[name]
		if has == nil || has.kind != t.types[name] {
			return p, false
		}
		if i == 0 {
			p.partition = partition(has)
		} else {
			p.sort = keyed(has)
		}
	}
	if v.index != nil {
		base, _ := t.placeOf(&t.view, it)
		p.base = base.partition + base.sort
	}
	return p, true
}

// partition is where items of a partition key stand.
func partition(v *value) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(v.kind + keyed(v)))
	text := keyed(v)
	b := binary.BigEndian.AppendUint16(h.Sum(nil), uint16(len(text)))
	return string(append(b, text...))
}

// put puts an item in the table and in its indexes; nil, with the key of what
// was there, takes it away.
func (t *table) put(before, after item) {
	of := func(v *view) {
		from, had := t.placeOf(v, before)
		to, has := t.placeOf(v, after)
		if had && (!has || from != to) {
			v.rows.put(from, nil)
		}
		if has {
			v.rows.put(to, v.index.project(t, after))
		}
	}
	of(&t.view)
	for _, x := range t.indexes {
		of(&x.view)
	}
}

// project is what the index has of an item.
func (x *index) project(t *table, it item) item {
	if x == nil || x.projects == "ALL" {
		return it
	}
	out := item{}
	for _, name := range slices.Concat(t.names(), x.names(), x.include) {
		if v := it[name]; v != nil {
			out[name] = v
		}
	}
	return out
}

// has reports whether all of what paths name is in the index.
func (x *index) has(t *table, paths []path) bool {
	all := slices.Concat(t.names(), x.names(), x.include)
	return x.projects == "ALL" || !slices.ContainsFunc(paths, func(p path) bool { return !slices.Contains(all, p[0].name) })
}

// view returns the table, or its index of a name; nil if it has none.
func (t *table) named(index string) *view {
	if index == "" {
		return &t.view
	}
	for _, x := range t.indexes {
		if x.name == index {
			return &x.view
		}
	}
	return nil
}

// get returns the item of a key; nil if there is none.
func (t *table) get(key item) item {
	p, ok := t.placeOf(&t.view, key)
	if !ok {
		return nil
	}
	if i, found := t.rows.find(p); found {
		return t.rows[i].item
	}
	return nil
}

// key is the key of an item.
func (t *table) key(it item) item {
	out := item{}
	for _, name := range t.names() {
		out[name] = it[name]
	}
	return out
}

// The sizes of keys. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-attributes
const (
	mostPartitionKey = 2048
	mostSortKey      = 1024
	mostItem         = 400 << 10
)

// checkKey refuses what is no key of the table.
func (t *table) checkKey(key item) error {
	if len(key) != len(t.names()) {
		return errKeySchema
	}
	for _, name := range t.names() {
		if v := key[name]; v == nil || v.kind != t.types[name] {
			return errKeySchema
		}
	}
	return t.checkSizes(key)
}

// checkItem refuses what cannot be stored in the table.
func (t *table) checkItem(it item) error {
	for _, name := range t.names() {
		switch v := it[name]; {
		case v == nil:
			return invalid("One or more parameter values were invalid: Missing the key " + name + " in the item")
		case v.kind != t.types[name]:
			return invalid(fmt.Sprintf("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", name, t.types[name], v.kind))
		}
	}
	if err := t.checkSizes(it); err != nil {
		return err
	}
	if err := t.checkIndexed(it); err != nil {
		return err
	}
	if it.size() > mostItem {
		return errTooLarge
	}
	return it.checkDepth()
}

// checkIndexed refuses keys of indexes that cannot be.
func (t *table) checkIndexed(it item) error {
	for _, x := range t.indexes {
		for i, name := range x.names() {
			v := it[name]
			switch most := []int{mostPartitionKey, mostSortKey}[i]; {
			case v == nil:
			case v.kind != t.types[name]:
				return invalid(fmt.Sprintf("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", name, t.types[name], v.kind, x.name))
			case v.kind != "N" && v.s == "":
				return invalid(fmt.Sprintf("One or more parameter values are not valid. A value specified for a secondary index key is not supported. "+
					"The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", emptyNames[v.kind], x.name, name))
			case len(v.s) > most:
				return invalid(fmt.Sprintf("One or more parameter values were invalid: Size of %s has exceeded the maximum size limit of%d bytes", []string{"hashkey", "rangekey"}[i], most))
			}
		}
	}
	return nil
}

var emptyNames = map[string]string{"S": "string", "B": "binary"}

// checkSizes refuses values of a key that cannot be.
func (t *table) checkSizes(key item) error {
	for i, name := range t.names() {
		switch v := key[name]; {
		case v.kind != "N" && v.s == "":
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty " + emptyNames[v.kind] + " value. Key: " + name)
		case i == 0 && len(v.s) > mostPartitionKey:
			return invalid("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes")
		case i == 1 && len(v.s) > mostSortKey:
			return invalid("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
		}
	}
	return nil
}

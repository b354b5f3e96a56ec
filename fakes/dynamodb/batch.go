package dynamodb

import (
	"slices"
	"strings"

	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/probe/awsprobe"
)

// The limits of batches.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-api
const (
	mostBatchWrites = 25
	mostBatchReads  = 100
	mostBatchBytes  = 16 << 20
)

var (
	errDuplicates = invalid("Provided list of item keys contains duplicates")
	errNoRequests = invalid("1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
)

// writeRequest is one of a batch.
type writeRequest struct {
	PutRequest    *struct{ Item item } `json:",omitempty"`
	DeleteRequest *struct{ Key item }  `json:",omitempty"`
}

type batchWrites struct {
	RequestItems           map[string][]writeRequest
	ReturnConsumedCapacity string
}

// batchWrite carries out each write by itself, tables in the order of their
// names. One that is to be left, is.
func (b *Backend) batchWrite(r *awswire.Request, q *batchWrites) (any, error) {
	count := 0
	var all []change
	var of []string // the table of each
	for _, name := range sorted(q.RequestItems) {
		t, err := b.find(name)
		if err != nil {
			return nil, err
		}
		for _, w := range q.RequestItems[name] {
			count++
			c, err := w.change(t)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(all, func(o change) bool { return o.table == t && o.key.equal(c.key) }) {
				return nil, errDuplicates
			}
			all, of = append(all, c), append(of, name)
		}
	}
	switch {
	case count == 0:
		return nil, errNoRequests
	case count > mostBatchWrites:
		return nil, invalid("Too many items requested for the BatchWriteItem call")
	}
	left := map[string][]writeRequest{}
	if b.deviates(r, partial) {
		last := len(all) - 1
		requests := q.RequestItems[of[last]]
		left[of[last]] = requests[len(requests)-1:]
		all = all[:last]
	}
	var used []*usage
	for _, c := range all {
		c.before = c.table.get(c.key)
		used = append(used, &usage{c.table, writeUnits(c.table, c.before, c.after, 1)})
		b.commit(r, c)
	}
	out := map[string]any{"UnprocessedItems": left}
	return out, b.consumedOfAll(out, q.ReturnConsumedCapacity, used)
}

// change is what a write makes of an item, whatever was there.
func (w writeRequest) change(t *table) (change, error) {
	switch {
	case (w.PutRequest == nil) == (w.DeleteRequest == nil):
		return change{}, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	case w.PutRequest != nil:
		it := w.PutRequest.Item
		if err := t.checkItem(it); err != nil {
			return change{}, err
		}
		return change{table: t, key: t.key(it), after: it}, nil
	}
	return change{table: t, key: w.DeleteRequest.Key}, t.checkKey(w.DeleteRequest.Key)
}

// keysToGet are those of one table.
type keysToGet struct {
	Keys                     []item
	ConsistentRead           bool              `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
	AttributesToGet          []string          `json:",omitempty"`
}

type batchReads struct {
	RequestItems           map[string]keysToGet
	ReturnConsumedCapacity string
}

// batchGet reads items. They come in no order of the request's.
func (b *Backend) batchGet(r *awswire.Request, q *batchReads) (any, error) {
	count := 0
	for _, of := range q.RequestItems { //wtsim:order a sum
		count += len(of.Keys)
	}
	switch {
	case count == 0:
		return nil, errNoRequests
	case count > mostBatchReads:
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	responses, left := map[string][]item{}, map[string]keysToGet{}
	drop := b.deviates(r, partial)
	var used []*usage
	size := 0
	for i, name := range sorted(q.RequestItems) {
		of := q.RequestItems[name]
		if of.AttributesToGet != nil {
			return nil, lacks("parameter AttributesToGet", "write a ProjectionExpression")
		}
		t, err := b.find(name)
		if err != nil {
			return nil, err
		}
		found, err := of.get(b, t, r.Missing)
		if err != nil {
			return nil, err
		}
		last := i == len(q.RequestItems)-1
		responses[name] = []item{}
		rest := of
		rest.Keys = nil
		for n, f := range found {
			if size += f.size; size > mostBatchBytes || drop && last && n == len(found)-1 {
				rest.Keys = append(rest.Keys, f.key)
				continue
			}
			used = append(used, &usage{t, units{table: readUnits(f.size, of.ConsistentRead, 1)}})
			if f.item != nil {
				responses[name] = append(responses[name], f.item)
			}
		}
		if rest.Keys != nil {
			left[name] = rest
		}
	}
	out := map[string]any{"Responses": responses, "UnprocessedKeys": left}
	return out, b.consumedOfAll(out, q.ReturnConsumedCapacity, used)
}

// found is an item that was asked for.
type found struct {
	place
	key, item item
	size      int // of all of it
}

// get reads the items of a table, in the order in which they stand there.
func (of *keysToGet) get(b *Backend, t *table, missing int) ([]found, error) {
	if of.ConsistentRead {
		missing = 0
	}
	as := b.before(t, missing)
	var out []found
	for _, key := range of.Keys {
		q := read{Key: key, ProjectionExpression: of.ProjectionExpression}
		q.ExpressionAttributeNames = of.ExpressionAttributeNames
		it, err := q.get(as)
		if err != nil {
			return nil, err
		}
		at, _ := t.placeOf(&t.view, key)
		if slices.ContainsFunc(out, func(o found) bool { return o.place == at }) {
			return nil, errDuplicates
		}
		out = append(out, found{at, key, it, as.get(key).size()})
	}
	slices.SortFunc(out, func(a, b found) int { return a.compare(b.place) })
	return out, nil
}

// itemName is the name of an item of an operation's resource.
func (t *table) itemName(key item) string {
	var texts []string
	for _, name := range t.names() {
		texts = append(texts, key[name].text())
	}
	return awsprobe.Item(t.name, texts...)
}

// tableOf is the table that a part of a resource names.
func tableOf(resource string) string {
	name, _, _ := strings.Cut(resource, "/")
	return name
}

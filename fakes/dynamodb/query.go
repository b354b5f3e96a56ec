package dynamodb

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// search is a query or a scan.
type search struct {
	placeholders
	TableName, IndexName   string
	Limit                  *int
	Select                 string
	ConsistentRead         bool
	ExclusiveStartKey      item
	ProjectionExpression   *string
	FilterExpression       *string
	KeyConditionExpression *string
	ScanIndexForward       *bool
	Segment, TotalSegments *int
	ReturnConsumedCapacity string

	scans  bool
	paths  []path
	filter *node
	terms  []*node
}

// mostPage is how much of a table is read in one page.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
const mostPage = 1 << 20

func (b *Backend) query(r *awswire.Request, q *search) (any, error) {
	if q.KeyConditionExpression == nil {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	return b.search(r, q)
}

func (b *Backend) scan(r *awswire.Request, q *search) (any, error) {
	q.scans = true
	if err := q.checkSegments(); err != nil {
		return nil, err
	}
	return b.search(r, q)
}

// search reads a page.
func (b *Backend) search(r *awswire.Request, q *search) (any, error) {
	if err := q.expressions(); err != nil {
		return nil, err
	}
	current, err := b.find(q.TableName)
	if err != nil {
		return nil, err
	}
	t := b.before(current, r.Missing) // none, where it is to be consistent
	v := t.named(q.IndexName)
	if v == nil {
		return nil, invalid("The table does not have the specified index: " + q.IndexName)
	}
	if err := q.checkView(t, v); err != nil {
		return nil, err
	}
	of, err := q.of(t, v)
	if err != nil {
		return nil, err
	}
	p, err := q.page(t, v, of)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"Count": p.count, "ScannedCount": p.scanned}
	if q.Select != "COUNT" {
		out["Items"] = p.items
	}
	if p.last != nil {
		out["LastEvaluatedKey"] = p.last
	}
	u := &usage{table: current, units: units{table: readUnits(p.size, q.ConsistentRead, 1)}}
	if v.index != nil {
		u.units = units{indexes: map[string]float64{v.index.name: u.units.table}}
	}
	return out, b.consumed(out, q.ReturnConsumedCapacity, u)
}

// expressions reads them.
func (q *search) expressions() (err error) {
	if q.Limit != nil && *q.Limit < 1 {
		return invalid(fmt.Sprintf("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *q.Limit))
	}
	if err := oneOf(q.Select, "select", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"); err != nil {
		return err
	}
	none := ""
	if q.FilterExpression == nil && q.ProjectionExpression == nil && q.KeyConditionExpression == nil {
		none = ": ProjectionExpression and FilterExpression are null"
	}
	if err := q.check(none); err != nil {
		return err
	}
	if q.paths, err = q.placeholders.paths(q.ProjectionExpression); err != nil {
		return err
	}
	if q.FilterExpression != nil {
		if q.filter, err = parse(&q.placeholders, "FilterExpression", *q.FilterExpression, (*parser).condition); err != nil {
			return err
		}
	}
	if q.KeyConditionExpression != nil {
		if q.terms, err = parse(&q.placeholders, "KeyConditionExpression", *q.KeyConditionExpression, (*parser).keyConditions); err != nil {
			return err
		}
	}
	return q.unused()
}

// checkSegments refuses segments of a scan that are none.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan
func (q *search) checkSegments() error {
	switch {
	case q.Segment == nil && q.TotalSegments == nil:
		return nil
	case q.TotalSegments == nil:
		return invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case q.Segment == nil:
		return invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case *q.TotalSegments < 1 || *q.TotalSegments > 1000000:
		return invalid(fmt.Sprintf("1 validation error detected: Value '%d' at 'totalSegments' failed to satisfy constraint: Member must have value less than or equal to 1000000", *q.TotalSegments))
	case *q.Segment < 0 || *q.Segment >= *q.TotalSegments:
		return invalid(fmt.Sprintf("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", *q.Segment, *q.TotalSegments))
	}
	return nil
}

// checkView refuses what cannot be asked of a view.
func (q *search) checkView(t *table, v *view) error {
	x := v.index
	switch {
	case x != nil && x.global && q.ConsistentRead:
		return invalid("Consistent reads are not supported on global secondary indexes")
	case x == nil && q.Select == "ALL_PROJECTED_ATTRIBUTES":
		return invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	case q.Select == "SPECIFIC_ATTRIBUTES" && q.paths == nil:
		return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case q.paths != nil && q.Select != "" && q.Select != "SPECIFIC_ATTRIBUTES":
		return invalid("Cannot specify the ProjectionExpression when choosing to get " + q.Select)
	case x != nil && x.global && q.Select == "ALL_ATTRIBUTES" && x.projects != "ALL":
		return invalid("One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index " +
			x.name + " because its projection type is not ALL")
	case x != nil && x.global && !x.has(t, q.paths):
		return invalid("One or more parameter values were invalid: Global secondary index " + x.name + " does not project " + missingFrom(t, x, q.paths))
	}
	if q.filter == nil || q.scans {
		return nil
	}
	for _, name := range q.filter.heads() {
		if slices.Contains(v.names(), name) {
			return invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: " + name)
		}
	}
	return nil
}

func missingFrom(t *table, x *index, paths []path) string {
	var out []string
	for _, p := range paths {
		if !x.has(t, []path{p}) {
			out = append(out, p[0].name)
		}
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// heads are the attributes that paths of a condition begin with.
func (n *node) heads() []string {
	if n.op == "path" {
		return []string{n.path[0].name}
	}
	var out []string
	for _, a := range n.args {
		out = append(out, a.heads()...)
	}
	return out
}

// of returns the rows of a view that a search is about, in their order.
func (q *search) of(t *table, v *view) (rows, error) {
	if q.scans {
		return v.rows, nil
	}
	c, err := t.conditionOf(v, q.terms)
	if err != nil {
		return nil, err
	}
	in := partition(c.partition)
	from, _ := v.rows.find(place{partition: in})
	var out rows
	for _, r := range v.rows[from:] {
		if r.partition != in {
			break
		}
		if c.sort == nil || c.sort.holds(r.item) {
			out = append(out, r)
		}
	}
	if q.ExclusiveStartKey != nil {
		start := q.ExclusiveStartKey
		switch {
		case !c.partition.equal(start[v.partition]):
			return nil, invalid("The provided starting key is outside query boundaries based on provided conditions")
		case c.sort != nil && !c.sort.holds(start):
			return nil, invalid("The provided starting key does not match the range key predicate")
		}
	}
	if q.ScanIndexForward != nil && !*q.ScanIndexForward {
		slices.Reverse(out)
	}
	return out, nil
}

// page is a part of what a search finds.
type page struct {
	items          []item
	count, scanned int
	size           int
	last           item // where the next begins; nil if there is none
}

// page reads the rows from where the last page has ended.
func (q *search) page(t *table, v *view, of rows) (*page, error) {
	p := &page{items: []item{}}
	rest, err := q.after(t, v, of)
	if err != nil {
		return nil, err
	}
	for _, r := range rest {
		if q.TotalSegments != nil && int(binary.BigEndian.Uint64([]byte(r.partition))%uint64(*q.TotalSegments)) != *q.Segment {
			continue
		}
		shown := q.shown(t, v, r.item)
		p.scanned++
		p.size += shown.size()
		if q.filter == nil || q.filter.holds(shown) {
			p.count++
			if q.paths != nil {
				shown = shown.only(q.paths)
			}
			p.items = append(p.items, shown)
		}
		if q.Limit != nil && p.scanned == *q.Limit || p.size >= mostPage {
			p.last = t.cursor(v, r.item)
			break
		}
	}
	return p, nil
}

// after is what comes after the exclusive start key.
func (q *search) after(t *table, v *view, of rows) (rows, error) {
	start := q.ExclusiveStartKey
	if start == nil {
		return of, nil
	}
	at, ok := t.placeOf(v, start)
	if !ok || len(start) != len(t.cursor(v, start)) || t.checkKey(t.key(start)) != nil {
		return nil, invalid("The provided starting key is invalid")
	}
	back := !q.scans && q.ScanIndexForward != nil && !*q.ScanIndexForward
	i := slices.IndexFunc(of, func(r row) bool {
		if back {
			return r.compare(at) < 0
		}
		return r.compare(at) > 0
	})
	if i < 0 {
		return nil, nil
	}
	return of[i:], nil
}

// cursor is the key of an item in a view: that of the index, and of the table.
func (t *table) cursor(v *view, it item) item {
	out := item{}
	for _, name := range slices.Concat(v.names(), t.names()) {
		out[name] = it[name]
	}
	return out
}

// shown is what a search sees of a row: a local index fetches from the table
// what it has not.
func (q *search) shown(t *table, v *view, it item) item {
	x := v.index
	if x == nil || x.global || x.projects == "ALL" {
		return it
	}
	wants := q.Select == "ALL_ATTRIBUTES" || !x.has(t, q.paths)
	if q.filter != nil {
		wants = wants || !x.has(t, names(q.filter.heads()...))
	}
	if wants {
		return t.get(it)
	}
	return it
}

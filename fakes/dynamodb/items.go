package dynamodb

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/probe/awsprobe"
)

// find returns a table that can be used, by its name or ARN.
func (b *Backend) find(name string) (*table, error) {
	if name == "" {
		return nil, invalid("1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null")
	}
	t := b.tables[awsprobe.TableName(name)]
	if t == nil || b.kernel.Now().Before(t.since) || !t.gone.IsZero() {
		return nil, errNoTable
	}
	return t, nil
}

// write is what requests that change an item have in common, alone and in a
// transaction.
type write struct {
	placeholders
	TableName                           string
	Key, Item                           item
	ConditionExpression                 *string
	UpdateExpression                    *string
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
	ReturnConsumedCapacity              string

	verb      string // "put", "update", "delete" or "check"
	table     *table
	key       item
	condition *node
	update    *update
}

// prepare checks all that can be checked without the item that is there.
func (w *write) prepare(b *Backend, verb string) (err error) {
	w.verb = verb
	if err := w.expressions(); err != nil {
		return err
	}
	if w.table, err = b.find(w.TableName); err != nil {
		return err
	}
	return w.place()
}

// place checks the key, and of a put the item, by the table's schema.
func (w *write) place() error {
	if w.verb == "put" {
		if err := w.table.checkItem(w.Item); err != nil {
			return err
		}
		w.key = w.table.key(w.Item)
		return nil
	}
	w.key = w.Key
	if err := w.table.checkKey(w.Key); err != nil {
		return err
	}
	if w.update != nil {
		for _, p := range w.update.paths() {
			if w.Key[p[0].name] != nil {
				return invalid("One or more parameter values were invalid: Cannot update attribute " + p[0].name + ". This attribute is part of the key")
			}
		}
	}
	return nil
}

// expressions reads them.
func (w *write) expressions() (err error) {
	none := ""
	switch {
	case w.ConditionExpression != nil || w.UpdateExpression != nil:
	case w.verb == "update":
		none = ": UpdateExpression and ConditionExpression are null"
	default:
		none = ": ConditionExpression is null"
	}
	if err := w.check(none); err != nil {
		return err
	}
	if err := oneOf(w.ReturnValuesOnConditionCheckFailure, "returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE"); err != nil {
		return err
	}
	if w.UpdateExpression != nil {
		if w.update, err = parse(&w.placeholders, "UpdateExpression", *w.UpdateExpression, (*parser).update); err != nil {
			return err
		}
	}
	if w.ConditionExpression != nil {
		if w.condition, err = parse(&w.placeholders, "ConditionExpression", *w.ConditionExpression, (*parser).condition); err != nil {
			return err
		}
	}
	return w.unused()
}

// result is the item after the write, which has not happened yet; nil if there
// is none. An error is errNotFulfiled where the condition does not hold.
func (w *write) result(b *Backend, before item) (item, error) {
	if w.condition != nil && !b.lacksGuarantee(conditions) && !w.condition.holds(before) {
		return nil, errNotFulfiled
	}
	switch w.verb {
	case "put":
		return w.Item, nil
	case "delete":
		return nil, nil
	case "check":
		return before, nil
	}
	after := before
	if after == nil {
		after = w.Key
	}
	if w.update == nil {
		return after, nil
	}
	after, err := w.update.apply(after)
	if err != nil {
		return nil, err
	}
	if err := w.table.checkIndexed(after); err != nil {
		return nil, err
	}
	if after.size() > mostItem {
		return nil, invalid("Item size to update has exceeded the maximum allowed size")
	}
	return after, after.checkDepth()
}

// change is what has become of an item; nil is none.
type change struct {
	table         *table
	key           item
	before, after item
	expired       bool // its time to live was over
}

// entry is what has happened at once.
type entry struct {
	at      time.Time
	changes []change
}

// commit carries changes out, all at once. The request that they come of is
// nil where nobody has asked for them.
func (b *Backend) commit(r *awswire.Request, changes ...change) {
	if len(changes) == 0 {
		return
	}
	for i := range changes {
		c := &changes[i]
		c.table.put(c.before, c.after)
		b.expires(c)
		if c.table.stream != nil && !c.before.equal(c.after) {
			c.table.stream.add(b, r, c)
		}
	}
	b.journal = append(b.journal, entry{b.kernel.Now(), changes})
	if n := len(b.journal) - mostMissing; n > 0 {
		b.journal = b.journal[n:]
	}
}

// alone carries out a request that changes one item.
func (b *Backend) alone(r *awswire.Request, w *write, verb string, returns ...string) (any, error) {
	if err := oneOf(w.ReturnValues, "returnValues", "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"); err != nil {
		return nil, err
	}
	if err := w.prepare(b, verb); err != nil {
		return nil, err
	}
	if w.ReturnValues != "" && w.ReturnValues != "NONE" && !slices.Contains(returns, w.ReturnValues) {
		return nil, invalid("Return values set to invalid value")
	}
	if b.deviates(r, conflict) {
		return nil, refused("TransactionConflictException", "Transaction is ongoing for the item")
	}
	before := w.table.get(w.key)
	after, err := w.result(b, before)
	if err != nil {
		return nil, w.notFulfilled(err, before)
	}
	b.commit(r, change{table: w.table, key: w.key, before: before, after: after})
	out := map[string]any{}
	if attributes := w.returned(before, after); len(attributes) > 0 {
		out["Attributes"] = attributes
	}
	return out, b.consumed(out, w.ReturnConsumedCapacity, &usage{table: w.table, units: writeUnits(w.table, before, after, 1)})
}

// notFulfilled adds the item to the refusal, if it is asked for.
func (w *write) notFulfilled(err error, before item) error {
	if errors.Is(err, errNotFulfiled) && w.ReturnValuesOnConditionCheckFailure == "ALL_OLD" && before != nil {
		with := *failed(err)
		with.Fields = map[string]any{"Item": before}
		return &with
	}
	return err
}

// returned is what the caller asks to see.
func (w *write) returned(before, after item) item {
	switch w.ReturnValues {
	case "ALL_OLD":
		return before
	case "ALL_NEW":
		return after
	case "UPDATED_OLD", "UPDATED_NEW":
		of := before
		if w.ReturnValues == "UPDATED_NEW" {
			of = after
		}
		if w.update != nil && of != nil {
			return of.only(w.update.paths())
		}
	}
	return nil
}

func (b *Backend) putItem(r *awswire.Request, w *write) (any, error) {
	return b.alone(r, w, "put", "ALL_OLD")
}

func (b *Backend) updateItem(r *awswire.Request, w *write) (any, error) {
	return b.alone(r, w, "update", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
}

func (b *Backend) deleteItem(r *awswire.Request, w *write) (any, error) {
	return b.alone(r, w, "delete", "ALL_OLD")
}

// read is what requests that read one item have in common.
type read struct {
	placeholders
	TableName              string
	Key                    item
	ConsistentRead         bool
	ProjectionExpression   *string
	ReturnConsumedCapacity string
}

// paths reads the projection; nil for all.
func (g *placeholders) paths(expression *string) ([]path, error) {
	if expression == nil {
		return nil, nil
	}
	return parse(g, "ProjectionExpression", *expression, (*parser).projection)
}

// get reads an item from a table as it was.
func (q *read) get(t *table) (item, error) {
	none := ""
	if q.ProjectionExpression == nil {
		none = ": ProjectionExpression is null"
	}
	if err := q.check(none); err != nil {
		return nil, err
	}
	paths, err := q.paths(q.ProjectionExpression)
	if err != nil {
		return nil, err
	}
	if err := q.unused(); err != nil {
		return nil, err
	}
	if err := t.checkKey(q.Key); err != nil {
		return nil, err
	}
	it := t.get(q.Key)
	if it != nil && paths != nil {
		return it.only(paths), nil
	}
	return it, nil
}

func (b *Backend) getItem(r *awswire.Request, q *read) (any, error) {
	t, err := b.find(q.TableName)
	if err != nil {
		return nil, err
	}
	as := b.before(t, r.Missing) // none, where it is to be consistent
	it, err := q.get(as)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if it != nil {
		out["Item"] = it
	}
	return out, b.consumed(out, q.ReturnConsumedCapacity, &usage{table: t, units: units{table: readUnits(as.get(q.Key).size(), q.ConsistentRead, 1)}})
}

// store puts an item in a table before a run starts.
func (b *Backend) store(s stored) error {
	t := b.tables[s.table]
	if t == nil {
		return errNoSuchTable
	}
	var it item
	if err := json.Unmarshal([]byte(s.item), &it); err != nil {
		return err
	}
	if err := t.checkItem(it); err != nil {
		return err
	}
	t.put(t.get(it), it)
	if b.kernel != nil {
		b.expires(&change{table: t, key: t.key(it), after: it})
	}
	return nil
}

package dynamodb

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// The limits of transactions, and how long a token makes one idempotent.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
const (
	mostActions = 100
	mostBytes   = 4 << 20
	tokenFor    = 10 * time.Minute
)

// remembered is a transaction that had a token.
type remembered struct {
	at    time.Time
	items string // what was asked, in canonical form
}

type transaction struct {
	TransactItems []struct {
		Put, Update, Delete, ConditionCheck *write
	}
	ClientRequestToken     string
	ReturnConsumedCapacity string
}

// writes are the transaction's, each with its verb.
func (q *transaction) writes() ([]*write, error) {
	if n := len(q.TransactItems); n == 0 || n > mostActions {
		return nil, invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length " +
			map[bool]string{true: "greater than or equal to 1", false: "less than or equal to 100"}[n == 0])
	}
	var out []*write
	for _, t := range q.TransactItems {
		var one []*write
		for _, w := range []struct {
			verb string
			of   *write
		}{{"put", t.Put}, {"update", t.Update}, {"delete", t.Delete}, {"check", t.ConditionCheck}} {
			if w.of != nil {
				w.of.verb = w.verb
				one = append(one, w.of)
			}
		}
		switch {
		case len(one) != 1:
			return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
		case t.ConditionCheck != nil && one[0].ConditionExpression == nil:
			return nil, invalid("1 validation error detected: Value null at 'transactItems.conditionCheck.conditionExpression' failed to satisfy constraint: Member must not be null")
		case t.Update != nil && one[0].UpdateExpression == nil:
			return nil, invalid("1 validation error detected: Value null at 'transactItems.update.updateExpression' failed to satisfy constraint: Member must not be null")
		}
		out = append(out, one[0])
	}
	return out, nil
}

// transactWrite carries out all writes or none.
func (b *Backend) transactWrite(r *awswire.Request, q *transaction) (any, error) {
	writes, err := q.writes()
	if err != nil {
		return nil, err
	}
	for _, w := range writes {
		if err := w.expressions(); err != nil {
			return nil, err
		}
		if w.table, err = b.find(w.TableName); err != nil {
			return nil, err
		}
	}
	again, err := b.known(r, q)
	if err != nil {
		return nil, err
	}
	changes, err := b.together(r, writes)
	if again { // what it did is done, whatever its conditions say by now
		changes, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	var used []*usage
	for _, c := range changes {
		used = append(used, &usage{c.table, writeUnits(c.table, c.before, c.after, 2)})
	}
	b.commit(r, changes...)
	b.remember(r, q, again)
	out := map[string]any{}
	return out, b.consumedOfAll(out, q.ReturnConsumedCapacity, used)
}

// together is what the writes change, if none is refused.
func (b *Backend) together(r *awswire.Request, writes []*write) ([]change, error) {
	reasons, size := make([]reason, len(writes)), 0
	var changes []change
	for i, w := range writes {
		err := w.place()
		if err == nil && slices.ContainsFunc(writes[:i], func(o *write) bool { return o.table == w.table && o.key.equal(w.key) }) {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		var before, after item
		if err == nil {
			before = w.table.get(w.key)
			after, err = w.result(b, before)
		}
		reasons[i] = w.reason(err, before)
		size += max(before.size(), after.size())
		if w.verb != "check" {
			changes = append(changes, change{table: w.table, key: w.key, before: before, after: after})
		}
	}
	if size > mostBytes {
		return nil, invalid("Collection size limit of 4194304 bytes exceeded")
	}
	if b.deviates(r, conflict) {
		reasons = make([]reason, len(writes))
		reasons[0] = conflictReason
	}
	return changes, cancelled(reasons)
}

// reason is why a transaction is cancelled, of one of its actions.
type reason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    item   `json:",omitempty"`
}

var conflictReason = reason{Code: "TransactionConflict", Message: "Transaction is ongoing for the item"}

// reason tells why a write is refused; none if it is not.
func (w *write) reason(err error, before item) reason {
	e := failed(err)
	switch {
	case e == nil:
		return reason{Code: "None"}
	case errors.Is(err, errNotFulfiled):
		out := reason{Code: "ConditionalCheckFailed", Message: e.Message}
		if w.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
			out.Item = before
		}
		return out
	}
	return reason{Code: "ValidationError", Message: e.Message}
}

// cancelled is the refusal of a transaction; nil if there is no reason.
func cancelled(reasons []reason) error {
	var codes []string
	some := false
	for i := range reasons {
		if reasons[i].Code == "" {
			reasons[i].Code = "None"
		}
		codes = append(codes, reasons[i].Code)
		some = some || reasons[i].Code != "None"
	}
	if !some {
		return nil
	}
	message := "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"
	return &awswire.Error{Code: "TransactionCanceledException", Message: message, Fields: map[string]any{"Message": message, "CancellationReasons": reasons}}
}

// known reports whether a transaction of this token has been carried out, within
// the ten minutes of its token.
func (b *Backend) known(r *awswire.Request, q *transaction) (bool, error) {
	switch {
	case q.ClientRequestToken == "" || b.lacksGuarantee(idempotency):
		return false, nil
	case len(q.ClientRequestToken) > 36:
		return false, invalid("1 validation error detected: Value '" + q.ClientRequestToken + "' at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to 36")
	}
	had := b.tokens[q.ClientRequestToken]
	switch {
	case had == nil || b.kernel.Now().Sub(had.at) > tokenFor:
		return false, nil
	case had.items != canonicalItems(r.Body):
		return false, &awswire.Error{Code: "IdempotentParameterMismatchException", Message: "", Fields: map[string]any{"Message": "The provided token was already used with different parameters"}}
	}
	return true, nil
}

// remember keeps the token of a transaction that was carried out.
func (b *Backend) remember(r *awswire.Request, q *transaction, again bool) {
	if q.ClientRequestToken != "" && !again {
		b.tokens[q.ClientRequestToken] = &remembered{b.kernel.Now(), canonicalItems(r.Body)}
	}
}

// canonicalItems is what a transaction asks for, whatever the order in which
// its client has written it.
func canonicalItems(body []byte) string {
	var q struct{ TransactItems any }
	if json.Unmarshal(body, &q) != nil {
		return string(body)
	}
	out, _ := json.Marshal(q.TransactItems) // it was JSON
	return string(out)
}

type transactReads struct {
	TransactItems          []struct{ Get *read }
	ReturnConsumedCapacity string
}

// transactGet reads items as they are at one instant.
func (b *Backend) transactGet(r *awswire.Request, q *transactReads) (any, error) {
	if n := len(q.TransactItems); n == 0 || n > mostActions {
		return nil, invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length " +
			map[bool]string{true: "greater than or equal to 1", false: "less than or equal to 100"}[n == 0])
	}
	responses := make([]map[string]any, len(q.TransactItems))
	reasons := make([]reason, len(q.TransactItems))
	var used []*usage
	for i, t := range q.TransactItems {
		if t.Get == nil {
			return nil, invalid("1 validation error detected: Value null at 'transactItems.get' failed to satisfy constraint: Member must not be null")
		}
		of, err := b.find(t.Get.TableName)
		if err != nil {
			return nil, err
		}
		it, err := t.Get.get(of)
		if e := failed(err); e != nil {
			reasons[i] = reason{Code: "ValidationError", Message: e.Message}
			continue
		}
		responses[i] = map[string]any{}
		if it != nil {
			responses[i]["Item"] = it
		}
		used = append(used, &usage{of, units{table: readUnits(of.get(t.Get.Key).size(), true, 2)}})
	}
	if b.deviates(r, conflict) {
		reasons[0] = conflictReason
	}
	if err := cancelled(reasons); err != nil {
		return nil, err
	}
	out := map[string]any{"Responses": responses}
	return out, b.consumedOfAll(out, q.ReturnConsumedCapacity, used)
}

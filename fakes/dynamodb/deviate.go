package dynamodb

import (
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/probe"
)

const (
	partial  = cloud.Partial
	conflict = cloud.Conflict
)

// use is an operation on an item that a transaction may be in conflict with.
type use struct {
	at       time.Time
	name     string // of the item
	by       event.Caller
	transact bool
}

// Deviations are what may befall a call besides: a batch is carried out in part;
// a transaction, or a write beside one, is in conflict with what another
// invocation does to an item of its, or has done within a second.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
func (b *Backend) Deviations(c *probe.Call) []string {
	names := strings.Fields(c.Op.Resource)
	switch c.Op.Method {
	case "BatchWriteItem", "BatchGetItem":
		if len(names) > 1 {
			return []string{partial}
		}
	case "TransactWriteItems", "TransactGetItems", "PutItem", "UpdateItem", "DeleteItem":
		b.mu.Lock()
		defer b.mu.Unlock()
		transacts := strings.HasPrefix(c.Op.Method, "Transact")
		if slices.ContainsFunc(b.uses, func(u use) bool {
			return (transacts || u.transact) && u.by != c.Op.Caller && b.kernel.Now().Sub(u.at) <= lag && slices.Contains(names, u.name)
		}) {
			return []string{conflict}
		}
	}
	return nil
}

// Deviate says that one of them does.
func (b *Backend) Deviate(c *probe.Call, kind string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fates[c] = kind
}

// deviates reports whether the call of a request is to meet a deviation.
func (b *Backend) deviates(r *awswire.Request, kind string) bool {
	if r.Call == nil || b.fates[r.Call] != kind {
		return false
	}
	delete(b.fates, r.Call)
	return true
}

// used notes which items a call is on.
func (b *Backend) used(r *awswire.Request) {
	transacts := strings.HasPrefix(r.Operation, "Transact")
	if r.Call == nil || !transacts && r.Operation != "PutItem" && r.Operation != "UpdateItem" && r.Operation != "DeleteItem" {
		return
	}
	now := b.kernel.Now()
	b.uses = slices.DeleteFunc(b.uses, func(u use) bool { return now.Sub(u.at) > lag })
	for _, name := range strings.Fields(r.Call.Op.Resource) {
		b.uses = append(b.uses, use{now, name, r.Call.Op.Caller, transacts})
	}
}

package dynamodb

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// mostMissing is how many writes a stale read misses, at most; and lag, how old
// the oldest of them is: "consistency across all copies is usually reached
// within a second".
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
const (
	mostMissing = 3
	lag         = time.Second
)

// consistentRead is how a request asks for consistency: a parameter of that
// name is a boolean, an attribute's value an object.
var consistentRead = []byte(`"ConsistentRead":true`)

// before is a table as it was so many writes ago.
func (b *Backend) before(t *table, missing int) *table {
	if missing == 0 {
		return t
	}
	old := *t
	old.rows = slices.Clone(t.rows)
	old.indexes = nil
	for _, x := range t.indexes {
		y := *x
		y.rows = slices.Clone(x.rows)
		y.index = &y
		old.indexes = append(old.indexes, &y)
	}
	for n := len(b.journal) - 1; n >= max(0, len(b.journal)-missing); n-- {
		for _, c := range slices.Backward(b.journal[n].changes) {
			if c.table == t {
				old.put(c.after, c.before)
			}
		}
	}
	return &old
}

// Staleness is how many of the newest writes the answer to a read may miss: at
// most 3, none older than a second, and no more than touch what is read. A
// consistent read misses none, nor does a transaction.
func (b *Backend) Staleness(c *probe.Call) int {
	switch c.Op.Method {
	case "GetItem", "BatchGetItem", "Query", "Scan":
	default:
		return 0
	}
	if c.Op.Access != event.Reads || bytes.Contains(c.Op.Request.Body, consistentRead) && !b.lacksGuarantee(consistency) {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.kernel.Now()
	for n := mostMissing; n > 0; n-- {
		i := len(b.journal) - n
		if i < 0 || now.Sub(b.journal[i].at) > lag {
			continue
		}
		if slices.ContainsFunc(b.journal[i].changes, func(x change) bool { return !x.before.equal(x.after) && x.shows(c.Op.Resource) }) {
			return n
		}
	}
	return 0
}

// shows reports whether a change may show in what is read.
func (c *change) shows(resource string) bool {
	mine := c.table.itemName(c.key)
	for _, name := range strings.Fields(resource) {
		of, all := strings.CutSuffix(name, "*")
		if name == mine || all && strings.HasPrefix(of, c.table.name+"/") {
			return true
		}
	}
	return false
}

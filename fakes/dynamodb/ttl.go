package dynamodb

import (
	"net/url"
	"strings"
	"time"

	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// oldest is how long ago a time to live may be over: what is older is left
// alone. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html
const oldest = 5 * 365 * 24 * time.Hour

// over is when an item's time to live is over; zero if it has none.
func (t *table) over(it item) time.Time {
	v := it[t.ttl]
	if t.ttl == "" || v == nil || v.kind != "N" || v.n.sign() <= 0 || v.n.exp > 12 {
		return time.Time{}
	}
	return time.Unix(v.n.scaled(0).Int64(), 0)
}

// Expires returns when the time to live of an item is over, in nanoseconds
// since 1970; zero if it has none.
func (b *Backend) Expires(resource string) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tables[tableOf(resource)]
	if t == nil || t.ttl == "" {
		return 0
	}
	key := item{}
	parts := strings.Split(resource, "/")[1:]
	if len(parts) != len(t.names()) {
		return 0
	}
	for i, name := range t.names() {
		text, err := url.PathUnescape(parts[i])
		v := &value{kind: t.types[name], s: text}
		if err == nil && v.kind == "N" {
			v.s = ""
			v.n, err = parseNumber(text)
		}
		if err != nil {
			return 0
		}
		key[name] = v
	}
	if at := t.over(t.get(key)); !at.IsZero() {
		return at.UnixNano()
	}
	return 0
}

// expires has an item deleted some time after its time to live is over.
func (b *Backend) expires(c *change) {
	at := c.table.over(c.after)
	if b.service.deletes == 0 || at.IsZero() || b.kernel.Now().Sub(at) > oldest {
		return
	}
	if now := b.kernel.Now(); at.Before(now) {
		at = now
	}
	at = at.Add(b.service.deletes)
	t, key := c.table, c.key
	name := "time to live of " + t.itemName(key)
	b.kernel.NotAt(at, name)
	b.kernel.At(at, name, func() {
		b.kernel.Lock()
		defer b.kernel.Unlock()
		b.mu.Lock()
		defer b.mu.Unlock()
		it := t.get(key)
		if over := t.over(it); !over.IsZero() && !b.kernel.Now().Before(over.Add(b.service.deletes)) && b.tables[t.name] == t {
			b.commit(nil, change{table: t, key: key, before: it, expired: true})
		}
	})
}

type ttlRequest struct {
	TableName               string
	TimeToLiveSpecification struct {
		AttributeName string
		Enabled       bool
	}
}

func (b *Backend) describeTTL(_ *awswire.Request, q *ttlRequest) (any, error) {
	t, err := b.find(q.TableName)
	if err != nil {
		return nil, err
	}
	of := map[string]any{"TimeToLiveStatus": "DISABLED"}
	if t.ttl != "" {
		of = map[string]any{"TimeToLiveStatus": "ENABLED", "AttributeName": t.ttl}
	}
	return map[string]any{"TimeToLiveDescription": of}, nil
}

func (b *Backend) updateTTL(_ *awswire.Request, q *ttlRequest) (any, error) {
	t, err := b.find(q.TableName)
	if err != nil {
		return nil, err
	}
	s := q.TimeToLiveSpecification
	switch {
	case s.AttributeName == "":
		return nil, invalid("1 validation error detected: Value null at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must not be null")
	case s.Enabled && t.ttl != "":
		return nil, invalid("TimeToLive is already enabled")
	case !s.Enabled && t.ttl == "":
		return nil, invalid("TimeToLive is already disabled")
	case !s.Enabled && t.ttl != s.AttributeName:
		return nil, invalid("TimeToLive is active on a different AttributeName: current AttributeName is " + t.ttl)
	}
	if t.ttl = ""; s.Enabled {
		t.ttl = s.AttributeName
		for _, r := range t.rows {
			b.expires(&change{table: t, key: t.key(r.item), after: r.item})
		}
	}
	return map[string]any{"TimeToLiveSpecification": map[string]any{"AttributeName": s.AttributeName, "Enabled": s.Enabled}}, nil
}

package dynamodb

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/probe"
)

// verdict lets f look at each call of a method before it happens.
func verdict(e *fakestest.Env, method string, f func(*Backend, *probe.Call) probe.Fate) {
	b := e.Backend("").(*Backend)
	e.Verdict = func(c *probe.Call) probe.Fate {
		if c.Op.Method != method {
			return probe.Fate{}
		}
		return f(b, c)
	}
}

// Reads that do not ask for consistency, and those of a global index, may miss
// the newest writes, so far as these are of the last second and show in what is
// read. What is missed is exactly that.
func TestStale(t *testing.T) {
	const (
		get   = `GetItem {"TableName":"ess","Key":{"pk":{"S":"p"},"at":{"N":"1"}}}`
		fresh = `GetItem {"TableName":"ess","ConsistentRead":true,"Key":{"pk":{"S":"p"},"at":{"N":"1"}}}`
		other = `GetItem {"TableName":"ess","Key":{"pk":{"S":"p"},"at":{"N":"2"}}}`
		query = `Query {"TableName":"ess","IndexName":"by-kind","KeyConditionExpression":"kind = :k","ExpressionAttributeValues":{":k":{"S":"k"}},"Select":"COUNT"}`
		scan  = `Scan {"TableName":"tee","Select":"COUNT"}`
	)
	for _, c := range []struct {
		read    string
		pause   time.Duration
		most    int
		missing string
		want    string
	}{
		{get, 0, 2, "1", `"v":{"N":"1"}`}, {get, 0, 2, "2", `{}`}, {get, 2 * time.Second, 0, "", `"v":{"N":"2"}`},
		{fresh, 0, 0, "", `"v":{"N":"2"}`}, {other, 0, 0, "", `{}`}, {scan, 0, 0, "", `"Count":0`},
		{query, 0, 2, "2", `"Count":0`}, {query, 0, 2, "1", `"Count":1`},
	} {
		synctest.Test(t, func(t *testing.T) {
			e, client := open(t, tables())
			defer e.Close()
			for _, v := range []string{"1", "2"} {
				ask(t, client, `PutItem {"TableName":"ess","Item":{"pk":{"S":"p"},"at":{"N":"1"},"kind":{"S":"k"},"v":{"N":"`+v+`"}}}`)
			}
			time.Sleep(c.pause)
			method, _, _ := strings.Cut(c.read, " ")
			verdict(e, method, func(b *Backend, call *probe.Call) probe.Fate {
				if got := b.Staleness(call); got != c.most {
					t.Errorf("%s: may miss %d, wanted %d", c.read, got, c.most)
				}
				if c.missing == "" {
					return probe.Fate{}
				}
				return probe.Fate{Action: probe.Stale, With: c.missing}
			})
			if got := ask(t, client, c.read); !strings.Contains(got, c.want) {
				t.Errorf("%s, missing %q: got %s, wanted %s", c.read, c.missing, got, c.want)
			}
		})
	}
}

// A batch of several may leave its last to the caller, who can send it as it
// came; a batch of one may not.
func TestPartial(t *testing.T) {
	e, client := open(t, tables())
	offered := ""
	partially := func(b *Backend, c *probe.Call) probe.Fate {
		for _, kind := range b.Deviations(c) {
			offered += kind
			b.Deviate(c, kind)
		}
		return probe.Fate{}
	}
	verdict(e, "BatchWriteItem", partially)
	const put = `{"PutRequest":{"Item":{"id":{"S":"b"}}}}`
	got := ask(t, client, `BatchWriteItem {"RequestItems":{"tee":[{"PutRequest":{"Item":{"id":{"S":"a"}}}},`+put+`]}}`)
	if want := `{"UnprocessedItems":{"tee":[` + put + `]}}`; got != want {
		t.Errorf("got %s, wanted %s", got, want)
	}
	if got := ask(t, client, `BatchWriteItem {"RequestItems":{"tee":[`+put+`]}}`); got != `{"UnprocessedItems":{}}` {
		t.Errorf("got %s", got)
	}
	verdict(e, "BatchGetItem", partially)
	got = ask(t, client, `BatchGetItem {"RequestItems":{"tee":{"ConsistentRead":true,"Keys":[{"id":{"S":"a"}},{"id":{"S":"b"}}]}}}`)
	if strings.Count(got, `{"id":{"S":`) != 2 || !strings.Contains(got, `"UnprocessedKeys":{"tee":{"Keys":[{"id"`) || !strings.Contains(got, `"ConsistentRead":true`) {
		t.Errorf("got %s", got)
	}
	if offered != partial+partial {
		t.Errorf("offered %q", offered)
	}
}

// A transaction may be in conflict with what another invocation does to its items
// within a second, and a write with another's transaction; never with its own.
func TestConflict(t *testing.T) {
	const (
		put      = `PutItem {"TableName":"tee","Item":{"id":{"S":"a"}}}`
		transact = `TransactWriteItems {"TransactItems":[{"Put":{"TableName":"tee","Item":{"id":{"S":"b"}}}},{"Delete":{"TableName":"tee","Key":{"id":{"S":"a"}}}}]}`
	)
	for _, c := range []struct {
		first, second string
		same          bool
		pause         time.Duration
		want          string
	}{
		{put, transact, false, 0, "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict, None]"},
		{transact, put, false, 0, "TransactionConflictException: Transaction is ongoing for the item"},
		{transact, transact, true, 0, "{}"}, {put, put, false, 0, "{}"}, {put, transact, false, 2 * time.Second, "{}"},
	} {
		synctest.Test(t, func(t *testing.T) {
			e, client := open(t, tables())
			defer e.Close()
			invocation := "1"
			e.Verdict = func(call *probe.Call) probe.Fate {
				call.Op.Caller = event.Caller{Function: "f", Invocation: invocation}
				b := e.Backend("").(*Backend)
				for _, kind := range b.Deviations(call) {
					b.Deviate(call, kind)
				}
				return probe.Fate{}
			}
			ask(t, client, c.first)
			if !c.same {
				invocation = "2"
			}
			time.Sleep(c.pause)
			if got := ask(t, client, c.second); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s, then %s: got %s, wanted %s", c.first, c.second, got, c.want)
			}
		})
	}
}

// Without a guarantee, what it promises does not hold.
func TestWithout(t *testing.T) {
	s := tables()
	for _, g := range s.Guarantees() {
		s = s.Without(g.Name).(*Service)
	}
	_, client := open(t, s)
	const create = `PutItem {"TableName":"tee","Item":{"id":{"S":"a"}},"ConditionExpression":"attribute_not_exists(id)"}`
	const add = `TransactWriteItems {"ClientRequestToken":"k","TransactItems":[{"Update":{"TableName":"tee","Key":{"id":{"S":"a"}},"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"1"}}}}]}`
	for _, line := range []string{create, create, add, add} {
		if got := ask(t, client, line); got != "{}" {
			t.Errorf("%s: got %s", line, got)
		}
	}
	if got := ask(t, client, `GetItem {"TableName":"tee","Key":{"id":{"S":"a"}}}`); !strings.Contains(got, `"n":{"N":"2"}`) {
		t.Errorf("got %s", got)
	}
}

// Two regions of one scenario would share their tables: the second is refused.
func TestRegions(t *testing.T) {
	e, client := open(t, tables())
	ask(t, client, `ListTables {}`)
	resp, err := client.Post("https://dynamodb.eu-west-1.amazonaws.com/", "application/x-amz-json-1.0", strings.NewReader("{}"))
	if err != nil || resp.StatusCode == 200 {
		t.Errorf("got %v, %v", resp, err)
	}
	if got := e.Kernel.Lacking(); len(got) != 1 {
		t.Errorf("lacking %q", got)
	}
}

package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
)

// changes is the cause of an invocation with a batch of a lane.
type changes struct {
	lane  *lane
	first aws.Change
	batch []aws.Change // once it has begun
}

// Words tell the start of an attempt.
func (c *changes) Words(attempt int) string {
	s := "gets changes of " + c.lane.Table
	if attempt > 1 {
		s += fmt.Sprintf(", attempt %d", attempt)
	}
	return s
}

// InvokedBy tells it from other changes of its table.
func (c *changes) InvokedBy() cloud.InvokedBy {
	return cloud.InvokedBy{Kind: "change", Number: int(c.first.Number), Of: c.lane.Table}
}

func (c *changes) Limit() time.Duration { return 0 }
func (c *changes) Line() any            { return nil }
func (c *changes) Platform() bool       { return true }
func (c *changes) Retries(int) bool     { return true }

// Single reports true: a batch comes again where its success is not noted, and
// not beside itself.
func (c *changes) Single() bool { return true }

// Busy is never: it waits for its shard before.
func (c *changes) Busy() bool { return false }

// Finished is of no account.
func (c *changes) Finished() {}

// Began reads the batch.
func (c *changes) Began() {
	if c.batch != nil {
		return
	}
	if c.batch = c.lane.read(c.lane.BatchSize); len(c.batch) == 0 {
		c.batch = []aws.Change{c.first} // it has expired meanwhile
	}
	if n := len(c.lane.until); n > 0 {
		end := c.lane.until[n-1]
		c.batch = slices.DeleteFunc(c.batch, func(r aws.Change) bool { return r.Number > end })
	}
}

func (c *changes) Invoke(ctx context.Context, h cloud.Handler, _ int) cloud.Ending {
	f := aws.FunctionOf(h)
	if f == nil {
		return aws.Unsuited(h)
	}
	var e struct{ Records []json.RawMessage }
	for _, r := range c.batch {
		e.Records = append(e.Records, r.Event)
	}
	payload, err := json.Marshal(e)
	if err != nil {
		panic(err) // it is JSON
	}
	return f.Invoke(ctx, payload)
}

// Answered notes what was dealt with, or brings the batch again.
func (c *changes) Answered(t *cloud.Task, e cloud.Ending) {
	if !e.Success {
		c.Unanswered(t)
		return
	}
	failed, all := c.failed(e.Response.Body)
	switch {
	case all:
		c.Unanswered(t)
	case failed > 0:
		c.lane.done = failed - 1
		c.again(t, slices.DeleteFunc(slices.Clone(c.batch), func(r aws.Change) bool { return r.Number < failed }))
	default:
		c.over(c.batch[len(c.batch)-1].Number)
	}
}

// over goes on after a record.
func (c *changes) over(done int64) {
	l := c.lane
	l.done, l.waits = done, false
	for len(l.until) > 0 && l.until[len(l.until)-1] <= done {
		l.until = l.until[:len(l.until)-1]
	}
}

// failed is the first record that a function reports; all says that it reports
// them all.
func (c *changes) failed(answer []byte) (first int64, all bool) {
	if !c.lane.ItemFailures {
		return 0, false
	}
	ids, all := aws.ItemFailures(answer, func(id string) bool {
		return slices.ContainsFunc(c.batch, func(r aws.Change) bool { return r.ID == id })
	})
	for _, r := range c.batch { // in their order
		if slices.Contains(ids, r.ID) {
			return r.Number, all
		}
	}
	return 0, all
}

// Unanswered brings the batch again, in two where it is to be split.
func (c *changes) Unanswered(t *cloud.Task) {
	if c.batch == nil {
		c.Began() // no instance has had room
	}
	if half := len(c.batch) / 2; c.lane.Bisect && half > 0 {
		l := c.lane
		l.until = append(l.until, c.batch[len(c.batch)-1].Number, c.batch[half-1].Number)
		c.again(t, c.batch[:half])
		return
	}
	c.again(t, c.batch)
}

// again brings records again after a while, unless they are given up. How long
// Lambda waits is not told: it is taken for a second, doubled up to a minute.
func (c *changes) again(t *cloud.Task, batch []aws.Change) {
	l, k := c.lane, c.lane.backend.kernel
	at := k.Now().Add(cloud.Backoff(time.Second, time.Minute, t.Attempt, 64))
	age := l.MaxAge
	cloud.SetDefault(&age, 24*time.Hour)
	split := len(batch) < len(c.batch) // which does not count as a retry
	switch condition := ""; {
	case l.Retries < 0 || l.Retries > 0 && t.Attempt > l.Retries && !split:
		condition = "RetryAttemptsExhausted"
		fallthrough
	case at.Sub(batch[0].At) > age:
		cloud.SetDefault(&condition, "RecordAgeExceeded")
		c.giveUp(t, batch, condition)
	default:
		next := t.Next()
		if split {
			next.Attempt = t.Attempt
		}
		next.Cause = &changes{lane: l, first: batch[0], batch: batch}
		k.Invoke(next, at)
	}
}

// giveUp passes over a batch, and tells so.
func (c *changes) giveUp(t *cloud.Task, batch []aws.Change, condition string) {
	l := c.lane
	last := batch[len(batch)-1]
	l.backend.kernel.Happens(t, "give up", fmt.Sprintf("passes over %s of %s", cloud.Times(len(batch), "change", "changes"), l.Table), condition)
	if l.OnFailure != "" {
		record, err := json.Marshal(map[string]any{
			"version": "1.0", "timestamp": l.backend.kernel.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
			"requestContext":  map[string]any{"functionArn": aws.FunctionARN(l.function), "condition": condition, "approximateInvokeCount": t.Attempt},
			"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
			"DDBStreamBatchInfo": map[string]any{"startSequenceNumber": batch[0].ID, "endSequenceNumber": last.ID, "batchSize": len(batch),
				"approximateArrivalOfFirstRecord": batch[0].At.UTC().Format(time.RFC3339), "approximateArrivalOfLastRecord": last.At.UTC().Format(time.RFC3339)},
		})
		if err != nil {
			panic(err) // texts and numbers
		}
		aws.Deliver(l.backend.kernel, l.OnFailure, aws.Sent{About: cloud.About(batch[0].Subject.Label.With(".given up")), Root: t.Root, Body: string(record)})
	}
	c.over(last.Number)
}

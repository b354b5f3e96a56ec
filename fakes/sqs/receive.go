package sqs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// waiter is a long poll: it is answered when there is something, or nothing in
// time.
type waiter struct {
	most       int
	visibility time.Duration
	inst       *cloud.Instance
	got        chan []received
}

// contentID is the deduplication id of a message that has none.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
func contentID(body string) string {
	h := sha256.Sum256([]byte(body))
	return hex.EncodeToString(h[:])
}

// serveReceive hands out messages, and waits for them where it is to.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
func (b *Backend) serveReceive(w *awswire.Request, r *request) (any, error) {
	if r.ReceiveRequestAttemptId != "" {
		return nil, &awswire.Lack{What: "SQS's ReceiveRequestAttemptId", Advice: "do without"}
	}
	q, got, wait, err := b.receiveNow(w, r)
	if err != nil {
		return nil, err
	}
	if wait != nil {
		timer := time.NewTimer(wait.after)
		defer timer.Stop()
		select {
		case got = <-wait.got:
		case <-timer.C:
			got = b.giveUp(q, wait.waiter)
		case <-w.Context().Done():
			b.giveUp(q, wait.waiter)
			return nil, w.Context().Err()
		}
	}
	var out receiveAnswer
	for i := range got {
		out.Messages = append(out.Messages, got[i].answer(r))
	}
	return out, nil
}

type waiting struct {
	*waiter
	after time.Duration
}

// receiveNow hands out what there is, or lets the caller wait.
func (b *Backend) receiveNow(w *awswire.Request, r *request) (q *queue, got []received, wait *waiting, err error) {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	if q, err = b.named(r); err != nil {
		return q, nil, nil, err
	}
	most := 1
	if r.MaxNumberOfMessages != nil {
		most = *r.MaxNumberOfMessages
	}
	if most < 1 || most > 10 {
		return q, nil, nil, invalid(fmt.Sprintf("Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", most))
	}
	visibility, err := seconds(r.VisibilityTimeout, "VisibilityTimeout", 43200, q.Visibility)
	if err != nil {
		return q, nil, nil, err
	}
	after, err := seconds(r.WaitTimeSeconds, "WaitTimeSeconds", 20, q.Wait)
	if err != nil {
		return q, nil, nil, err
	}
	if got = q.receive(most, visibility); len(got) > 0 || after == 0 {
		return q, got, nil, nil
	}
	wait = &waiting{&waiter{most: most, visibility: visibility, inst: b.kernel.Origin(w.Call).Instance, got: make(chan []received, 1)}, after}
	q.waiters = append(q.waiters, wait.waiter)
	return q, nil, wait, nil
}

// giveUp ends a long poll, and returns what it has got in the last moment.
func (b *Backend) giveUp(q *queue, w *waiter) []received {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	q.waiters = slices.DeleteFunc(q.waiters, func(x *waiter) bool { return x == w })
	select {
	case got := <-w.got:
		return got
	default:
		return nil
	}
}

// answer is a message as it is told, with the attributes that are asked for.
func (m *received) answer(r *request) messageAnswer {
	out := messageAnswer{MessageId: m.id, ReceiptHandle: m.receipt, Body: m.body, MD5OfBody: sum([]byte(m.body))}
	names := append(slices.Clone(r.AttributeNames), r.MessageSystemAttributeNames...)
	system := m.system()
	for _, name := range sortedKeys(system) {
		if slices.Contains(names, name) || slices.Contains(names, "All") {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = system[name]
		}
	}
	out.Pairs = pairs(out.Attributes)
	for _, name := range sortedKeys(m.attributes) {
		if slices.ContainsFunc(r.MessageAttributeNames, func(want string) bool { return wants(want, name) }) {
			if out.MessageAttributes == nil {
				out.MessageAttributes = map[string]aws.Attribute{}
			}
			out.MessageAttributes[name] = m.attributes[name]
			out.AttributePairs = append(out.AttributePairs, attributePair{name, m.attributes[name]})
		}
	}
	out.MD5OfMessageAttributes = sumOf(out.MessageAttributes)
	return out
}

// wants reports whether an attribute's name is asked for: "All", ".*", a name, or
// the beginning of one.
func wants(want, name string) bool {
	if want == "All" || want == ".*" || want == name {
		return true
	}
	prefix, ok := strings.CutSuffix(want, ".*")
	return ok && strings.HasPrefix(name, prefix)
}

package sqs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/probe"
)

// Backend is SQS during one run. The kernel's lock guards it.
type Backend struct {
	*awswire.Wire
	kernel  cloud.Kernel
	service *Service
	queues  []*queue
}

// queue is one during a run.
type queue struct {
	Queue
	backend  *Backend
	messages []*message      // that are not deleted, in order of arrival
	lately   map[string]sent // of a FIFO queue, by deduplication id
	made     int             // messages, for sequence numbers and people
	mapping  *mapping        // nil for none
	waiters  []*waiter       // long polls
	purged   time.Time
	// undeleted says that the next deletion does not last.
	undeleted bool
}

// sent is what a deduplication id stands for, until when.
type sent struct {
	message *message
	until   time.Time
}

func (b *Backend) find(name string) *queue {
	for _, q := range b.queues {
		if q.Name == name {
			return q
		}
	}
	return nil
}

// window is how long a FIFO queue knows a deduplication id.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
const window = 5 * time.Minute

// add takes a message, and returns it; or the one that its deduplication id has
// brought before.
func (q *queue) add(m *message, delay time.Duration) *message {
	now := q.backend.kernel.Now()
	if q.fifo() && m.dedup != "" && !q.backend.service.lacks(deduplication) {
		if s, ok := q.lately[m.dedup]; ok && now.Before(s.until) {
			return s.message
		}
		q.lately[m.dedup] = sent{m, now.Add(window)}
	}
	q.made++
	m.queue, m.number, m.sent = q, q.made, now
	m.id = aws.ID("message " + m.subject.Text)
	q.messages = append(q.messages, m.named())
	if delay > 0 {
		m.hide(now.Add(delay))
	}
	q.offer()
	return m
}

// forget drops what the queue keeps no longer.
func (q *queue) forget() {
	limit := q.backend.kernel.Now().Add(-q.Retention)
	for _, m := range slices.Clone(q.messages) {
		if m.sent.Before(limit) {
			m.remove()
		}
	}
}

// eligible are the messages that may be received, at most n, in order. Of a
// FIFO queue a group is passed over while one of its messages is in flight, or
// an earlier one is not to be seen; first asks for one of each group.
func (q *queue) eligible(n int, first bool) (out []*message) {
	blocked := map[string]bool{}
	ordered := q.fifo() && !q.backend.service.lacks(groups)
	for _, m := range q.messages {
		if ordered && m.hidden {
			blocked[m.group] = true
		}
	}
	for _, m := range q.messages {
		if m.hidden || ordered && blocked[m.group] || len(out) == n {
			continue
		}
		out = append(out, m)
		if ordered && first {
			blocked[m.group] = true
		}
	}
	return out
}

// offer brings what may be received to who waits for it: the mapping, and then
// long polls.
func (q *queue) offer() {
	if q.mapping != nil {
		q.offerMapping()
	}
	for len(q.waiters) > 0 {
		w := q.waiters[0]
		if w.inst.Dead() {
			q.waiters = q.waiters[1:]
			continue
		}
		got := q.receive(w.most, w.visibility)
		if len(got) == 0 {
			return
		}
		q.waiters = q.waiters[1:]
		w.got <- got
	}
}

// receive hands out messages, at most n, for some time. What has been received
// too often goes to the dead letters instead.
func (q *queue) receive(n int, visibility time.Duration) []received {
	q.forget()
	q.redrive()
	var out []received
	for _, m := range q.eligible(n, false) {
		out = append(out, m.take(visibility))
	}
	return out
}

// redrive brings messages that were received too often to the dead letters.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
func (q *queue) redrive() {
	if q.DeadLetter == "" {
		return
	}
	for _, m := range q.eligible(len(q.messages), true) {
		if m.receives >= q.MaxReceives {
			m.bury()
		}
	}
}

// bury moves a message to the dead letters, where its age goes on.
func (m *message) bury() {
	q, dead := m.queue, m.queue.backend.find(m.queue.DeadLetter)
	k := q.backend.kernel
	k.Happens(&cloud.Task{Name: m.name, Root: m.root, Attempt: max(1, m.receives)}, "dead-letter", "is dead-lettered to "+dead.Name,
		"received "+cloud.Times(m.receives, "time", "times"))
	m.remove()
	moved := *m
	moved.queue, moved.receives, moved.receipt, moved.task, moved.deadFrom = dead, 0, "", nil, q.Name
	dead.made++
	moved.number = dead.made
	moved.named()
	dead.messages = append(dead.messages, &moved)
	if dead.Delay > 0 {
		moved.hide(k.Now().Add(dead.Delay))
	}
	dead.offer()
}

// Receive takes what another service sends to a queue. A FIFO queue takes what
// has a group, and a deduplication id unless it makes one of the content.
func (b *Backend) Receive(arn string, s aws.Sent) bool {
	name, ok := strings.CutPrefix(arn, aws.QueueARN(""))
	q := b.find(name)
	if !ok || q == nil || q.fifo() && (s.Group == "" || s.Dedup == "" && !q.ByContent) {
		return false
	}
	m := &message{body: s.Body, subject: s.About, root: s.Root, attributes: s.Attributes, group: s.Group, dedup: s.Dedup}
	if q.fifo() && m.dedup == "" {
		m.dedup = contentID(m.body)
	}
	q.add(m, q.Delay)
	return true
}

// Contents are the messages of the queues, by queue and number.
func (b *Backend) Contents() (out []cloud.Content) {
	for _, q := range b.queues {
		for _, m := range q.messages {
			out = append(out, cloud.Content{Key: fmt.Sprintf("%s/%06d", q.Name, m.number), Value: m.body})
		}
	}
	slices.SortFunc(out, func(a, b cloud.Content) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// Touches reports true: an operation names its queue.
func (b *Backend) Touches(op *event.Operation) bool { return op.Resource != "*" }

// AppendState adds what the queues hold.
func (b *Backend) AppendState(d *cloud.Digest) {
	for _, q := range b.queues {
		d.Number(int64(len(q.messages)))
		for _, m := range q.messages {
			d.Text(m.name.String())
			d.Number(int64(m.receives))
			d.Text(m.receipt)
			d.Flags(m.hidden)
			d.Time(m.until)
		}
		for _, id := range sortedKeys(q.lately) {
			d.Text(id)
			d.Time(q.lately[id].until)
		}
		if q.mapping != nil {
			d.Number(int64(q.mapping.running))
			d.Time(q.mapping.until)
		}
	}
}

// Arrange decides which of the messages of a standard queue is received first.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
func (b *Backend) Arrange(c *probe.Call, step string) {
	q := b.find(c.Op.Resource)
	if c.Op.Method != "ReceiveMessage" || q == nil || q.fifo() || q.mapping != nil {
		return
	}
	waiting := q.eligible(len(q.messages), false)
	var tasks []*cloud.Task
	for _, m := range waiting {
		tasks = append(tasks, &cloud.Task{Name: m.name, Root: m.root, Attempt: m.receives + 1})
	}
	if i := b.kernel.First(step, tasks, b.kernel.Origin(c).Instance.Function); i > 0 {
		at := slices.Index(q.messages, waiting[i])
		q.messages = slices.Insert(slices.Delete(q.messages, at, at+1), slices.Index(q.messages, waiting[0]), waiting[i])
	}
}

// Deviations are a deletion that does not last, and a message that is received
// and yet there for others: of a standard queue alone.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
func (b *Backend) Deviations(c *probe.Call) []string {
	q := b.find(c.Op.Resource)
	switch {
	case q == nil || q.fifo():
	case c.Op.Method == "DeleteMessage":
		return []string{cloud.Redeliver}
	case c.Op.Method == "ReceiveMessage" && q.mapping == nil && len(q.eligible(1, false)) > 0:
		return []string{cloud.Duplicate}
	}
	return nil
}

// Deviate lets it be so, of the operation that comes next.
func (b *Backend) Deviate(c *probe.Call, kind string) {
	q := b.find(c.Op.Resource)
	if kind == cloud.Duplicate {
		m := *q.eligible(1, false)[0]
		q.made++
		m.number = q.made
		m.name = m.name.Again(cloud.Dup)
		q.messages = append(q.messages, &m)
		return
	}
	q.undeleted = true
}

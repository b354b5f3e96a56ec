package sqs

import (
	"crypto/md5" //nolint:gosec // the service's checksum
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
)

// message is one in a queue. What is not hidden may be received: it is hidden
// while it is delayed, and while it is in flight.
type message struct {
	queue        *queue
	id, body     string
	attributes   map[string]aws.Attribute
	trace        string
	group, dedup string
	subject      cloud.Subject // <sending task>.<queue>/<k>
	root         string
	name         cloud.TaskName // of its next delivery
	number       int            // in its queue, from 1
	sent, first  time.Time      // first received
	deadFrom     string         // the queue that has given it up

	receives int
	receipt  string // of the newest receive
	hidden   bool
	until    time.Time
	task     *cloud.Task // by which the mapping waits for it
}

// received is a message as a receiver gets it: it does not change with the
// message.
type received struct {
	message
	visible time.Time // until when it is not
}

// named gives a message the name of its delivery.
func (m *message) named() *message {
	if m.queue.mapping != nil {
		m.name = cloud.NameTask(m.queue.mapping.name, m.subject)
		m.name.Function = m.queue.mapping.function
		return m
	}
	m.name = cloud.NameOnly("", m.subject)
	return m
}

// timer is the agenda's name for the end of its being hidden.
func (m *message) timer() string { return "visible " + m.queue.Name + " " + m.name.Text }

// hide lets nobody receive it until an instant.
func (m *message) hide(until time.Time) {
	m.show()
	m.hidden, m.until = true, until
	m.queue.backend.kernel.At(until, m.timer(), func() {
		m.hidden, m.until = false, time.Time{}
		m.queue.offer()
	})
}

// show ends that, if it is so.
func (m *message) show() {
	if m.hidden {
		m.queue.backend.kernel.NotAt(m.until, m.timer())
	}
	m.hidden, m.until = false, time.Time{}
}

// take is a receive: it is in flight for some time, under a new handle.
func (m *message) take(visibility time.Duration) received {
	now := m.queue.backend.kernel.Now()
	m.awaitNot()
	if m.receives > 0 {
		m.name = m.name.Again(cloud.Retry)
	}
	m.receives++
	cloud.SetDefault(&m.first, now)
	m.receipt = base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf("%s %d %d", m.id, m.number, m.receives)))
	switch {
	case m.queue.backend.service.lacks(again):
		m.remove()
	case visibility > 0:
		m.hide(now.Add(visibility))
	}
	return received{*m, now.Add(visibility)}
}

// awaitNot takes back what the mapping waits for.
func (m *message) awaitNot() {
	if m.task != nil {
		m.queue.backend.kernel.Recall(m.task)
		m.task = nil
	}
}

// remove deletes it.
func (m *message) remove() {
	m.show()
	m.awaitNot()
	m.queue.messages = slices.DeleteFunc(m.queue.messages, func(x *message) bool { return x == m })
}

// by finds the message of a handle: nil if it was deleted, or received again
// since.
func (q *queue) by(receipt string) *message {
	for _, m := range q.messages {
		if m.receipt == receipt {
			return m
		}
	}
	return nil
}

// handle reports whether a text may be one.
func handle(receipt string) bool {
	text, err := base64.StdEncoding.DecodeString(receipt)
	return err == nil && len(strings.Fields(string(text))) == 3
}

// system are its attributes that the service gives it.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
func (m *received) system() map[string]string {
	out := map[string]string{
		"SenderId": "AROAWTSIM:wtsim", "SentTimestamp": strconv.FormatInt(m.sent.UnixMilli(), 10),
		"ApproximateReceiveCount": strconv.Itoa(m.receives), "ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
	}
	if m.group != "" {
		out["MessageGroupId"] = m.group
	}
	if m.queue.fifo() {
		out["MessageDeduplicationId"], out["SequenceNumber"] = m.dedup, m.sequence()
	}
	if m.trace != "" {
		out["AWSTraceHeader"] = m.trace
	}
	if m.deadFrom != "" {
		out["DeadLetterQueueSourceArn"] = aws.QueueARN(m.deadFrom)
	}
	return out
}

// sequence is its number as a FIFO queue tells it: 128 bits, in order.
func (m *message) sequence() string { return fmt.Sprintf("188%017d", m.number) }

func sum(b []byte) string {
	h := md5.Sum(b) //nolint:gosec // the service's checksum
	return hex.EncodeToString(h[:])
}

// sumOf is the checksum of attributes; empty of none.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
func sumOf(attributes map[string]aws.Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	var b []byte
	add := func(text []byte) { b = append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...) }
	for _, name := range sortedKeys(attributes) {
		a := attributes[name]
		add([]byte(name))
		add([]byte(a.DataType))
		if strings.HasPrefix(a.DataType, "Binary") {
			b = append(b, 2)
			add(a.BinaryValue)
		} else {
			b = append(b, 1)
			add([]byte(*a.StringValue))
		}
	}
	return sum(b)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

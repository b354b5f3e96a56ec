package probe

import (
	"errors"
	"time"
)

// Platform is what a service sees of the run it is in: where a thing that
// happens in the service has consequences elsewhere. Its methods are called
// on the caller's goroutine, within an operation's effect (after
// [Tap.Enter], before [Tap.Leave]); cause is that operation's call, after
// which what follows is named.
type Platform interface {
	// Publish gives a message to a topic, whose subscriptions deliver it, and
	// returns its id. The error is [ErrNotFound] where there is no such topic.
	Publish(cause *Call, topic string, m Message) (id string, err error)
	// Route gives an event to Eventarc, which delivers it to the functions
	// whose triggers match.
	Route(cause *Call, e Occurrence)

	// Pull leases messages of a pull subscription, at most so many.
	Pull(cause *Call, subscription string, most int) ([]Delivery, error)
	// Stream leases messages of a pull subscription to a caller that waits
	// for them, one step of the run each, until stop is called or the
	// caller's instance ends. settings and deliver are called on the world's
	// goroutine and do not block: settings before each message, since a client
	// may change them. stop may be called from anywhere, more than once.
	Stream(cause *Call, subscription string, settings func() StreamSettings, deliver func(Delivery)) (stop func(), err error)
	// Extend sets the deadline of leases anew, from now; zero gives the
	// messages back (a nack). There is one error for each, nil if it worked.
	Extend(cause *Call, subscription string, ackIDs []string, deadline time.Duration) []error
	// Acknowledge ends the leases of messages, for good.
	Acknowledge(cause *Call, subscription string, ackIDs []string) []error
	// TopicNames and SubscriptionNames are the names of those that the scenario has,
	// sorted.
	TopicNames() []string
	SubscriptionNames() []string
	// Topic and Subscription tell whether it has one, and about it.
	Topic(name string) bool
	Subscription(name string) (SubscriptionInfo, bool)

	// Enqueue gives a task to a queue of Cloud Tasks. The error is
	// [ErrNotFound] where there is no such queue, [ErrExists] where there is,
	// or lately was, a task of that name.
	Enqueue(cause *Call, queue string, t QueuedTask) (QueuedTask, error)
	// Dequeue takes a task that has not succeeded yet out of its queue.
	Dequeue(cause *Call, queue, name string) error
	// Queued returns a queue's tasks, in order of name.
	Queued(queue string) ([]QueuedTask, error)
}

// The errors of a [Platform].
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("already exists")
	// ErrAckID is an acknowledgement of a lease that has ended: a permanent
	// failure, told only where delivery is exactly once.
	ErrAckID = errors.New("the lease has expired")
)

// Message is what is published to a topic.
type Message struct {
	ID          string // set by the topic
	Data        []byte
	Attributes  map[string]string
	OrderingKey string
	Published   time.Time // set by the topic
}

// Delivery is a message on its way to a puller.
type Delivery struct {
	Message
	AckID   string
	Attempt int // from 1; 0 where the subscription has no dead-letter policy
}

// StreamSettings are what a client asks of a stream.
type StreamSettings struct {
	// AckDeadline is that of the messages that the stream delivers, in place
	// of the subscription's; zero for the subscription's.
	AckDeadline time.Duration
	// Messages and Bytes bound what the client has of this stream at a time:
	// messages whose leases are neither acknowledged, nor given back, nor
	// expired, and the sizes of their data. One message is delivered whatever
	// its size. Zero or less for no bound.
	Messages, Bytes int64
}

// SubscriptionInfo is what clients are told of a subscription.
type SubscriptionInfo struct {
	Topic       string
	AckDeadline time.Duration
	Ordered     bool // by ordering key
	ExactlyOnce bool
	Filter      string
	DeadLetter  string // topic; empty for none
	MaxAttempts int    // with DeadLetter
}

// Occurrence is an event that a Google Cloud service tells Eventarc, in the
// terms of CloudEvents.
type Occurrence struct {
	Type       string            // e.g. "google.cloud.storage.object.v1.finalized"
	Source     string            // e.g. "//storage.googleapis.com/projects/_/buckets/b"
	Subject    string            // e.g. "objects/a.txt"
	Attributes map[string]string // extensions that triggers filter by, e.g. "bucket"
	Data       []byte            // JSON
}

// QueuedTask is a task of Cloud Tasks: an HTTP request to be made later.
type QueuedTask struct {
	Name     string // the last element; made up where it is empty
	Function string // host of the URL
	Method   string
	Path     string
	Header   map[string]string
	Body     []byte
	At       time.Time     // when it is due; zero for now
	Deadline time.Duration // of an attempt; zero for the queue's default
	Attempts int           // made so far
}

// FailsOver is a backend that can lose what it has acknowledged.
type FailsOver interface {
	Backend
	// Losable is how many of the newest acknowledged writes a failover could
	// lose now; a small number at most.
	Losable() int
	// FailOver loses the newest n acknowledged writes and resets every
	// connection.
	FailOver(n int)
}

// Lags is a backend some of whose reads may return an older state.
type Lags interface {
	Backend
	// Staleness is how many writes the answer to an operation may miss; a
	// small number at most, zero where reads are fresh. The tap's fate
	// [Stale] says how many it does miss.
	Staleness(*Call) int
}

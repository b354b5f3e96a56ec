package gcp

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
)

// Policy says how a subscription, or a trigger, delivers. What is zero is the
// service's default.
type Policy struct {
	// Once switches retries off: an event whose invocation fails is dropped.
	// https://cloud.google.com/functions/docs/writing/retries
	Once bool
	// MinBackoff and MaxBackoff bound the exponential backoff between
	// deliveries of a message. A pull subscription's default is none: what is
	// given back is there at once.
	MinBackoff, MaxBackoff time.Duration
	// KeepFor is how long a message is delivered again before it is given up.
	KeepFor time.Duration
	// DeadLetter is the topic that a message goes to after MaxAttempts
	// deliveries that failed, and from Eventarc also after KeepFor.
	// https://docs.cloud.google.com/pubsub/docs/handling-failures
	DeadLetter  string
	MaxAttempts int
	// Ordered delivers messages with the same ordering key one after the other.
	// https://docs.cloud.google.com/pubsub/docs/ordering
	Ordered bool
	// Filter selects messages by their attributes, in Pub/Sub's language; empty
	// for all.
	// https://docs.cloud.google.com/pubsub/docs/subscription-message-filter
	Filter string
}

// Eventarc is the policy of a function's trigger: an Eventarc subscription,
// with retries on.
// https://firebase.google.com/docs/functions/retries
// https://docs.cloud.google.com/run/docs/tips/function-retries
func Eventarc() Policy {
	return Policy{MinBackoff: 10 * time.Second, MaxBackoff: 600 * time.Second, KeepFor: 24 * time.Hour}
}

// Pull is the policy of a pull subscription.
// https://docs.cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions
func Pull() Policy { return Policy{KeepFor: 7 * 24 * time.Hour} }

// Push is the policy of a push subscription of one's own: a backoff that nobody
// can set, unless there is a retry policy, and the retention of subscriptions.
// https://docs.cloud.google.com/pubsub/docs/push
// https://docs.cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions
func Push() Policy {
	return Policy{MinBackoff: 100 * time.Millisecond, MaxBackoff: 60 * time.Second, KeepFor: 7 * 24 * time.Hour}
}

const (
	// AckDeadline is that of a subscription, by default.
	// https://docs.cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions
	AckDeadline = 10 * time.Second
	// LeastAckDeadline is the shortest that there may be.
	LeastAckDeadline = 10 * time.Second
	// MostAckDeadline is the longest.
	MostAckDeadline = 600 * time.Second

	// maxAttempts are those before a message is dead-lettered, by default;
	// and their bounds.
	// https://docs.cloud.google.com/pubsub/docs/handling-failures
	maxAttempts   = 5
	leastAttempts = 5
	mostAttempts  = 100
)

var (
	errAttempts     = errors.New("its MaxAttempts are out of range, wanted 5 to 100")
	errNoDeadLetter = errors.New("it has MaxAttempts but no DeadLetter, wanted the topic that a message goes to then")
)

// OrElse fills in what is not set.
func (p Policy) OrElse(d Policy) Policy {
	if p.MaxBackoff > 0 {
		cloud.SetDefault(&p.MinBackoff, min(d.MinBackoff, p.MaxBackoff))
	}
	cloud.SetDefault(&p.MinBackoff, d.MinBackoff)
	cloud.SetDefault(&p.MaxBackoff, max(d.MaxBackoff, p.MinBackoff))
	cloud.SetDefault(&p.KeepFor, d.KeepFor)
	if p.DeadLetter != "" {
		cloud.SetDefault(&p.MaxAttempts, maxAttempts)
	}
	return p
}

// Check returns the first thing that is wrong with a policy whose defaults are
// filled in.
func (p Policy) Check() error {
	switch {
	case min(p.MinBackoff, p.MaxBackoff, p.KeepFor) < 0:
		return cloud.ErrNegative
	case p.MinBackoff > p.MaxBackoff:
		return fmt.Errorf("its MinBackoff is %v and its MaxBackoff %v, wanted no more than that", p.MinBackoff, p.MaxBackoff)
	case p.DeadLetter != "" && (p.MaxAttempts < leastAttempts || p.MaxAttempts > mostAttempts):
		return errAttempts
	case p.DeadLetter == "" && p.MaxAttempts != 0:
		return errNoDeadLetter
	}
	return nil
}

// String tells people what it says.
func (p Policy) String() string {
	var out []string
	switch {
	case p.Once:
		out = append(out, "no retries")
	case p.MinBackoff == 0:
		out = append(out, "again at once for "+cloud.Short(p.KeepFor))
	default:
		out = append(out, fmt.Sprintf("again after %s to %s, for %s", cloud.Short(p.MinBackoff), cloud.Short(p.MaxBackoff), cloud.Short(p.KeepFor)))
	}
	if p.Ordered {
		out = append(out, "in order by key")
	}
	if p.Filter != "" {
		out = append(out, "where "+p.Filter)
	}
	if p.DeadLetter != "" {
		out = append(out, fmt.Sprintf("after %d attempts to %s", p.MaxAttempts, p.DeadLetter))
	}
	return strings.Join(out, "; ")
}

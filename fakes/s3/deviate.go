package s3

import (
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/awsprobe"
)

// near is how close two changes of a key are that may be in conflict, or be
// told as one. No page has a number: a second is what S3 keeps of a time.
const near = time.Second

// use is a change of an object.
type use struct {
	at   time.Time
	name string
	by   event.Caller
}

// Deviations are what may befall a call besides: one that changes an object on
// a condition is in conflict with another's change of it; its event comes to
// queues and topics twice. (A function gets it twice by itself.)
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html#conditional-error-response
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
func (b *Backend) Deviations(c *probe.Call) []string {
	if !slices.Contains(conditionals, c.Op.Method) {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget()
	name, _, _ := strings.Cut(c.Op.Resource, " ")
	var out []string
	h := c.Op.Request.Header
	if h["If-Match"]+h["If-None-Match"] != "" && slices.ContainsFunc(b.uses, func(u use) bool { return u.name == name && u.by != c.Op.Caller }) {
		out = append(out, cloud.Conflict)
	}
	if b.notifies(name) {
		out = append(out, cloud.Duplicate)
	}
	return out
}

// notifies reports whether changes of an object are told to what is no function.
func (b *Backend) notifies(resource string) bool {
	return slices.ContainsFunc(b.rules, func(r *rule) bool {
		return r.to != "" && strings.HasPrefix(resource, awsprobe.S3Object(r.Bucket, r.Prefix))
	})
}

// Reaches are the services that events are brought to.
func (b *Backend) Reaches(op *event.Operation) []string {
	if op.Access == event.Reads || !slices.ContainsFunc(b.rules, func(r *rule) bool { return r.to != "" }) {
		return nil
	}
	return aws.Receivers(b.kernel)
}

// conditionals are the operations that change an object on a condition.
var conditionals = []string{"PutObject", "CopyObject", "DeleteObject", "CompleteMultipartUpload"}

// Deviate says that one of them does.
func (b *Backend) Deviate(c *probe.Call, kind string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fates[c] = kind
}

// befalls reports whether a deviation is to befall the call of a request.
func (b *Backend) befalls(q *request, kind string) bool {
	if q.Call == nil || b.fates[q.Call] != kind {
		return false
	}
	delete(b.fates, q.Call)
	return true
}

// forget forgets uses that are too long ago.
func (b *Backend) forget() {
	now := b.kernel.Now()
	b.uses = slices.DeleteFunc(b.uses, func(u use) bool { return now.Sub(u.at) > near })
}

// used notes which objects a call changes.
func (b *Backend) used(q *request) {
	if q.Call == nil {
		return
	}
	b.forget()
	names := []string{resource(q.Bucket, q.Key)}
	switch q.S3Request.Operation {
	case "PutObject", "CopyObject", "DeleteObject", "CompleteMultipartUpload":
	case "DeleteObjects":
		names = strings.Fields(q.Call.Op.Resource)
	default:
		return
	}
	for _, name := range names {
		b.uses = append(b.uses, use{q.now, name, q.Call.Op.Caller})
	}
}

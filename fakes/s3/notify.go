package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/internal/async"
)

// Trigger invokes a function with the events of a bucket, asynchronously, one
// event each: what S3 calls a notification configuration. The function gets
// the event in JSON: an events.S3Event of aws-lambda-go.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
type Trigger struct {
	Of     string // the service's name; default "s3"
	Bucket string
	// Events are those that are told: "s3:ObjectCreated:*" (the default),
	// "s3:ObjectCreated:Put", "s3:ObjectRemoved:*", ...
	Events []string
	// Prefix and Suffix are how keys begin and end that are told of.
	Prefix, Suffix string
}

// On is one trigger: whatever is created in a bucket.
func On(bucket string) []cloud.Trigger { return []cloud.Trigger{Trigger{Bucket: bucket}} }

// Notification brings the events of a bucket to a queue of SQS or a topic of SNS,
// in the JSON that functions get, or to the default bus of EventBridge, as events
// of its own form.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
type Notification struct {
	Bucket string
	// Events, Prefix and Suffix are those of a [Trigger]; for EventBridge there are
	// none: it gets all.
	Events         []string
	Prefix, Suffix string
	// Queue or Topic, standard ones, or EventBridge.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
	Queue, Topic string
	EventBridge  bool
}

// trigger is what it asks for, as a function's trigger does.
func (n Notification) trigger() Trigger {
	t := Trigger{Bucket: n.Bucket, Events: n.Events, Prefix: n.Prefix, Suffix: n.Suffix}
	if n.EventBridge {
		t.Events = []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}
	}
	return t
}

// arn is what it goes to.
func (n Notification) arn() string {
	switch {
	case n.EventBridge:
		return aws.BusARN("default")
	case n.Topic != "":
		return aws.TopicARN(n.Topic)
	}
	return aws.QueueARN(n.Queue)
}

func (n Notification) check(d *cloud.Deployment) error {
	to := 0
	for _, is := range []bool{n.Queue != "", n.Topic != "", n.EventBridge} {
		if is {
			to++
		}
	}
	switch {
	case to != 1:
		return fmt.Errorf("a notification of bucket %q has %d of Queue, Topic and EventBridge, wanted one", n.Bucket, to)
	case n.EventBridge && (n.Events != nil || n.Prefix != "" || n.Suffix != ""):
		return fmt.Errorf("a notification of bucket %q has Events, Prefix or Suffix, wanted none: EventBridge gets all", n.Bucket)
	case strings.HasSuffix(n.Queue+n.Topic, ".fifo"):
		return fmt.Errorf("a notification of bucket %q goes to %q, wanted a standard queue or topic", n.Bucket, n.Queue+n.Topic)
	case !aws.Exists(d, n.arn()):
		return fmt.Errorf("a notification of bucket %q goes to %s, which is not there", n.Bucket, n.arn())
	}
	return n.trigger().Check()
}

// happenings are the events that there are, without "s3:".
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
var happenings = []string{"ObjectCreated:Put", "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload", "ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated"}

// Service is the name of the service that it is of.
func (t Trigger) Service() string {
	if t.Of == "" {
		return DefaultName
	}
	return t.Of
}

// events are those that it asks for.
func (t Trigger) events() []string {
	if len(t.Events) == 0 {
		return []string{"s3:ObjectCreated:*"}
	}
	return t.Events
}

// String tells people what it is.
func (t Trigger) String() string {
	s := strings.Join(t.events(), ", ") + " of bucket " + t.Bucket
	if t.Prefix != "" {
		s += ", prefix " + t.Prefix
	}
	if t.Suffix != "" {
		s += ", suffix " + t.Suffix
	}
	return s
}

// Check returns the first thing that is wrong with it.
func (t Trigger) Check() error {
	if t.Bucket == "" {
		return fmt.Errorf("wanted a bucket")
	}
	for _, name := range t.events() {
		if !slices.ContainsFunc(happenings, func(is string) bool { return asks(name, is) }) {
			return fmt.Errorf("it has no event %q, wanted one of %q, each with s3: before, or s3:ObjectCreated:* or s3:ObjectRemoved:*", name, happenings)
		}
	}
	return nil
}

// asks reports whether what a configuration names is an event.
func asks(name, is string) bool {
	kind, all := strings.CutSuffix(name, "*")
	return name == "s3:"+is || all && strings.HasSuffix(kind, ":") && kind != "s3:" && strings.HasPrefix("s3:"+is, kind)
}

// rule is a trigger during a run, or a notification.
type rule struct {
	Trigger
	of cloud.Binding // of a function
	to string        // the ARN of what is no function
}

// id is what events call the configuration.
func (r *rule) id() string {
	if r.to != "" {
		return "notify " + r.to[strings.LastIndexAny(r.to, ":/")+1:]
	}
	return r.of.Name
}

// wants reports whether an event of a key is to be told.
func (r *rule) wants(bucket, key, event string) bool {
	return r.Bucket == bucket && strings.HasPrefix(key, r.Prefix) && strings.HasSuffix(key, r.Suffix) &&
		slices.ContainsFunc(r.events(), func(name string) bool { return asks(name, event) })
}

// delivery is an event on its way to a function.
type delivery struct {
	*async.Event
	rule      *rule
	name      string // of the object
	bucket    string
	at        time.Time // of the write
	versioned bool
	created   bool
}

// Newer reports whether a later event of the same kind waits, with which this
// one may have become one: "if two writes are made to a single non-versioned
// object at the same time, it is possible that only a single event notification
// is sent".
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func (d *delivery) Newer(t *cloud.Task) bool {
	if d.versioned || !d.created {
		return false
	}
	for _, other := range d.Kernel.Waiting() {
		o, ok := other.Cause.(*delivery)
		if ok && other != t && o.rule == d.rule && o.created && o.name == d.name && o.at.After(d.at) && o.at.Sub(d.at) <= near {
			return true
		}
	}
	return false
}

// From is the bucket.
func (d *delivery) From() cloud.Part { return cloud.Part{Kind: "bucket", Name: d.bucket} }

// Double is of no account to the queue.
func (d *delivery) Double() {}

// Twice says that it comes twice.
func (d *delivery) Twice() string { return "the event is delivered twice" }

// tell invokes the functions that are to be told what has become of a key, and
// brings it to queues, topics and the bus.
func (b *Backend) tell(q *request, event string, e *entry, v *version) {
	var origin *cloud.Origin
	twice := b.befalls(q, cloud.Duplicate)
	name := resource(q.bucket.name, e.key)
	for _, r := range b.rules {
		if !r.wants(q.bucket.name, e.key, event) {
			continue
		}
		if origin == nil {
			origin = b.kernel.Origin(q.Call)
		}
		subject := cloud.Numbered(origin.Task.With("."+cloud.Mask(name)), origin.Number, origin.Next())
		if r.to != "" {
			b.send(q, r, event, subject, origin.Root, e, v)
			if twice {
				subject.Label = subject.Again(cloud.Dup)
				b.send(q, r, event, subject, origin.Root, e, v)
			}
			continue
		}
		d := &delivery{
			rule: r, name: name, bucket: q.bucket.name, at: q.now, versioned: q.bucket.versioning == enabled, created: strings.HasPrefix(event, "ObjectCreated"),
			Event: &async.Event{
				Kernel: b.kernel, Binding: r.of.Name, Function: r.of.Function, Subject: subject, Root: origin.Root, What: "the event " + event + " of " + name,
				By: cloud.InvokedBy{Kind: event + " event", Number: e.changes, Of: name},
			},
		}
		d.Payload = b.record(q, r, event, subject, e, v)
		d.Send(d)
	}
}

// send brings an event to what is no function. (Nothing can be wrong with it:
// what was declared is there, and takes everything.)
func (b *Backend) send(q *request, r *rule, event string, subject cloud.Subject, root string, e *entry, v *version) {
	out := aws.Sent{About: subject, Root: root, Subject: "Amazon S3 Notification"}
	if r.to == aws.BusARN("default") {
		out.Source, out.Type, out.Resources = "aws.s3", "Object Created", []string{arn(q.bucket.name)}
		if strings.HasPrefix(event, "ObjectRemoved") {
			out.Type = "Object Deleted"
		}
		out.Body = string(b.detail(q, event, subject, e, v))
	} else {
		out.Body = string(b.record(q, r, event, subject, e, v))
	}
	if !aws.Deliver(b.kernel, r.to, out) {
		b.kernel.Happens(&cloud.Task{Name: cloud.NameOnly("", subject), Root: root, Attempt: 1}, "give up", "is dropped", r.to+" does not take it")
	}
}

// reasons are the operations that events of EventBridge name.
var reasons = map[string]string{
	"ObjectCreated:Put": "PutObject", "ObjectCreated:Copy": "CopyObject", "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
	"ObjectRemoved:Delete": "DeleteObject", "ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
}

// detail is the event as EventBridge has it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
func (b *Backend) detail(q *request, event string, subject cloud.Subject, e *entry, v *version) []byte {
	object := map[string]any{"key": e.key, "sequencer": fmt.Sprintf("%018X", e.changes)}
	if q.bucket.versioning != "" {
		object["version-id"] = v.id
	}
	if v.etag != "" {
		object["size"], object["etag"] = len(v.data), unquoted(v.etag)
	}
	out := map[string]any{
		"version": "0", "bucket": map[string]string{"name": q.bucket.name}, "object": object, "request-id": requestID(subject), "requester": aws.Account,
		"source-ip-address": "192.0.2.1", "reason": reasons[event],
	}
	switch event {
	case "ObjectRemoved:Delete":
		out["deletion-type"] = "Permanently Deleted"
	case "ObjectRemoved:DeleteMarkerCreated":
		out["deletion-type"] = "Delete Marker Created"
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic("s3: events are made of texts and numbers: " + err.Error())
	}
	return text
}

// requestID is that of the request that an event is of.
func requestID(subject cloud.Subject) string {
	id := sha256.Sum256([]byte(subject.Text))
	return strings.ToUpper(hex.EncodeToString(id[:8]))
}

// record is the event in JSON. (The numbers of the version beyond 2.1 are of
// members that are not simulated.)
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func (b *Backend) record(q *request, r *rule, event string, subject cloud.Subject, e *entry, v *version) []byte {
	object := map[string]any{"key": url.QueryEscape(e.key), "sequencer": fmt.Sprintf("%018X", e.changes)}
	if q.bucket.versioning != "" {
		object["versionId"] = v.id
	}
	if v.etag != "" {
		object["size"], object["eTag"] = len(v.data), unquoted(v.etag)
	}
	text, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": b.regionOf(q.bucket), "eventTime": q.now.UTC().Format("2006-01-02T15:04:05.000Z"), "eventName": event,
		"userIdentity":      map[string]string{"principalId": "AWS:wtsim"},
		"requestParameters": map[string]string{"sourceIPAddress": "192.0.2.1"},
		"responseElements":  map[string]string{"x-amz-request-id": requestID(subject), "x-amz-id-2": hostID},
		"s3": map[string]any{
			"s3SchemaVersion": "1.0", "configurationId": r.id(),
			"bucket": map[string]any{"name": q.bucket.name, "ownerIdentity": map[string]string{"principalId": "wtsim"}, "arn": arn(q.bucket.name)},
			"object": object,
		},
	}}})
	if err != nil {
		panic("s3: events are made of texts and numbers: " + err.Error())
	}
	return text
}

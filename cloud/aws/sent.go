package aws

import (
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cloud"
)

// Sent is what one service brings to a resource of another: to a queue, a topic,
// a function, a bus.
type Sent struct {
	About      cloud.Subject // names what follows from it
	Root       string        // the client's request that it follows from
	Body       string
	Attributes map[string]Attribute // of a message; others leave them aside
	// Group and Dedup are a message's for what is FIFO.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-key-terms.html
	Group, Dedup string
	// Subject is a message's for a topic.
	Subject string
	// Source and Type are an event's for a bus: its source and its detail-type;
	// Resources are the ARNs of what it is about.
	Source, Type string
	Resources    []string
}

// Attribute is one of a message's own, of a queue's or a topic's.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
type Attribute struct {
	DataType    string  // "String", "Number", "Binary", "String.Array", each with a label behind it or none
	StringValue *string `json:",omitempty"`
	BinaryValue []byte  `json:",omitempty"`
}

// Text is an attribute of type String.
func Text(s string) Attribute { return Attribute{DataType: "String", StringValue: &s} }

// Valid reports whether an attribute has the value that its type wants.
func (a Attribute) Valid() bool {
	kind, _, _ := strings.Cut(a.DataType, ".")
	switch kind {
	case "String", "Number":
		return a.StringValue != nil && *a.StringValue != ""
	case "Binary":
		return len(a.BinaryValue) > 0
	}
	return false
}

// Receiver is a backend to which other services bring things, such as dead
// letters to a queue. Its method is called on the run's goroutine or within an
// effect, under the kernel's lock.
type Receiver interface {
	cloud.Backend
	// Receive takes something for the resource of an ARN; false if it is none
	// of its own, or does not take such things.
	Receive(arn string, s Sent) bool
}

// Deliver brings something to the resource of an ARN, if there is one that takes
// it.
func Deliver(k cloud.Kernel, arn string, s Sent) bool {
	for _, b := range k.Backends() {
		if r, ok := b.(Receiver); ok && r.Receive(arn, s) {
			return true
		}
	}
	return false
}

// Receivers are the names of the services of a run that things are brought to.
func Receivers(k cloud.Kernel) (out []string) {
	for i, b := range k.Backends() {
		if _, ok := b.(Receiver); ok {
			out = append(out, k.Deployment().Services[i].Name())
		}
	}
	return out
}

// Owner is a service whose resources others bring things to.
type Owner interface {
	cloud.Service
	// ARNs are those of its resources, as a scenario declares them.
	ARNs() []string
}

// Exists reports whether a scenario declares the resource of an ARN: a function,
// or what a service owns.
func Exists(d *cloud.Deployment, arn string) bool {
	if name, ok := strings.CutPrefix(arn, FunctionARN("")); ok {
		return d.Has(name)
	}
	for _, s := range d.Services {
		if o, ok := s.(Owner); ok && slices.Contains(o.ARNs(), arn) {
			return true
		}
	}
	return false
}

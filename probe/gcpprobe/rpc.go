package gcpprobe

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wtsim/wtsim/event"
)

// DescribePubSub tells the operation of a call of the Pub/Sub client: service
// "pubsub", the method as the documentation names it ("publish",
// "acknowledge", "modifyAckDeadline", "streamingPull"), the resource the name
// of the topic or subscription without its project.
//
// One call publishes a batch of messages and is one operation; a rule with
// Each "request.messages" makes one event of each. The client batches what is
// published within 10 ms, of several invocations too: such an operation
// belongs to the function instance.
func DescribePubSub(method string, request proto.Message, op *event.Operation) {
	op.Service, op.Method, op.Fails = "pubsub", lowerFirst(op.Method), pubsubFails
	op.Resource = lastElement(firstField(request, "topic", "subscription", "name", "snapshot"))
	switch {
	case strings.HasPrefix(op.Method, "get"), strings.HasPrefix(op.Method, "list"):
		op.Access = event.Reads
	case op.Method == "streamingPull": // it leases nothing yet
		op.Access = event.Reads
	case op.Method == "publish", op.Method == "acknowledge", op.Method == "modifyAckDeadline":
		op.Access = event.Writes
	}
}

// Of the codes that are common to all methods, these two are transient, and
// the client libraries treat them differently: not every method is tried
// again on the second.
// https://cloud.google.com/pubsub/docs/reference/error-codes
var pubsubFails = []string{"UNAVAILABLE", "RESOURCE_EXHAUSTED"}

// DescribeTasks tells the operation of a call of the Cloud Tasks client:
// service "tasks", the method as the documentation names it ("createTask"),
// the resource the queue's name, with a named task's name behind it
// ("emails/welcome-u1"). request.task.httpRequest.body is the task's body.
func DescribeTasks(method string, request proto.Message, op *event.Operation) {
	op.Service, op.Method, op.Fails = "tasks", lowerFirst(op.Method), tasksFails
	name := firstField(request, "name", "parent")
	if task := firstField(request, "task.name"); task != "" {
		name = task
	}
	if _, queue, ok := strings.Cut(name, "/queues/"); ok {
		op.Resource = strings.Replace(queue, "/tasks/", "/", 1)
	}
	if strings.HasPrefix(op.Method, "get") || strings.HasPrefix(op.Method, "list") {
		op.Access = event.Reads
	} else {
		op.Access = event.Writes
	}
}

// https://cloud.google.com/tasks/docs/reference/rpc/google.rpc, and for the
// second https://cloud.google.com/tasks/docs/quotas
var tasksFails = []string{"UNAVAILABLE", "RESOURCE_EXHAUSTED"}

// firstField returns the first of a message's text fields that is there and
// not empty; a dot leads into a message.
func firstField(m proto.Message, names ...string) string {
	for _, name := range names {
		if m == nil {
			break
		}
		if s := textField(m.ProtoReflect(), name); s != "" {
			return s
		}
	}
	return ""
}

func textField(m protoreflect.Message, name string) string {
	name, rest, nested := strings.Cut(name, ".")
	fd := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	switch {
	case fd == nil || fd.IsList() || fd.IsMap():
	case nested && fd.Kind() == protoreflect.MessageKind:
		return textField(m.Get(fd).Message(), rest)
	case !nested && fd.Kind() == protoreflect.StringKind:
		return m.Get(fd).String()
	}
	return ""
}

// lastElement is the last element of a resource name such as
// projects/p/topics/t, which is how people call the thing.
func lastElement(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// lowerFirst is a method's name as Google's documentation writes it.
func lowerFirst(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToLower(name[:1]) + name[1:]
}

package awsprobe

import (
	"encoding/json"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// describeSQS names the queue that an operation is of; the resource of a list of
// queues is "*".
func describeSQS(t Target, _ Keys, op *event.Operation) {
	op.Fails = sqsFails
	switch {
	case slices.Contains(sqsReads, op.Method):
		op.Access = event.Reads
	case strings.HasPrefix(op.Method, "SendMessage"), strings.HasPrefix(op.Method, "DeleteMessage"):
		op.Access = event.Writes
	}
	q := map[string]any{}
	if t.Name == "" {
		formOf(op, q)
	} else if q = canonical(op); q == nil {
		return
	}
	bodies(op, q)
	at, _ := q["QueueUrl"].(string)
	name, _ := q["QueueName"].(string)
	switch {
	case at != "":
		op.Resource = escape(path.Base(at))
	case name != "":
		op.Resource = escape(name)
	default:
		op.Resource = "*"
	}
}

// formOf is a request of the Query protocol, its members as texts.
func formOf(op *event.Operation, q map[string]any) {
	form, err := url.ParseQuery(string(op.Request.Body))
	if err != nil {
		return
	}
	for name, values := range form { //wtsim:order a map to a map
		q[name] = values[0]
	}
}

// bodies shows what messages hold, where that is JSON, so that rules can look
// into it.
func bodies(op *event.Operation, q map[string]any) {
	shown := show(q)
	entries, _ := q["Entries"].([]any)
	for _, e := range entries {
		if m, ok := e.(map[string]any); ok {
			shown = show(m) || shown
		}
	}
	if text, err := json.Marshal(q); err == nil && (shown || !op.Request.JSON) {
		op.Request.Body, op.Request.JSON = text, true
	}
}

func show(m map[string]any) bool { return showJSON(m, "MessageBody") }

// showJSON shows what a text of a member holds, if that is an object or an array.
func showJSON(m map[string]any, name string) bool {
	text, _ := m[name].(string)
	if text == "" || text[0] != '{' && text[0] != '[' || !json.Valid([]byte(text)) {
		return false
	}
	m[name] = json.RawMessage(text)
	return true
}

// sqsFails are refusals that are retried.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html#API_SendMessage_Errors
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
var sqsFails = []string{"InternalError", "RequestThrottled"}

var sqsReads = []string{"GetQueueUrl", "GetQueueAttributes", "ListQueues", "ListDeadLetterSourceQueues", "ListQueueTags", "ListMessageMoveTasks"}

package awsprobe

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// describeSNS names the topic that an operation is of; the resource of a list of
// topics is "*".
func describeSNS(_ Target, _ Keys, op *event.Operation) {
	op.Fails = snsFails
	switch {
	case strings.HasPrefix(op.Method, "Get"), strings.HasPrefix(op.Method, "List"):
		op.Access = event.Reads
	case strings.HasPrefix(op.Method, "Publish"):
		op.Access = event.Writes
	}
	form, err := url.ParseQuery(string(op.Request.Body))
	if err != nil {
		return
	}
	q := snsRequest(form)
	if text, err := json.Marshal(q); err == nil {
		op.Request.Body, op.Request.JSON = text, true
	}
	op.Resource = "*"
	for _, name := range []string{"TopicArn", "TargetArn", "SubscriptionArn", "Name"} {
		if v := form.Get(name); v != "" {
			op.Resource = escape(topicOf(v))
			return
		}
	}
}

// topicOf is the topic of an ARN, of a subscription's too; of a name itself.
func topicOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 5 {
		return parts[5]
	}
	return arn
}

// snsRequest is a request as the API's reference has it: lists and maps are no
// longer numbered members, and what messages hold shows where that is JSON.
func snsRequest(form url.Values) map[string]any {
	q := snsMembers(form, "")
	var entries []any
	for i := 1; form.Has(fmt.Sprintf("PublishBatchRequestEntries.member.%d.Message", i)); i++ {
		entries = append(entries, snsMembers(form, fmt.Sprintf("PublishBatchRequestEntries.member.%d.", i)))
	}
	if entries != nil {
		q["PublishBatchRequestEntries"] = entries
	}
	return q
}

// snsMembers are the plain members behind a prefix, and the attributes there.
func snsMembers(form url.Values, at string) map[string]any {
	out := map[string]any{}
	for name, values := range form { //wtsim:order a map to a map
		if rest, ok := strings.CutPrefix(name, at); ok && !strings.Contains(rest, ".") {
			out[rest] = values[0]
		}
	}
	attributes := map[string]any{}
	for i := 1; ; i++ {
		entry := fmt.Sprintf("%sMessageAttributes.entry.%d.", at, i)
		if !form.Has(entry + "Name") {
			break
		}
		attributes[form.Get(entry+"Name")] = form.Get(entry+"Value.StringValue") + form.Get(entry+"Value.BinaryValue")
	}
	if len(attributes) > 0 {
		out["MessageAttributes"] = attributes
	}
	showJSON(out, "Message")
	return out
}

// snsFails are refusals that are retried, or may be.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
// https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html
var snsFails = []string{"InternalError", "Throttled"}

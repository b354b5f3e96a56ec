package awsprobe

import (
	"net/http"
	"testing"

	"github.com/wtsim/wtsim/event"
)

// An operation of SQS names its queue, in both protocols, and shows what a
// message holds.
func TestSQS(t *testing.T) {
	for _, c := range []struct{ target, body, want string }{
		{"AmazonSQS.SendMessage", `{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/1/orders","MessageBody":"{\"o\":1}"}`,
			`SendMessage orders {"MessageBody":{"o":1},"QueueUrl":"https://sqs.us-east-1.amazonaws.com/1/orders"}`},
		{"AmazonSQS.SendMessageBatch", `{"QueueUrl":"http://localhost:4566/1/orders","Entries":[{"Id":"1","MessageBody":"[1]"},{"Id":"2","MessageBody":"x"}]}`,
			`SendMessageBatch orders {"Entries":[{"Id":"1","MessageBody":[1]},{"Id":"2","MessageBody":"x"}],"QueueUrl":"http://localhost:4566/1/orders"}`},
		{"", "Action=GetQueueUrl&QueueName=orders", `GetQueueUrl orders {"Action":"GetQueueUrl","QueueName":"orders"}`},
		{"AmazonSQS.ListQueues", "{}", `ListQueues * {}`},
	} {
		r, _ := http.NewRequest("POST", "https://sqs.us-east-1.amazonaws.com/", nil)
		r.Header.Set("X-Amz-Target", c.target)
		op := event.Operation{Request: event.Payload{Body: []byte(c.body)}}
		Describe(r, &op)
		if got := op.Method + " " + op.Resource + " " + string(op.Request.Body); got != c.want {
			t.Errorf("got %s, wanted %s", got, c.want)
		}
	}
}

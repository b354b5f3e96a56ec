package gcpprobe

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/event"
)

// described are the protocols that have a description, by what their methods begin
// with.
var described = []struct {
	prefix   string
	describe func(string, proto.Message, *event.Operation)
}{
	{"/google.firestore.v1.Firestore/", DescribeFirestore},
	{"/google.pubsub.v1.", DescribePubSub},
	{"/google.cloud.tasks.v2.CloudTasks/", DescribeTasks},
	{"/google.cloud.secretmanager.v1.SecretManagerService/", DescribeSecrets},
	{"/google.logging.v2.LoggingServiceV2/", DescribeLogging},
}

// Describe tells the operation of a call of gRPC, as the simulator does, if it is one
// of Firestore, Pub/Sub, Cloud Tasks, Secret Manager or Cloud Logging. It leaves alone what is none.
func Describe(method string, request proto.Message, op *event.Operation) {
	for _, d := range described {
		if strings.HasPrefix(method, d.prefix) {
			d.describe(method, request, op)
			return
		}
	}
}

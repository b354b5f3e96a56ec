package awsprobe

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// describeLambda names the function that is invoked, by its name.
func describeLambda(_ Target, _ Keys, op *event.Operation) {
	op.Fails = lambdaFails
	name, ok := strings.CutPrefix(op.Resource, "/2015-03-31/functions/")
	if !ok || op.Method != http.MethodPost {
		return
	}
	if name, ok = strings.CutSuffix(name, "/invocations"); !ok {
		return
	}
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	if _, after, arn := strings.Cut(name, ":function:"); arn {
		name = after
	}
	op.Method, op.Resource, op.Access = "Invoke", escape(strings.TrimSuffix(name, ":$LATEST")), event.Reads|event.Writes
}

// lambdaFails are refusals that are retried.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
var lambdaFails = []string{"ServiceException", "TooManyRequestsException"}

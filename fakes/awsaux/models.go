package awsaux

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// Model answers what a model is asked: body is the request's of InvokeModel, or of
// Converse, and so is the answer. An error is answered as ModelErrorException. It is
// a part of the scenario, so that it must be a function of its arguments alone.
type Model func(model, operation string, body []byte) (answer []byte, err error)

// Models declares Amazon Bedrock's runtime under a name, usually "bedrock": models
// answer what the scenario says. There are InvokeModel and Converse; answers in
// parts are not simulated.
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
func Models(name string, answers Model) *Service {
	return &Service{
		name: name, detail: "Bedrock",
		api: awswire.API{Service: "bedrock", Faults: map[string]awswire.Code{
			"InternalServerException":     {Status: 500, Message: "An internal server error occurred."},
			"ModelTimeoutException":       {Status: 408, Message: "The request took too long to process."},
			"ServiceUnavailableException": {Status: 503, Message: "The service isn't currently available."},
			"ThrottlingException":         {Status: 429, Message: "Too many requests, please wait before trying again."},
		}},
		open: func() part { return &bedrock{answers} },
	}
}

type bedrock struct{ answers Model }

func (p *bedrock) contents() []cloud.Content { return nil }

func (p *bedrock) handle(b *Backend, r *awswire.Request) (any, error) {
	parts := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	operation := ""
	if len(parts) == 3 && parts[0] == "model" && r.Method == http.MethodPost {
		operation = map[string]string{"invoke": "InvokeModel", "converse": "Converse"}[parts[2]]
	}
	model, err := url.PathUnescape(parts[min(1, len(parts)-1)])
	if operation == "" || err != nil {
		return do[*bedrock](nil, p, "Bedrock", b, r)
	}
	answer, err := p.answers(model, operation, r.Body)
	if err != nil {
		return nil, &awswire.Error{Code: "ModelErrorException", Status: http.StatusFailedDependency, Message: err.Error()}
	}
	return json.RawMessage(answer), nil
}

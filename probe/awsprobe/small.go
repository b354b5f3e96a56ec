package awsprobe

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// naming is of services whose operations are on one thing, which the request names.
type naming struct {
	members []string // of the request: the first of those that it has is the resource
	reads   []string // beginnings of operations that change nothing
	fails   []string // refusals that are retried
	shorten func(string) string
}

// Each has its errors' page.
var namings = map[string]naming{
	// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
	"secretsmanager": {[]string{"SecretId", "Name"}, []string{"Get", "Describe", "List", "BatchGet"}, []string{"InternalServiceError", "ThrottlingException"}, SecretName},
	// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
	"ssm": {[]string{"Name", "Names", "Path"}, []string{"Get", "Describe", "List"}, []string{"InternalServerError", "ThrottlingException"}, nil},
	// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
	"kms": {[]string{"KeyId"}, []string{"Encrypt", "Decrypt", "Describe", "Generate", "Get", "List"}, []string{"KMSInternalException", "ThrottlingException"}, KeyName},
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
	"logs": {[]string{"logGroupName"}, []string{"Get", "Describe", "Filter"}, []string{"ServiceUnavailableException", "ThrottlingException"}, nil},
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
	"monitoring": {[]string{"Namespace"}, []string{"Get", "Describe", "List"}, []string{"InternalServiceFault", "Throttling"}, nil},
	// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
	"sts": {[]string{"RoleArn"}, []string{""}, []string{"InternalFailure", "ThrottlingException"}, nil},
	// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/CommonErrors.html
	"cognito-idp": {[]string{"UserPoolId"}, []string{"GetUser"}, []string{"InternalErrorException", "TooManyRequestsException"}, nil},
	// https://docs.aws.amazon.com/ses/latest/APIReference/CommonErrors.html
	"ses": {[]string{"Destination", "Destinations"}, []string{"Get", "List"}, []string{"InternalFailure", "Throttling"}, nil},
	// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html#API_runtime_InvokeModel_Errors
	"bedrock": {nil, []string{""}, []string{"InternalServerException", "ModelTimeoutException", "ServiceUnavailableException", "ThrottlingException"}, nil},
}

// describe names what an operation is on.
func (n naming) describe(t Target, op *event.Operation) {
	n.rest(t, op)
	op.Fails = n.fails
	if slices.ContainsFunc(n.reads, func(prefix string) bool { return strings.HasPrefix(op.Method, prefix) }) {
		op.Access = event.Reads
	}
	q := document{}
	switch body := bytes.TrimSpace(op.Request.Body); {
	case len(body) == 0 && t.Name == "":
	case len(body) > 0 && body[0] == '{':
		if q = canonical(op); q == nil {
			return
		}
	case bytes.Contains(body, []byte("Action=")):
		n.form(op, q)
	}
	for _, member := range n.members {
		if of := texts(q[member]); of != nil {
			if n.shorten != nil {
				of[0] = n.shorten(of[0])
			}
			op.Resource = resources(of)
			break
		}
	}
}

// rest tells the operations of APIs that speak REST, or CBOR, by their paths.
func (n naming) rest(t Target, op *event.Operation) {
	path, _, _ := strings.Cut(op.Resource, "?")
	switch parts := strings.Split(strings.Trim(path, "/"), "/"); {
	case t.Name != "" || op.Method != "POST" && op.Method != "PUT" && op.Method != "GET":
	case t.Service == "ses" && path == "/v2/email/outbound-emails":
		op.Method, op.Resource, op.Access = "SendEmail", "", event.Reads|event.Writes
	case t.Service == "bedrock" && len(parts) == 3 && parts[0] == "model":
		method, ok := models[parts[2]]
		model, err := url.PathUnescape(parts[1])
		if ok && err == nil {
			op.Method, op.Resource, op.Access = method, escape(model), event.Reads
		}
	case len(parts) == 4 && parts[0] == "service" && parts[2] == "operation":
		op.Method, op.Resource, op.Access = parts[3], "", event.Reads|event.Writes
	}
}

// models are the operations of Bedrock's runtime.
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html
var models = map[string]string{
	"invoke": "InvokeModel", "converse": "Converse",
	"invoke-with-response-stream": "InvokeModelWithResponseStream", "converse-stream": "ConverseStream",
}

// form reads a request of the Query protocol. Members of lists stand under the
// name that the list is a member of: Destination.ToAddresses.member.1.
func (n naming) form(op *event.Operation, q document) {
	values, err := url.ParseQuery(string(op.Request.Body))
	if err != nil {
		return
	}
	all := map[string]any{}
	for name, of := range values { //wtsim:order a map to a map
		all[name] = of[0]
	}
	for _, member := range n.members {
		var of []any
		for _, name := range sorted(all) {
			if name == member || strings.HasPrefix(name, member+".") {
				of = append(of, all[name])
			}
		}
		if of != nil {
			q[member] = of
		}
	}
	if text, err := json.Marshal(all); err == nil {
		op.Request.Body, op.Request.JSON = text, true
	}
}

// texts are the texts in a value, those of objects in the order of their names.
func texts(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, x := range v {
			out = append(out, texts(x)...)
		}
	case map[string]any:
		for _, name := range sorted(v) {
			out = append(out, texts(v[name])...)
		}
	}
	return out
}

func sorted(m map[string]any) (names []string) {
	for name := range m { //wtsim:order sorted below
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func resources(of []string) string {
	for i, s := range of {
		of[i] = escape(s)
	}
	return strings.Join(of, " ")
}

// SecretName is the name of a secret, which requests name by it or by its ARN.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
func SecretName(nameOrARN string) string {
	_, name, ok := strings.Cut(nameOrARN, ":secret:")
	if !ok || !strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN
	}
	if i := len(name) - 7; i > 0 && name[i] == '-' {
		return name[:i]
	}
	return name
}

// KeyName is the id of a key of KMS, or its alias, which requests name by it or by
// its ARN.
func KeyName(idOrARN string) string {
	if !strings.HasPrefix(idOrARN, "arn:") {
		return idOrARN
	}
	if _, id, ok := strings.Cut(idOrARN, ":key/"); ok {
		return id
	}
	if _, alias, ok := strings.Cut(idOrARN, ":alias/"); ok {
		return "alias/" + alias
	}
	return idOrARN
}

package gcpprobe

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/event"
)

// DescribeSecrets tells the operation of a call of the Secret Manager client: service
// "secretmanager", the method as the protocol names it ("accessSecretVersion"), the
// resource the secret without its project, with the version that is named behind it
// ("db-password/latest"); of all secrets "*", of all versions "db-password/*".
// request.payload.data is a value that is added, response.payload.data one that is
// accessed: redact them.
func DescribeSecrets(_ string, request proto.Message, op *event.Operation) {
	op.Service, op.Method, op.Fails = "secretmanager", lowerFirst(op.Method), auxFails
	name := firstField(request, "name", "secret.name", "parent", "resource")
	switch _, rest, ok := strings.Cut(name, "/secrets/"); {
	case op.Method == "createSecret":
		op.Resource = firstField(request, "secret_id")
	case ok:
		op.Resource = strings.Replace(rest, "/versions/", "/", 1)
	default:
		op.Resource = "*"
	}
	if op.Method == "listSecretVersions" {
		op.Resource += "/*"
	}
	op.Access = event.Reads | event.Writes
	if reading(op.Method) {
		op.Access = event.Reads
	}
}

func reading(method string) bool {
	for _, verb := range []string{"get", "list", "access", "test", "tail"} {
		if strings.HasPrefix(method, verb) {
			return true
		}
	}
	return false
}

// DescribeLogging tells the operation of a call of the Cloud Logging client: service
// "logging", the method as the protocol names it ("writeLogEntries"), the resource the
// ids of the logs, in order, with spaces between. One call writes what the client has
// gathered, of several invocations too; a rule with Each "request.entries" makes one
// event of each.
func DescribeLogging(_ string, request proto.Message, op *event.Operation) {
	op.Service, op.Method, op.Fails = "logging", lowerFirst(op.Method), auxFails
	if op.Access = event.Writes; reading(op.Method) {
		op.Access = event.Reads
	}
	if request == nil {
		return
	}
	names := []string{firstField(request, "log_name")}
	if fd := request.ProtoReflect().Descriptor().Fields().ByName("entries"); fd != nil && fd.IsList() && fd.Message() != nil {
		for list, i := request.ProtoReflect().Get(fd).List(), 0; i < list.Len(); i++ {
			names = append(names, textField(list.Get(i).Message(), "log_name"))
		}
	}
	var logs []string
	for _, name := range names {
		_, id, _ := strings.Cut(name, "/logs/")
		if plain, err := url.PathUnescape(id); err == nil && id != "" && id != LogOfClient {
			logs = append(logs, strings.ReplaceAll(plain, " ", "%20"))
		}
	}
	slices.Sort(logs)
	op.Resource = strings.Join(slices.Compact(logs), " ")
	if op.Method == "writeLogEntries" {
		op.Request.Body = withoutOwn(op.Request.Body)
	}
}

// LogOfClient is the log of an entry that Cloud Logging's client adds to the first that
// a process writes, about itself. It is no part of an operation, so that the same calls
// are the same operations whatever the process has done before.
const LogOfClient = "diagnostic-log"

// withoutOwn is a request without that entry, and without what comes with it.
func withoutOwn(body []byte) []byte {
	var request map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&request) != nil {
		return body
	}
	delete(request, "partialSuccess")
	if entries, ok := request["entries"].([]any); ok {
		request["entries"] = slices.DeleteFunc(entries, func(e any) bool {
			entry, _ := e.(map[string]any)
			name, _ := entry["logName"].(string)
			return strings.HasSuffix(name, "/logs/"+LogOfClient)
		})
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if e.Encode(request) != nil {
		return body
	}
	return bytes.TrimSuffix(out.Bytes(), []byte{'\n'})
}

// The codes that a client may meet at any time: the service does not answer, or a quota is
// used up.
// https://docs.cloud.google.com/secret-manager/quotas, https://docs.cloud.google.com/logging/quotas
// https://cloud.google.com/apis/design/errors#handling_errors
var auxFails = []string{"UNAVAILABLE", "RESOURCE_EXHAUSTED"}

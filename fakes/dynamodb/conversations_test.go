package dynamodb

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/fakes/fakestest"
)

// tables are those of the tests.
func tables() *Service {
	return New("dynamodb",
		Table{Name: "tee", Keys: "id S"},
		Table{Name: "ess", Keys: "pk S, at N", Indexes: []Index{
			{Name: "by-kind", Keys: "kind S, at N", Projects: "what"}, {Name: "by-size", Keys: "pk S, size N", Local: true, Projects: "KEYS_ONLY"}}},
		Table{Name: "enn", Keys: "n N"}, Table{Name: "bee", Keys: "k B"},
	)
}

// open opens a service and an instance of it.
func open(t testing.TB, s *Service) (*fakestest.Env, *http.Client) {
	t.Helper()
	e, err := fakestest.Open(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e, Client(e, "dynamodb")
}

// ask sends a request, and returns the answer's JSON, or an error's name,
// message and what else it tells.
func ask(t testing.TB, client *http.Client, line string) string {
	t.Helper()
	method, body, _ := strings.Cut(line, " ")
	r, err := http.NewRequest("POST", "https://dynamodb.us-east-1.amazonaws.com/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+method)
	if strings.Contains(method, "Stream") || strings.HasPrefix(method, "GetShard") || method == "GetRecords" {
		r.Header.Set("X-Amz-Target", "DynamoDBStreams_20120810."+method)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	resp, err := client.Do(r)
	if err != nil {
		return err.Error()
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK {
		return string(text)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	get := func(name string) (s string) {
		if fields[name] != nil {
			_ = json.Unmarshal(fields[name], &s)
			delete(fields, name)
		}
		return s
	}
	_, name, _ := strings.Cut(get("__type"), "#")
	out := name + ": " + get("message") + get("Message")
	for _, rest := range slices.Sorted(maps.Keys(fields)) {
		out += ` {"` + rest + `":` + string(fields[rest]) + "}"
	}
	return out
}

// What the documentation, and those who have asked the service itself, say
// that it answers.
func TestConversations(t *testing.T) {
	text, err := os.ReadFile("testdata/conversations.txt")
	if err != nil {
		t.Fatal(err)
	}
	var client *http.Client
	lines, asked := strings.Split(string(text), "\n"), 0
	for n, line := range lines {
		switch {
		case line == "":
			client = nil
		case line[0] == '#' || line[0] == '\t':
		default:
			if client == nil {
				_, client = open(t, tables())
			}
			asked++
			if got, want := ask(t, client, line), strings.TrimPrefix(lines[n+1], "\t"); got != want {
				t.Errorf("line %d: %s\ngot    %s\nwanted %s", n+1, line, got, want)
			}
		}
	}
	t.Logf("%d requests", asked)
}

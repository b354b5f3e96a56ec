package firestore

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	vkit "cloud.google.com/go/firestore/apiv1"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/fakes/fakestest"
)

// published are the conformance cases that come with the client's module, by
// the names of their files. They say what the client asks; here the server is
// asked the same.
func published(t *testing.T) map[string][]map[string]json.RawMessage {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "cloud.google.com/go/firestore").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "internal/conformance/testdata/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	out := map[string][]map[string]json.RawMessage{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var cases struct{ Tests []map[string]json.RawMessage }
		if err := json.Unmarshal(text, &cases); err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = cases.Tests
	}
	return out
}

// asked is a case's part that the server is asked.
type asked struct {
	Request json.RawMessage
	Query   json.RawMessage
	IsError bool
}

// Every request that the client's conformance cases have it make is understood,
// and does what it says: what is created is there and cannot be created again,
// what is updated must be there, fields and masks hold.
func TestPublishedCases(t *testing.T) {
	commits, queries, gets, client := 0, 0, 0, 0
	for file, cases := range published(t) {
		for _, c := range cases {
			for kind, raw := range c {
				var a asked
				if kind == "description" || kind == "comment" || json.Unmarshal(raw, &a) != nil {
					continue
				}
				switch {
				case a.IsError || kind == "listen": // the client alone: it refuses, or reads what it is sent
					client++
				case kind == "query":
					queries++
					runPublished(t, file, a.Query)
				case kind == "get":
					gets++
				default:
					commits++
					commitPublished(t, file, kind, a.Request)
				}
			}
		}
	}
	t.Logf("%d commits, %d queries and %d reads; %d cases are the client's alone", commits, queries, gets, client)
	if commits < 60 || queries < 15 {
		t.Error("there were more cases")
	}
}

func raw(t *testing.T) *vkit.Client {
	t.Helper()
	e, err := fakestest.Open(context.Background(), New("firestore"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	c, err := vkit.NewClient(e.Context(), Option(e, "firestore"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func decode(t *testing.T, file string, text json.RawMessage, m proto.Message) {
	t.Helper()
	if err := protojson.Unmarshal(text, m); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func runPublished(t *testing.T, file string, text json.RawMessage) {
	t.Helper()
	q := &pb.StructuredQuery{}
	decode(t, file, text, q)
	stream, err := raw(t).RunQuery(t.Context(), &pb.RunQueryRequest{Parent: "projects/projectID/databases/(default)/documents",
		QueryType: &pb.RunQueryRequest_StructuredQuery{StructuredQuery: q}})
	if err == nil {
		_, err = stream.Recv()
	}
	if c := status.Code(err); c != codes.OK && c != codes.FailedPrecondition { // without an index
		t.Errorf("%s: %v", file, err)
	}
}

func commitPublished(t *testing.T, file, kind string, text json.RawMessage) {
	t.Helper()
	r := &pb.CommitRequest{}
	decode(t, file, text, r)
	name, err := target(r.Writes[0])
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	c := raw(t)
	set := func(fields map[string]*pb.Value) *pb.CommitResponse {
		answer, err := c.Commit(t.Context(), &pb.CommitRequest{Database: r.Database, Writes: []*pb.Write{{Operation: &pb.Write_Update{Update: &pb.Document{Name: name, Fields: fields}}}}})
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		return answer
	}
	there := map[string]*pb.Value{"there": {ValueType: &pb.Value_BooleanValue{BooleanValue: true}}}
	first := r.Writes[0].GetCurrentDocument()
	switch x := first.GetConditionType().(type) {
	case *pb.Precondition_Exists:
		if x.Exists {
			if _, err := c.Commit(t.Context(), r); status.Code(err) != codes.NotFound {
				t.Errorf("%s: of what is not there: %v", file, err)
			}
			set(there)
		}
	case *pb.Precondition_UpdateTime:
		set(there)
		if _, err := c.Commit(t.Context(), r); status.Code(err) != codes.FailedPrecondition {
			t.Errorf("%s: of another time: %v", file, err)
		}
		first.ConditionType = &pb.Precondition_UpdateTime{UpdateTime: set(map[string]*pb.Value{}).CommitTime}
	}
	if _, err := c.Commit(t.Context(), r); err != nil {
		t.Errorf("%s: %v", file, err)
		return
	}
	if kind == "create" {
		if _, err := c.Commit(t.Context(), r); status.Code(err) != codes.AlreadyExists {
			t.Errorf("%s: a second time: %v", file, err)
		}
	}
	looksAsWritten(t, file, c, r)
}

// looksAsWritten compares the document with what the first write says of it.
func looksAsWritten(t *testing.T, file string, c *vkit.Client, r *pb.CommitRequest) {
	t.Helper()
	w := r.Writes[0]
	name, _ := target(w)
	stream, err := c.BatchGetDocuments(t.Context(), &pb.BatchGetDocumentsRequest{Database: r.Database, Documents: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if w.GetDelete() != "" {
		if got.GetMissing() != name {
			t.Errorf("%s: it is there", file)
		}
		return
	}
	fields := got.GetFound().GetFields()
	for _, x := range w.UpdateTransforms {
		by, _ := parseField(x.FieldPath)
		if fieldOf(fields, by) == nil {
			t.Errorf("%s: %s was not transformed", file, x.FieldPath)
		}
		fields = withField(fields, by, nil) // the rest is as the write has it
	}
	for field, want := range w.GetUpdate().GetFields() {
		if w.UpdateMask == nil && !equal(fields[field], want) && kindOf(want) != kindMap {
			t.Errorf("%s: %s = %v, wanted %v", file, field, fields[field], want)
		}
	}
	for _, path := range w.UpdateMask.GetFieldPaths() {
		by, err := parseField(path)
		if err != nil {
			t.Fatal(err)
		}
		want, have := fieldOf(w.GetUpdate().GetFields(), by), fieldOf(fields, by)
		if want == nil && have != nil && len(have.GetMapValue().GetFields()) == 0 && kindOf(have) == kindMap {
			continue // what a transform was in
		}
		if (want == nil) != (have == nil) || want != nil && !equal(want, have) {
			t.Errorf("%s: %s = %v, wanted %v", file, path, have, want)
		}
	}
}

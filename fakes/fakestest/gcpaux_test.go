package fakestest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/logging"
	loggingv2 "cloud.google.com/go/logging/apiv2"
	"cloud.google.com/go/logging/apiv2/loggingpb"
	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/genproto/googleapis/api/monitoredres"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/gcpaux"
	"github.com/wtsim/wtsim/probe"
)

// inGCP runs f in a bubble with a service.
func inGCP(t *testing.T, s *gcpaux.Service, f func(e *Env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, err := Open(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(cloud.Deployment{}); err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		f(e)
	})
}

func secretClient(t *testing.T, e *Env) *secretmanager.Client {
	t.Helper()
	c, err := secretmanager.NewClient(e.Context(), gcpaux.Option(e, "secretmanager"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Our Secret Manager keeps what Secret Manager promises.
func TestSecretManager(t *testing.T) {
	inGCP(t, gcpaux.Secrets("secretmanager"), func(e *Env) {
		if err := SecretManager(e.Context(), secretClient(t, e), "shop"); err != nil {
			t.Error(err)
		}
		if lacking := e.Kernel.Lacking(); len(lacking) > 0 {
			t.Errorf("lacking %q", lacking)
		}
		if got := e.Entered(); !slices.Contains(got, "accessSecretVersion suite-0/1") || !slices.Contains(got, "createSecret suite-0") || !slices.Contains(got, "listSecretVersions suite-6/*") {
			t.Errorf("operations are %q", got)
		}
	})
}

// The suite notices answers that are lost, and values that are another.
func TestSecretManagerNotices(t *testing.T) {
	for method, check := range map[string]string{
		"addSecretVersion": "a value is read back, with its checksum", "disableSecretVersion": "what is disabled is not accessed until it is enabled",
		"destroySecretVersion": "what is destroyed stays so", "enableSecretVersion": "an ETag keeps a change from happening", "updateSecret": "an alias names a version",
	} {
		inGCP(t, gcpaux.Secrets("secretmanager"), func(e *Env) {
			e.Verdict = func(c *probe.Call) probe.Fate {
				if c.Op.Method == method {
					return probe.Fate{Action: probe.Refuse, With: "RESOURCE_EXHAUSTED"}
				}
				return probe.Fate{}
			}
			if err := SecretManager(e.Context(), secretClient(t, e), "shop"); err == nil || !strings.Contains(err.Error(), check+": ") {
				t.Errorf("without %s: %v", method, err)
			}
		})
	}
}

// A declared secret has its versions, and is rotated; what is not there is refused by
// name.
func TestSecretManagerDeclared(t *testing.T) {
	inGCP(t, gcpaux.Secrets("secretmanager", gcpaux.Secret{Name: "db", Values: []string{"old", "new"}, Rotations: []gcpaux.Rotation{{After: time.Hour, Value: "newer"}}}), func(e *Env) {
		c := secretClient(t, e)
		access := func(which string) string {
			got, err := c.AccessSecretVersion(e.Context(), &pb.AccessSecretVersionRequest{Name: "projects/123/secrets/db/versions/" + which})
			if err != nil {
				return status.Code(err).String()
			}
			return string(got.Payload.Data)
		}
		if got := access("1") + " " + access("latest") + " " + Contents(e.Backend("secretmanager")); got != "old new db/1=old,db/2=new" {
			t.Errorf("got %s", got)
		}
		if _, err := c.CreateSecret(e.Context(), &pb.CreateSecretRequest{Parent: "projects/p", SecretId: "x", Secret: &pb.Secret{Expiration: &pb.Secret_Ttl{Ttl: durationpb.New(time.Hour)}}}); status.Code(err) != codes.Unimplemented {
			t.Errorf("a time to live: %v", err)
		}
		if it := c.ListSecrets(e.Context(), &pb.ListSecretsRequest{Parent: "projects/p", Filter: "name:x"}); it != nil {
			if _, err := it.Next(); status.Code(err) != codes.Unimplemented {
				t.Errorf("a filter: %v", err)
			}
		}
		if got := e.Kernel.Lacking(); len(got) != 2 || got[0] != "Secret Manager's expiry of secrets" {
			t.Errorf("lacking %q", got)
		}
	})
	for _, s := range []gcpaux.Secret{{Name: ""}, {Name: "a b"}, {Name: "x", Rotations: []gcpaux.Rotation{{Value: "y"}}}} {
		if gcpaux.Secrets("secretmanager", s).Check(cloud.Deployment{}) == nil {
			t.Errorf("%v is accepted", s)
		}
	}
}

// Entries of the client's loggers, and of its generated client, are seen in order; twice
// the same counts once; what is wrong is refused, all or in part; reading is refused by
// name. What the client says of itself, once in a process, is none of it.
func TestLogging(t *testing.T) {
	var requests []string
	for range 2 {
		logs(t, func(e *Env) { requests = append(requests, string(e.Operations()[0].Request.Body)) })
	}
	if requests[0] != requests[1] || !strings.Contains(requests[0], `"order":"o-1"`) {
		t.Errorf("the first request is\n%s\nand another time\n%s", requests[0], requests[1])
	}
}

func logs(t *testing.T, end func(*Env)) {
	t.Helper()
	inGCP(t, gcpaux.Logs("logging"), func(e *Env) {
		c, err := logging.NewClient(e.Context(), "projects/shop", gcpaux.Option(e, "logging"))
		if err != nil {
			t.Fatal(err)
		}
		l := c.Logger("orders", logging.CommonResource(&monitoredres.MonitoredResource{Type: "global"}))
		l.Log(logging.Entry{Payload: "first", InsertID: "1"})
		l.Log(logging.Entry{Payload: map[string]any{"order": "o-1", "a": 1}})
		if err := l.Flush(); err != nil {
			t.Fatal(err)
		}
		v2, err := loggingv2.NewClient(e.Context(), gcpaux.Option(e, "logging"))
		if err != nil {
			t.Fatal(err)
		}
		text := func(log, text string) *loggingpb.LogEntry {
			return &loggingpb.LogEntry{LogName: log, InsertId: "x", Payload: &loggingpb.LogEntry_TextPayload{TextPayload: text}, Resource: &monitoredres.MonitoredResource{Type: "global"}}
		}
		write := func(partial bool, entries ...*loggingpb.LogEntry) codes.Code {
			_, err := v2.WriteLogEntries(e.Context(), &loggingpb.WriteLogEntriesRequest{Entries: entries, PartialSuccess: partial})
			return status.Code(err)
		}
		const run = "projects/shop/logs/run.googleapis.com%2Fstdout"
		got := []codes.Code{write(false, text(run, "a"), text("nowhere", "b")), write(true, text("nowhere", "b"), text(run, "c")), write(false, text(run, "c")), write(false)}
		if want := []codes.Code{codes.InvalidArgument, codes.InvalidArgument, codes.OK, codes.InvalidArgument}; !slices.Equal(got, want) {
			t.Errorf("got %v, wanted %v", got, want)
		}
		if got := Contents(e.Backend("logging")); got != `orders/1=first,orders/2={"a":1,"order":"o-1"},run.googleapis.com/stdout/1=c` {
			t.Errorf("it has %s", got)
		}
		if err := v2.DeleteLog(e.Context(), &loggingpb.DeleteLogRequest{LogName: run}); status.Code(err) != codes.Unimplemented || len(e.Kernel.Lacking()) != 1 {
			t.Errorf("it deletes a log: %v, lacking %q", err, e.Kernel.Lacking())
		}
		if got := e.Entered(); got[0] != "writeLogEntries orders" {
			t.Errorf("operations are %q", got)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		end(e)
	})
}

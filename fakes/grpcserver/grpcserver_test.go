package grpcserver

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/probe"
)

// clinic is a server with a state: it remembers who was asked after.
type clinic struct {
	grpc_health_v1.UnimplementedHealthServer
	asked []string
}

func (c *clinic) Check(ctx context.Context, r *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	if r.Service == "nobody" {
		return nil, status.Error(codes.NotFound, "unknown service")
	}
	c.asked = append(c.asked, r.Service+strings.Join(metadata.ValueFromIncomingContext(ctx, "by"), ""))
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

func (c *clinic) Contents() []cloud.Content {
	return []cloud.Content{{Key: "asked", Value: strings.Join(c.asked, " ")}}
}

func health() *Service {
	return New("clinic", func(r grpc.ServiceRegistrar) { grpc_health_v1.RegisterHealthServer(r, &clinic{}) })
}

func open(t *testing.T) (*fakestest.Env, grpc_health_v1.HealthClient) {
	t.Helper()
	e, err := fakestest.Open(t.Context(), health())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e, grpc_health_v1.NewHealthClient(Conn(e, "clinic"))
}

// A real generated client reaches the server, with metadata; each call is an
// operation of the scenario's service; each run has a server of its own.
func TestCall(t *testing.T) {
	for range 2 {
		e, client := open(t)
		ctx := metadata.AppendToOutgoingContext(t.Context(), "by", "@me")
		if got, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "pay"}); err != nil || got.Status != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Fatal(got, err)
		}
		if _, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "nobody"}); status.Code(err) != codes.NotFound {
			t.Error(err)
		}
		ops := e.Operations()
		if len(ops) != 2 || ops[0].Service != "clinic" || ops[0].Method != "Check" || string(ops[0].Request.Body) != `{"service":"pay"}` || ops[1].Result.Status != "NOT_FOUND" {
			t.Errorf("got %+v", ops)
		}
		if got := e.Backend("").Contents(); len(got) != 1 || got[0].Value != "pay@me" {
			t.Errorf("got %v", got)
		}
	}
}

// A call that is refused, as the service may be away, has no effect.
func TestRefused(t *testing.T) {
	e, client := open(t)
	e.Verdict = func(*probe.Call) probe.Fate { return probe.Fate{Action: probe.Refuse, With: "UNAVAILABLE"} }
	if _, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "pay"}); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
	if got := e.Backend("").Contents(); got[0].Value != "" {
		t.Errorf("got %v", got)
	}
}

// Streams are refused by name, and nothing registered is a mistake.
func TestLimits(t *testing.T) {
	_, client := open(t)
	stream, err := client.Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "wtsim does not have /grpc.health.v1.Health/Watch") {
		t.Error(err)
	}
	if _, err := fakestest.Open(t.Context(), New("empty", func(grpc.ServiceRegistrar) {})); err == nil || !strings.Contains(err.Error(), "registers nothing") {
		t.Error(err)
	}
}

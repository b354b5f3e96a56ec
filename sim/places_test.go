package sim_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/grpcserver"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// placed is a scenario whose function calls services where its source says.
func placed(h http.HandlerFunc, services ...cloud.Service) sim.Scenario {
	return sim.Scenario{
		Name: "placed", Platform: gcp.CloudRun().Within(time.Minute), Services: services,
		Functions:  []sim.Function{{Name: "f", Handler: cloud.HTTP(h)}},
		Clients:    []sim.Client{calls("alice", "f")},
		Rules:      []probe.Rule{{Service: "api.example", Method: "GET", Resource: "/v1", Emit: "ASKED"}},
		Properties: []*props.Property{props.AtMostOnce("asked once", props.On("ASKED"))},
	}
}

func api() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "from "+r.Host) })
}

// A program that has an address written down reaches the service that says that
// it is there; its operations are the service's.
func TestPlaced(t *testing.T) {
	s := placed(func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.Get("http://127.0.0.1:8080/v1")
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		_, _ = io.Copy(w, resp.Body)
	}, web.New("api.example", api).At("localhost:8080"))
	r := compile(t, s).Run(scheduler.Benign{})
	if r.Verdict != sim.Held || len(r.Steps) < 2 || !strings.HasPrefix(r.Steps[1].Identity, "f(alice/1):api.example.GET") || len(r.Steps[1].Events) != 1 {
		t.Errorf("%s %s %+v", r.Verdict, r.Why, r.Steps)
	}
}

// Another port is somebody else's.
func TestPlacedElsewhere(t *testing.T) {
	s := placed(func(w http.ResponseWriter, r *http.Request) { _, _ = http.Get("http://127.0.0.1:8081/v1") }, web.New("api.example", api).At("localhost:8080"))
	if r := compile(t, s).Run(scheduler.Benign{}); r.Verdict != sim.Inconclusive || !strings.Contains(r.Why, "127.0.0.1:8081") {
		t.Errorf("%s %s", r.Verdict, r.Why)
	}
}

// On the patched runtime so does a client that dials.
func TestPlacedDial(t *testing.T) {
	patched(t)
	for _, address := range []string{"localhost:6379", "192.0.2.11:8085"} { // the second is what ${redis} stands for
		s := placed(func(w http.ResponseWriter, r *http.Request) {
			c := goredis.NewClient(&goredis.Options{Addr: address})
			defer c.Close()
			if err := c.Set(r.Context(), "k", 1, 0).Err(); err != nil {
				http.Error(w, err.Error(), 500)
			}
		}, web.New("api.example", api), redis.New("redis").At("localhost:6379"))
		r := compile(t, s).Run(scheduler.Benign{})
		if r.Verdict != sim.Held || len(r.Steps) < 2 || r.Steps[1].What != "redis SET k" || r.Steps[1].Status != "OK" {
			t.Errorf("%s: %s %s %+v", address, r.Verdict, r.Why, r.Steps)
		}
	}
}

// Two services are not at one place, and a place is an address.
func TestPlacesChecked(t *testing.T) {
	for want, services := range map[string][]cloud.Service{
		`services "a" and "b" are both at 127.0.0.1:6379`:       {redis.New("a").At("localhost:6379"), redis.New("b").At("127.0.0.1:6379")},
		`its address "http://localhost" is none, wanted a host`: {redis.New("a").At("http://localhost")},
	} {
		s := placed(func(http.ResponseWriter, *http.Request) {}, append(services, web.New("api.example", api))...)
		if _, err := sim.Compile(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, wanted %s", err, want)
		}
	}
}

// The host of a service can be looked up, by itself and by what clients look for
// below it; other names leave the simulation.
func TestPlacedNames(t *testing.T) {
	said := map[string]string{}
	s := placed(func(w http.ResponseWriter, r *http.Request) {
		all, err := net.DefaultResolver.LookupHost(r.Context(), "cache.internal")
		said["host"] = fmt.Sprint(all, err)
		_, _, err = net.DefaultResolver.LookupSRV(r.Context(), "grpclb", "tcp", "cache.internal")
		said["below"] = fmt.Sprint(err)
		_, _ = http.Get("http://localhost:8080/v1")
	}, web.New("api.example", api).At("localhost:8080"), redis.New("redis").At("cache.internal:6379"))
	r := compile(t, s).Run(scheduler.Benign{})
	if r.Verdict != sim.Held || said["host"] != "[192.0.2.11] <nil>" || !strings.Contains(said["below"], "no such host") {
		t.Errorf("%s %s %q", r.Verdict, r.Why, said)
	}
}

// A resolver of an application's own is answered as the default one is: by the
// services, and by nobody for the hosts that clients look for in vain.
func TestPlacedOwnResolver(t *testing.T) {
	asks := func(host string) (answer string, r *sim.Result) {
		s := placed(func(w http.ResponseWriter, r *http.Request) {
			all, err := (&net.Resolver{PreferGo: true}).LookupHost(r.Context(), host)
			answer = fmt.Sprint(all, err)
			_, _ = http.Get("http://localhost:8080/v1")
		}, web.New("api.example", api).At("localhost:8080"), redis.New("redis").At("cache.internal:6379"))
		r = compile(t, s).Run(scheduler.Benign{})
		return answer, r
	}
	for host, want := range map[string]string{"cache.internal": "[192.0.2.11] <nil>", "metadata.google.internal": "no such host"} {
		if got, r := asks(host); r.Verdict != sim.Held || !strings.Contains(got, want) {
			t.Errorf("%s: %s, %s %s", host, got, r.Verdict, r.Why)
		}
	}
	if _, r := asks("db.example"); r.Verdict != sim.Inconclusive || !strings.Contains(r.Why, "calls db.example past the seam") {
		t.Errorf("db.example: %s %s", r.Verdict, r.Why)
	}
}

// A gRPC client, which looks hosts up by itself, reaches a server at its place.
func TestPlacedGRPC(t *testing.T) {
	patched(t)
	s := placed(func(w http.ResponseWriter, r *http.Request) {
		conn, err := grpc.NewClient("health.internal:443", grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		defer conn.Close()
		if _, err := healthpb.NewHealthClient(conn).Check(r.Context(), &healthpb.HealthCheckRequest{}); err != nil {
			http.Error(w, err.Error(), 500)
		}
	}, grpcserver.New("health", func(r grpc.ServiceRegistrar) { healthpb.RegisterHealthServer(r, health.NewServer()) }).At("health.internal:443"))
	s.Rules[0] = probe.Rule{Service: "health", Emit: "ASKED"}
	r := compile(t, s).Run(scheduler.Benign{})
	if r.Verdict != sim.Held || len(r.Steps) < 2 || !strings.HasPrefix(r.Steps[1].What, "health ") {
		t.Errorf("%s %s %+v", r.Verdict, r.Why, r.Steps)
	}
}

package sim_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"testing"
	"time"

	gpubsub "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/storage"
	"github.com/alicebob/miniredis/v2"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	goredis "github.com/redis/go-redis/v9"
	"google.golang.org/api/option"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// What does the simulator cost? Each pair makes the same calls through the
// same client against the same fake: once in a plain loop in a bubble, once
// as the benign schedule of a scenario; set-up is part of both. The collector
// is off and runs between iterations, as in a search. Run them with
//
//	go test ./sim -run '^$' -bench Cost
//
// and compare the two lines of a pair; BenchmarkCostRatio prints the ratio,
// taken in one run by turns.
func BenchmarkCost(b *testing.B) {
	for _, p := range pairs() {
		b.Run(p.name+"/plain", func(b *testing.B) { p.loop(b, p.plain) })
		b.Run(p.name+"/simulated", func(b *testing.B) { p.loop(b, p.run(b)) })
	}
}

// BenchmarkCostRatio reports simulated time over plain time, by turns.
func BenchmarkCostRatio(b *testing.B) {
	for _, p := range pairs() {
		b.Run(p.name, func(b *testing.B) {
			defer debug.SetGCPercent(debug.SetGCPercent(-1))
			simulated, n := p.run(b), 0
			var plainTime, simTime time.Duration
			for b.Loop() {
				plainTime += timed(p.plain)
				simTime += timed(simulated)
				if n++; n%16 == 0 {
					debug.FreeOSMemory()
				}
			}
			b.ReportMetric(float64(simTime)/float64(plainTime), "ratio")
		})
	}
}

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// pair is one workload.
type pair struct {
	name      string
	calls     func(context.Context, clients) error
	direct    func(context.Context) clients // straight to the fake, without the seam
	simulated sim.Scenario
}

// clients are the real client libraries' clients.
type clients struct {
	redis    *goredis.Client
	bucket   *storage.BucketHandle
	messages *gpubsub.Client
	close    func()
}

func pairs() []pair {
	r := []cloud.Service{redis.New("redis")}
	throughRedis := func(env cloud.Env) clients { return clients{redis: redis.Client(env, "redis", nil)} }
	throughGCS := func(env cloud.Env) clients { return clients{bucket: gcs.Client(env, "gcs").Bucket("bucket")} }
	return []pair{
		newPair("redis-10", redisCalls(10), directRedis, r, throughRedis),
		newPair("redis-100", redisCalls(100), directRedis, r, throughRedis),
		newPair("pubsub-10", pubsubCalls(10), directPubSub, []cloud.Service{pubsub.New("pubsub").Topics("topic")}, func(env cloud.Env) clients { return clients{messages: pubsub.Client(env, "pubsub")} }),
		newPair("gcs-2-writes-2-reads", gcsCalls, directGCS(), []cloud.Service{gcs.New("gcs", "bucket")}, throughGCS),
	}
}

func newPair(name string, calls func(context.Context, clients) error, direct func(context.Context) clients,
	services []cloud.Service, through func(cloud.Env) clients) pair {
	handler := func(env cloud.Env) (cloud.Handler, error) {
		c := through(env)
		return cloud.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := calls(r.Context(), c); err != nil {
				panic(err)
			}
		})), nil
	}
	return pair{name: name, calls: calls, direct: direct, simulated: sim.Scenario{
		Name: "cost", Platform: gcp.CloudRun().Within(time.Minute), Services: services,
		Functions: []sim.Function{{Name: "f", New: handler}},
		Clients:   []sim.Client{{Name: "c", Requests: []sim.Request{{Function: "f"}}}},
	}}
}

func directRedis(context.Context) clients {
	server := miniredis.NewMiniRedis()
	server.ClockTTL(true)
	client := goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:6379",
		Dialer: func(context.Context, string, string) (net.Conn, error) { return server.Dial() }})
	return clients{redis: client, close: func() {
		_ = client.Close()
		server.Close()
	}}
}

// directGCS keeps one server for all iterations, as the fake does.
func directGCS() func(context.Context) clients {
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true})
	if err != nil {
		panic(err)
	}
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "bucket"})
	return func(ctx context.Context) clients {
		client, err := storage.NewClient(ctx, option.WithoutAuthentication(), option.WithHTTPClient(server.HTTPClient()))
		if err != nil {
			panic(err)
		}
		return clients{bucket: client.Bucket("bucket"), close: func() { _ = client.Close() }}
	}
}

// directPubSub has no platform behind it but one that takes messages.
func directPubSub(ctx context.Context) clients {
	e, err := fakestest.Open(ctx, pubsub.New("pubsub").Topics("topic"))
	if err != nil {
		panic(err)
	}
	client := pubsub.Client(e, "pubsub")
	return clients{messages: client, close: func() {
		_ = client.Close()
		e.Close()
	}}
}

func pubsubCalls(n int) func(context.Context, clients) error {
	return func(ctx context.Context, c clients) error {
		p := c.messages.Publisher("topic")
		defer p.Stop()
		for i := range n {
			if _, err := p.Publish(ctx, &gpubsub.Message{Data: fmt.Appendf(nil, `{"n":%d}`, i)}).Get(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

func redisCalls(n int) func(context.Context, clients) error {
	return func(ctx context.Context, c clients) error {
		for i := range n {
			if err := c.redis.Set(ctx, "key", i, 0).Err(); err != nil {
				return err
			}
		}
		return nil
	}
}

func gcsCalls(ctx context.Context, c clients) error {
	for i := range 2 {
		if err := writeAndRead(ctx, c.bucket.Object(fmt.Sprintf("object-%d", i))); err != nil {
			return err
		}
	}
	return nil
}

func writeAndRead(ctx context.Context, object *storage.ObjectHandle) error {
	w := object.NewWriter(ctx)
	if _, err := w.Write([]byte("content")); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	r, err := object.NewReader(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	_, err = io.ReadAll(r)
	return err
}

// plain makes the calls in a loop, with nothing of the simulator.
func (p pair) plain() {
	err := bubble.Run(bubble.Options{}, func(*bubble.Beat) {
		c := p.direct(context.Background())
		if err := p.calls(context.Background(), c); err != nil {
			panic(err)
		}
		c.close()
	})
	if err != nil {
		panic(err)
	}
}

// run makes them as the benign schedule of a scenario.
func (p pair) run(b *testing.B) func() {
	s, err := sim.Compile(p.simulated)
	if err != nil {
		b.Fatal(err)
	}
	return func() {
		if r := s.Run(scheduler.Benign{}); r.Verdict != sim.Held {
			b.Fatal(r.Verdict, r.Why, r.Stack)
		}
	}
}

func (p pair) loop(b *testing.B, run func()) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		run()
		if n%16 == 15 {
			b.StopTimer()
			debug.FreeOSMemory()
			b.StartTimer()
		}
	}
}

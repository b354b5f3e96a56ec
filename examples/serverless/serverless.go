// Package serverless is the monitor and an application that it watches, as two
// functions of Cloud Run: Shop records what it does and sends it to Monitor, which
// judges it over Redis and tells on standard output what is violated.
//
//	gcloud run deploy monitor --source . --function Monitor --base-image go126 --no-cpu-throttling \
//	  --set-env-vars REDIS_ADDR=10.0.0.3:6379 --set-secrets MONITOR_TOKEN=monitor-token:latest --network default
//	gcloud run deploy shop --source . --function Shop --base-image go126 \
//	  --set-env-vars REDIS_ADDR=10.0.0.3:6379,MONITOR_URL=https://monitor-abc.a.run.app --set-secrets MONITOR_TOKEN=monitor-token:latest
//	gcloud scheduler jobs create http monitor-tick --schedule '* * * * *' --http-method POST \
//	  --uri https://monitor-abc.a.run.app/v1/tick --headers "Authorization=Bearer $TOKEN"
//
// The Redis of the monitor syncs each write (appendfsync always). Events can come
// by Pub/Sub as well: a push subscription whose endpoint is the monitor's address.
//
// Package onlambda is the same two on AWS Lambda.
package serverless

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/function"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/httpprobe"
	"github.com/wtsim/wtsim/probe/redisprobe"
	"github.com/wtsim/wtsim/probe/sink"
	"github.com/wtsim/wtsim/props"
)

//go:embed properties.yaml
var properties []byte

// rules say which operations of the shop are events.
var rules = []probe.Rule{
	{Service: "redis", Method: "INCR", Resource: "charges/{order}", Emit: "CHARGED", With: map[string]string{"order": "{order}"}},
}

func init() {
	functions.HTTP("Monitor", lazily(openMonitor))
	functions.HTTP("Shop", lazily(openShop))
}

// lazily makes a function with the first request for it: both are in one source,
// and each deployment has the environment of one.
func lazily(open func() (http.Handler, error)) http.HandlerFunc {
	opened := sync.OnceValues(open)
	return func(w http.ResponseWriter, r *http.Request) {
		h, err := opened()
		if err != nil {
			log.Print(err)
			http.Error(w, "not configured", http.StatusInternalServerError)
			return
		}
		h.ServeHTTP(w, r)
	}
}

// Monitor judges over the Redis of the environment.
func Monitor() (*function.Function, error) {
	all, err := props.Parse("properties.yaml", properties)
	if err != nil {
		return nil, err
	}
	program, err := monitor.Compile(all...)
	if err != nil {
		return nil, err
	}
	return function.New(function.Options{
		Program: program, Redis: redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR")}),
		Stream: monitor.StreamOptions{Lateness: 10 * time.Second}, Ahead: 5 * time.Minute,
		Tell: func(_ context.Context, violation []byte) error {
			_, err := fmt.Printf("%s\n", violation)
			return err
		},
	})
}

func openMonitor() (http.Handler, error) {
	f, err := Monitor()
	return WithToken(os.Getenv("MONITOR_TOKEN"), f), err
}

// WithToken lets requests through that have a token. Behind Cloud Run's own
// authentication, which Pub/Sub's push wants, it is not needed.
func WithToken(token string, h http.Handler) http.Handler {
	want := []byte("Bearer " + token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token == "" || subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			http.Error(w, "wanted the token", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func openShop() (http.Handler, error) {
	shop, recorder, err := OpenShop()
	return httpprobe.Handler(recorder, shop), err
}

// OpenShop is the shop over the Redis of the environment, and what records what it
// does there, for the environment's monitor.
func OpenShop() (*Shop, *probe.Recorder, error) {
	compiled, err := probe.CompileRules(rules)
	if err != nil {
		return nil, nil, err
	}
	out, err := sink.HTTP(sink.Monitor{URL: os.Getenv("MONITOR_URL"), Token: os.Getenv("MONITOR_TOKEN")}, sink.Options{})
	if err != nil {
		return nil, nil, err
	}
	recorder := probe.NewRecorder("shop", rand.Text(), compiled, out)
	dial := redisprobe.Dialer(recorder, "redis", (&net.Dialer{}).DialContext)
	return &Shop{redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR"), Dialer: dial})}, recorder, nil
}

// Shop charges each order that it is sent, however often that is.
type Shop struct{ store *redis.Client }

// Charge charges the order of a path.
func (s *Shop) Charge(ctx context.Context, path string) error {
	return s.store.Incr(ctx, "charges"+path).Err()
}

func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.Charge(r.Context(), r.URL.Path); err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

package command

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	gpubsub "cloud.google.com/go/pubsub/v2"
	goredis "github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/sim"
)

// dying are scenarios that count a message, and do something about one that
// is counted more than once.
func dying() []sim.Scenario {
	var out []sim.Scenario
	for _, s := range []struct {
		name string
		do   func(n int64)
	}{
		{"test/counts", func(int64) {}},
		{"test/thrice", thrice},
		{"test/killed-once", func(n int64) {
			killOnce()
			thrice(n)
		}},
		{"test/killed", func(n int64) {
			if n > 1 {
				kill()
			}
		}},
		{"test/exits", func(n int64) {
			if n > 1 {
				os.Exit(7)
			}
		}},
		{"test/fatal-later", func(n int64) {
			if n > 2 {
				go panic("counted three times")
				time.Sleep(time.Second)
			}
		}},
		{"test/talks", func(n int64) {
			early.Print(`{"done":{"through":1000,"whole":true}}`)
			fmt.Fprint(early.Writer(), "no newline")
		}},
		{"test/talks-and-dies", func(n int64) {
			println(strings.Repeat("x", 1<<16))
			if n > 2 {
				go panic("counted three times")
				time.Sleep(time.Second)
			}
		}},
		{"test/stuck", func(n int64) {
			if n > 1 {
				var mu sync.Mutex
				mu.Lock()
				go mu.Lock()
				time.Sleep(time.Second)
			}
		}},
	} {
		out = append(out, counting(s.name, s.do))
	}
	return out
}

// early is a logger that was made before a run captures what is printed.
var early = log.New(os.Stdout, "", 0)

// thrice is a violation that needs two deviations.
func thrice(n int64) {
	if n > 2 {
		panic("counted three times")
	}
}

// invoked is how often this process has counted.
var invoked int

// killOnce ends the process from outside, as it were, in its 30th invocation:
// the first that gets to create the file that the environment names.
func killOnce() {
	if invoked++; invoked != 30 {
		return
	}
	f, err := os.OpenFile(os.Getenv("TEST_KILLED_ONCE"), os.O_CREATE|os.O_EXCL, 0o644)
	if err == nil {
		f.Close()
		kill()
	}
}

func kill() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	panic(err) // unless it is gone
}

func counting(name string, do func(n int64)) sim.Scenario {
	return sim.Scenario{
		Meant: []string{sim.MeantNoProperties},
		Name:  name, Doc: "of the tests",
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), pubsub.New("pubsub")},
		Functions: []sim.Function{
			{Name: "post", New: func(env cloud.Env) (cloud.Handler, error) {
				return post(pubsub.Client(env, "pubsub").Publisher("hits")), nil
			}},
			{Name: "count", Triggers: pubsub.On("hits"), New: func(env cloud.Env) (cloud.Handler, error) {
				return count(redis.Client(env, "redis", nil), do), nil
			}},
		},
		Clients: []sim.Client{{Name: "ann", Requests: []sim.Request{{Function: "post"}}}},
	}
}

func post(hits *gpubsub.Publisher) cloud.Handler {
	return cloud.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := hits.Publish(r.Context(), &gpubsub.Message{Data: []byte("hit")}).Get(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
}

func count(client *goredis.Client, do func(int64)) cloud.Handler {
	return gcp.OnMessage(func(ctx context.Context, m gcp.Message) error {
		n, err := client.Incr(ctx, "hits").Result()
		if err == nil {
			do(n)
		}
		return err
	})
}

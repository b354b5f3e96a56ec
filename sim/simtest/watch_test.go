package simtest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/sim"
)

// exitsVariable makes the tests below end their process; it says when.
const exitsVariable = "WTSIM_TEST_EXITS"

// exits is a scenario whose handler ends the process: at once, or where Redis
// has not answered, or at its third request, of which inputs say how many there
// are.
func exits(when string) sim.Scenario {
	var generate func(in *sim.Inputs, s *sim.Scenario)
	if when == "third" {
		generate = func(in *sim.Inputs, s *sim.Scenario) {
			var c sim.Client
			in.List("requests", 1, 5, func(_ int, in *sim.Inputs) {
				c.Requests = append(c.Requests, sim.Request{Function: "pay", Path: fmt.Sprint("/", in.Int("n", 1, 9))})
			})
			c.Name = "alice"
			s.Clients = []sim.Client{c}
		}
	}
	return sim.Scenario{
		Name: "exits", Platform: gcp.CloudRun(), Services: []cloud.Service{redis.New("redis")}, Meant: []string{sim.MeantNoProperties},
		Functions: []sim.Function{{Name: "pay", New: func(env cloud.Env) (cloud.Handler, error) {
			c, served := redis.Client(env, "redis", &goredis.Options{MaxRetries: -1}), 0
			return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
				err := c.Set(r.Context(), "paid", 1, 0).Err()
				served++
				switch {
				case when == "successfully":
					os.Exit(0)
				case when == "third" && served == 3:
					os.Exit(3)
				case when == "always" || when == "failing" && err != nil:
					os.Exit(3)
				case when == "computing" && err != nil:
					for n := 0; ; n++ {
						_ = n
					}
				case when == "goroutine" && err != nil:
					go panic("nobody catches it") //nolint:all // the end of the process
					select {}
				}
			}), nil
		}}},
		Clients: []sim.Client{{Name: "alice", Requests: []sim.Request{{Function: "pay"}}}}, Generate: generate,
	}
}

// TestExitsItself ends its process, where it is asked to.
func TestExitsItself(t *testing.T) {
	when := os.Getenv(exitsVariable)
	if when == "" {
		t.Skip("TestExits runs it in a process of its own")
	}
	Check(t, exits(when))
}

// A handler that ends the process of the tests, or computes without end, is
// found all the same: its function, schedule, plan and story are told, it is
// reduced and saved.
func TestExits(t *testing.T) {
	for when, words := range map[string][]string{
		"computing":    {`property "invocations end" violated`, `for function="pay"`, "1. pay POST / (from alice/1), attempt 1:", "watch_test.go", "replay:"},
		"always":       {`property "handlers do not end their process" violated`, `for function="pay"`, "without any deviation", "os.Exit(3)", "replay:"},
		"successfully": {`property "handlers do not end their process" violated`, `for function="pay"`, "without any deviation", "os.Exit(0)", "watch_test.go", "replay:"},
		"failing":      {`property "handlers do not end their process" violated`, `for function="pay"`, "1. pay POST / (from alice/1), attempt 1:", "os.Exit(3)", "replay:"},
		"goroutine":    {`property "handlers do not end their process" violated`, `for function="pay"`, "1. pay POST / (from alice/1), attempt 1:", "panic: nobody catches it", "replay:"},
		"third":        {`property "handlers do not end their process" violated`, `for function="pay"`, "the benign schedule violates:", `inputs: {"requests":[{"n":1},{"n":1},{"n":1}]}`, "os.Exit(3)", "replay:"},
	} {
		t.Run(when, func(t *testing.T) {
			if when == "computing" && testing.Short() {
				t.Skip("takes a minute, which it computes: go test without -short runs it")
			}
			cmd := itself("TestExitsItself")
			cmd.Args = append(cmd.Args, "-test.paniconexit0") // as go test has it
			cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), exitsVariable+"="+when)
			out, err := cmd.CombinedOutput() // until nobody has it open: the watching process too
			if err == nil {
				t.Fatalf("it passes:\n%s", out)
			}
			rest := string(out)
			for _, w := range words {
				_, after, found := strings.Cut(rest, w)
				if !found {
					t.Fatalf("wanted %q (in order) in\n%s", w, out)
				}
				rest = after
			}
			if saved, _ := filepath.Glob(filepath.Join(cmd.Dir, folder, "*.json")); len(saved) != 1 {
				t.Errorf("saved: %q", saved)
			}
		})
	}
}

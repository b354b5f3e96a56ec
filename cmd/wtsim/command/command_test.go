package command

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios"
	"github.com/wtsim/wtsim/sim"
)

// The command's tests are scripts that run the command itself, this test
// binary under its name, with the example scenarios and some of our own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"wtsim":    func() { Main(append(scenarios.All(), ownScenarios()...)...) },
		"natsnode": natsNode,
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: shareBuildCache, Condition: condition, UpdateScripts: *update})
}

// condition [patched] holds where this is the patched runtime.
func condition(name string) (bool, error) {
	if name != "patched" {
		return false, fmt.Errorf("unknown condition %q, wanted patched", name)
	}
	return sim.RuntimeName() == sim.Patched, nil
}

// shareBuildCache lets scripts build with what is in the user's cache.
func shareBuildCache(env *testscript.Env) error {
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	env.Setenv("GOCACHE", strings.TrimSpace(string(cache)))
	return err
}

// ownScenarios are applications that go wrong in ways that no example does.
func ownScenarios() []sim.Scenario {
	return append(dying(),
		small("test/fatal", func(http.ResponseWriter, *http.Request) {
			go panic("a goroutine of the handler's own")
			time.Sleep(time.Second)
		}),
		small("test/panic", func(http.ResponseWriter, *http.Request) { panic("boom") }),
		small("test/endless", func(http.ResponseWriter, *http.Request) { select {} }),
		small("test/holds", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }),
		small("test/random", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(200 + int(time.Now().UnixNano()%2)) // virtual time: repeatable
		}),
		small("test/lock", func(http.ResponseWriter, *http.Request) {
			var mu sync.Mutex
			mu.Lock()
			go mu.Lock()
			time.Sleep(time.Second)
		}),
		malformed(),
		unreached(),
		everything(),
		unguarded(),
		leftover(), mixed(), late(), fund(), fatalDrawn(), fatalOnce(),
	)
}

func small(name string, f http.HandlerFunc) sim.Scenario {
	return sim.Scenario{
		Meant: []string{sim.MeantNoProperties},
		Name:  name, Doc: "of the tests", Platform: gcp.CloudRun().Within(time.Minute),
		Functions: []sim.Function{{Name: "f", New: func(cloud.Env) (cloud.Handler, error) { return cloud.HTTP(f), nil }}},
		Clients:   []sim.Client{{Name: "c", Requests: []sim.Request{{Function: "f"}}}},
	}
}

// malformed tells an event without the parameter that its property wants.
func malformed() sim.Scenario {
	s := small("test/malformed", func(http.ResponseWriter, *http.Request) {})
	s.Clients[0].Requests[0].Told = func(cloud.Response) (string, map[string]any) { return "TOLD", nil }
	s.Properties = []*props.Property{props.AtMostOnce("told once", props.On("TOLD", "who"))}
	return s
}

// unreached has a rule that matches nothing.
func unreached() sim.Scenario {
	s := small("test/unreached", func(http.ResponseWriter, *http.Request) {})
	s.Rules = []probe.Rule{{Service: "f", Method: "POST", Resource: "/never", Emit: "NEVER"}}
	return s
}

// requests counts the requests of all runs of a process.
var requests int

// leftover has runs that differ: each counts on.
func leftover() sim.Scenario {
	return small("test/leftover", func(w http.ResponseWriter, _ *http.Request) {
		requests++
		w.WriteHeader(200 + requests%100)
	})
}

// mixed is leftover while alice comes first; where she does not, it is
// repeatable and violates a property.
func mixed() sim.Scenario {
	s := small("test/mixed", nil)
	s.Functions[0].New = func(cloud.Env) (cloud.Handler, error) {
		first := true
		return cloud.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch alice := r.URL.Path == "/alice"; {
			case alice && first:
				requests++
				w.WriteHeader(200 + requests%100)
			case alice:
				w.WriteHeader(http.StatusTeapot)
			}
			first = false
		})), nil
	}
	s.Functions[0].MaxInstances = 1
	late := func(r cloud.Response) (string, map[string]any) {
		if r.Status == http.StatusTeapot {
			return "LATE", nil
		}
		return "", nil
	}
	s.Clients = []sim.Client{
		{Name: "alice", Requests: []sim.Request{{Function: "f", Path: "/alice", Told: late}}},
		{Name: "bob", Requests: []sim.Request{{Function: "f", Path: "/bob"}}},
	}
	s.Properties = []*props.Property{props.ForAll().Machine("alice is first", props.From("start").On(props.On("LATE")).To(props.Violated))}
	return s
}

// late violates in a process that has run others before, only.
func late() sim.Scenario {
	return small("test/late", func(http.ResponseWriter, *http.Request) {
		if requests++; requests > 5 {
			panic("too many")
		}
	})
}

// fatalOnce ends a process that has run others before, only.
func fatalOnce() sim.Scenario {
	return small("test/fatal-once", func(http.ResponseWriter, *http.Request) {
		if requests++; requests > 10 {
			go panic("too many")
			time.Sleep(time.Second)
		}
	})
}

// Each command's help is there, once, and says --config where it is taken.
func TestHelp(t *testing.T) {
	for _, c := range subcommands() {
		var out, bad strings.Builder
		a := &app{stdout: &out, stderr: &bad}
		if code := a.main([]string{c.name, "--help"}); code != exitHeld || bad.String() != "" {
			t.Errorf("%s: exit %d, %s", c.name, code, bad.String())
		}
		if n := strings.Count(out.String(), "Usage:"); n != 1 {
			t.Errorf("%s: %d usages in %.300s", c.name, n, out.String())
		}
		if _, takes := takesConfig[c.name]; takes != strings.Contains(out.String(), "--config ") {
			t.Errorf("%s: --config is taken: %v, in %.300s", c.name, takes, out.String())
		}
	}
}

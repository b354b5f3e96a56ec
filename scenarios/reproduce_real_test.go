package scenarios

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/httpprobe"
	"github.com/wtsim/wtsim/probe/redisprobe"
	"github.com/wtsim/wtsim/scenarios/patterns/checkthenput"
	"github.com/wtsim/wtsim/scenarios/patterns/orphancomment"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// realRedis starts a real Redis and returns its address.
func realRedis(t *testing.T) string {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("WTSIM_REDIS") != "" {
			t.Fatal(err)
		}
		t.Skip("there is no redis-server on PATH: make conformance installs it")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(addr)
	server := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	return addr
}

// deployed is what runs for real: function instances with recorders, whose
// events are kept.
type deployed struct {
	t     *testing.T
	addr  string
	rules *probe.Rules
	mu    sync.Mutex
	kept  []event.Event
}

func (d *deployed) instance(name string, make func(*redis.Client) http.Handler) http.Handler {
	recorder := probe.NewRecorder(name, name, d.rules, probe.SinkFunc(func(e event.Event) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.kept = append(d.kept, e)
	}))
	client := redis.NewClient(&redis.Options{Addr: d.addr, MaxRetries: 20, Dialer: redisprobe.Dialer(recorder, "redis", (&net.Dialer{}).DialContext)})
	d.t.Cleanup(func() { _ = client.Close() })
	return httpprobe.Handler(recorder, make(client))
}

func ask(h http.Handler, method, path, body string) {
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, strings.NewReader(body)))
}

// together makes requests at the same time.
func together(all ...func()) {
	var running sync.WaitGroup
	for _, f := range all {
		running.Go(f)
	}
	running.Wait()
}

// Applications of the catalogue, run for real by goroutines over a real Redis
// until they go wrong, are shown to by a run of their scenario.
func TestReproduceReal(t *testing.T) {
	addr := realRedis(t)
	for name, trial := range map[string]func(d *deployed) func(int){
		"patterns/checkthenput/bug": func(d *deployed) func(int) {
			make := func(c *redis.Client) http.Handler { return &checkthenput.Register{Redis: c} }
			a, b := d.instance("register-1", make), d.instance("register-2", make)
			return func(n int) {
				register := func(h http.Handler, who string) func() {
					return func() {
						ask(h, "POST", "/users", fmt.Sprintf(`{"name":"%s-%d","email":"%d@example.com"}`, who, n, n))
					}
				}
				together(register(a, "x"), register(b, "y"))
			}
		},
		"patterns/orphancomment/bug": func(d *deployed) func(int) {
			comment := d.instance("comment", func(c *redis.Client) http.Handler { return &orphancomment.Comment{Redis: c} })
			var store *redis.Client
			articles := d.instance("articles", func(c *redis.Client) http.Handler { store = c; return &orphancomment.Articles{Redis: c} })
			return func(n int) {
				article := fmt.Sprintf("a-%d", n)
				if err := store.Set(context.Background(), "article:"+article, "text", 0).Err(); err != nil {
					t.Error(err)
				}
				together(
					func() { ask(comment, "POST", "/comments", fmt.Sprintf(`{"article":%q,"id":"c","text":"t"}`, article)) },
					func() { ask(articles, "DELETE", "/articles/"+article, "") })
			}
		},
	} {
		t.Run(name, func(t *testing.T) { realThenRun(t, addr, name, trial) })
	}
}

// mostTrials is how often something is tried that goes wrong now and then.
const mostTrials = 20_000

func realThenRun(t *testing.T, addr, name string, trial func(*deployed) func(int)) {
	all := All()
	at := slices.IndexFunc(all, func(s sim.Scenario) bool { return s.Name == name })
	s, err := sim.Compile(all[at])
	if err != nil {
		t.Fatal(err)
	}
	rules, err := probe.CompileRules(all[at].Rules)
	if err != nil {
		t.Fatal(err)
	}
	d := &deployed{t: t, addr: addr, rules: rules}
	try := trial(d)
	var recorded *search.Recorded
	n := 0
	for ; n < mostTrials && recorded == nil; n++ {
		d.kept = nil
		try(n)
		recorded, _ = search.NewRecorded(s, d.kept, search.RecordedOptions{Lateness: time.Minute})
	}
	if recorded == nil {
		t.Skipf("it has not gone wrong in %d trials on this machine", n)
	}
	found, err := search.Subject{Simulation: s, Wanted: recorded.Shows}.Search(context.Background(), search.Options{Schedules: 1000})
	if err != nil || found.Result == nil {
		t.Fatalf("%v is not reproduced: %v", recorded.Violation.Witness, err)
	}
	t.Logf("went wrong in trial %d, reproduced in %d schedules", n, found.Ran)
}

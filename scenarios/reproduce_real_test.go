package scenarios

import (
	"context"
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

// recorder is the recorder of an instance.
func (d *deployed) recorder(name string) *probe.Recorder {
	return probe.NewRecorder(name, name, d.rules, probe.SinkFunc(func(e event.Event) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.kept = append(d.kept, e)
	}))
}

// instance is a function instance that has a client of Redis.
func (d *deployed) instance(name string, make func(*redis.Client) http.Handler) http.Handler {
	recorder := d.recorder(name)
	client := redis.NewClient(&redis.Options{Addr: d.addr, MaxRetries: 20, Dialer: redisprobe.Dialer(recorder, "redis", (&net.Dialer{}).DialContext)})
	d.t.Cleanup(func() { _ = client.Close() })
	return httpprobe.Handler(recorder, make(client))
}

func ask(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

// together makes requests at the same time.
func together(all ...func()) {
	var running sync.WaitGroup
	for _, f := range all {
		running.Go(f)
	}
	running.Wait()
}

// Applications of the catalogue, run for real by goroutines over a real Redis, a
// server of Cloud Storage and others of HTTP until they go wrong, are shown to by a run of their scenario.
func TestReproduceReal(t *testing.T) {
	addr := realRedis(t)
	for name, trial := range real {
		t.Run(name, func(t *testing.T) { realThenRun(t, addr, name, trial) })
	}
}

// mostTrials is how often something is tried that goes wrong now and then.
const mostTrials = 5000

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
	if slices.Contains(slow, name) && testing.Short() {
		t.Skip("takes half a minute of real time: runs without -short")
	}
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

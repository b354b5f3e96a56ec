package scenarios

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/internal/redisserver"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

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

// Applications of the catalogue, run for real by goroutines over services on
// ports (a real Redis, servers of Cloud Storage, Pub/Sub, Cloud Tasks and HTTP)
// until they go wrong, are shown to by a run of their scenario.
func TestReproduceReal(t *testing.T) {
	addr := redisserver.Start(t, "--appendonly", "no")
	for name, r := range real {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(name, "patterns/"), "/bug"), func(t *testing.T) {
			if r.takes > 0 && (testing.Short() || os.Getenv("WTSIM_LONG") == "") {
				t.Skipf("waits for %v of real time: WTSIM_LONG=1 runs it, without -short", r.takes)
			}
			if r.takes > 0 {
				t.Parallel() // it only waits
			}
			realThenRun(t, addr, name, r)
		})
	}
}

// mostTrials is how often something is tried that goes wrong now and then, and
// patient for how long.
const (
	mostTrials = 5000
	patient    = time.Minute
)

func realThenRun(t *testing.T, addr, name string, r trial) {
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
	try := r.make(d)
	var recorded *search.Recorded
	n := 0
	for began := time.Now(); n < mostTrials && recorded == nil && (n == 0 || time.Since(began) < patient); n++ {
		d.events()
		try(n)
		events := d.events()
		if recorded, _ = search.NewRecorded(s, events, search.RecordedOptions{Lateness: time.Minute, End: r.end, Property: r.of}); recorded != nil {
			keep(t, events)
		}
	}
	if recorded == nil {
		t.Skipf("it has not gone wrong in %d trials on this machine", n)
	}
	began := time.Now()
	found, err := search.Subject{Simulation: s, Wanted: recorded.Shows}.Search(context.Background(), search.Options{Schedules: 10000})
	if err != nil || found.Result == nil {
		t.Fatalf("%q is not reproduced: %v: %v", recorded.Violation.Property, recorded.Violation.Witness, err)
	}
	t.Logf("went wrong in trial %d (%q, %d events), reproduced in %d schedules, %v", n, recorded.Violation.Property, len(recorded.Events), found.Ran, time.Since(began).Round(time.Millisecond))
}

// keep writes what was recorded into the directory that WTSIM_RECORDED names, for
// `wtsim reproduce --end --events`.
func keep(t *testing.T, events []event.Event) {
	dir := os.Getenv("WTSIM_RECORDED")
	if dir == "" {
		return
	}
	var lines []byte
	for i := range events {
		lines = append(events[i].AppendJSON(lines), '\n')
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(t.Name())+".ndjson"), lines, 0o600); err != nil {
		t.Fatal(err)
	}
}

package report_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/scenarios/patterns"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// evil is a text that would take the page over if it were markup.
const evil = `</script><script>document.title="taken"</script><img src=x onerror='document.title="taken"'>`

// A browser draws the space-time diagram of a counterexample: a lane for each
// client, function instance and service, the deviation marked, the property's
// states, the benign run beside it; a step can be linked to, and shows what was
// asked and answered. WTSIM_SHOTS is a directory for pictures to look at.
func TestPageInChromium(t *testing.T) {
	browser := chromium(t)
	path := write(t, counterexample(t, "patterns/consent/bug"))
	dom := browse(t, browser, "--dump-dom", "file://"+path+"#step-13")
	for _, want := range []string{`id="diagram"`, "client alice", "consents i-1", "redis", `class="arrow deviates"`, "processed only with consent",
		"CONSENT_WITHDRAWN → ", "beside the benign run", `class="row picked"`, "wtsim replay bug.json", "consent:alice:ads, in order"} {
		if !strings.Contains(dom, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if n := strings.Count(dom, `class="row`); n != drawn(t, dom) || n < 15 {
		t.Errorf("%d rows are drawn, wanted the run's", n)
	}
	if dir := os.Getenv("WTSIM_SHOTS"); dir != "" {
		browse(t, browser, "--screenshot="+filepath.Join(dir, "run.png"), "file://"+path+"#step-13")
		browse(t, browser, "--force-dark-mode", "--blink-settings=preferredColorScheme=0", "--screenshot="+filepath.Join(dir, "run-dark.png"), "file://"+path+"#step-13")
	}
}

// The automaton of the violated property is drawn, and stands in the state that
// each event leads to; a step shows what it has changed in the stores; where it
// was asked for, how much of what might have followed violates.
func TestAutomatonInChromium(t *testing.T) {
	browser := chromium(t)
	r := counterexample(t, "patterns/consent/bug")
	r.Cause = &search.Cause{Points: make([]search.Point, len(r.Timeline.Rows))}
	for i := range r.Cause.Points {
		r.Cause.Points[i] = search.Point{Steps: i, Ran: 4, Violating: min(4, i)}
	}
	path := write(t, r)
	state := func(step int) string {
		dom := browse(t, browser, "--dump-dom", fmt.Sprintf("file://%s#step-%d", path, step))
		if !strings.Contains(dom, `id="automaton"`) || !strings.Contains(dom, `class="state now`) || !strings.Contains(dom, "of the continuations") {
			t.Errorf("step %d: no automaton in its state, or no share", step)
		}
		m := regexp.MustCompile(`data-state="([^"]*)"`).FindStringSubmatch(dom)
		if m == nil {
			t.Fatal("the automaton is in no state")
		}
		return m[1]
	}
	want, changed := r.Violation.Witness, -1
	seen := 0
	for i := range r.Timeline.Rows {
		row := &r.Timeline.Rows[i]
		if len(row.Changes) > 0 && changed < 0 {
			changed = i
		}
		for _, e := range row.Events {
			if seen < len(want) && e.ID == want[seen].ID {
				if got := state(i + 1); got != want[seen].To {
					t.Errorf("after %s the automaton is in %q, wanted %q", e.Type, got, want[seen].To)
				}
				seen++
			}
		}
	}
	if seen != len(want) || seen == 0 {
		t.Errorf("%d of %d events of the witness are drawn", seen, len(want))
	}
	if changed < 0 {
		t.Fatal("no step changes a store")
	}
	dom := browse(t, browser, "--dump-dom", fmt.Sprintf("file://%s#step-%d", path, changed+1))
	c := r.Timeline.Rows[changed].Changes[0]
	if !strings.Contains(dom, `id="changes"`) || !strings.Contains(dom, "+ "+c.Service+" "+c.Key+": ") {
		t.Errorf("step %d does not show that it has changed %s", changed+1, c.Key)
	}
	if dir := os.Getenv("WTSIM_SHOTS"); dir != "" {
		browse(t, browser, "--screenshot="+filepath.Join(dir, "automaton.png"), fmt.Sprintf("file://%s#step-%d", path, len(r.Timeline.Rows)))
	}
}

// A page of 5 000 steps is under 3 MiB, is drawn in seconds, of which it draws
// what can be seen alone, and its texts are texts.
func TestLargePageInChromium(t *testing.T) {
	path := write(t, large(5000))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 3<<20 {
		t.Errorf("the page has %d bytes, wanted at most 3 MiB", info.Size())
	}
	browser := chromium(t)
	started := time.Now()
	dom := browse(t, browser, "--dump-dom", "file://"+path+"#step-4000")
	took := time.Since(started)
	t.Logf("%d bytes, %v from the start of the browser to its end", info.Size(), took)
	if took > 20*time.Second {
		t.Errorf("the page took %v", took)
	}
	if n := strings.Count(dom, `class="row`); n < 10 || n > 200 || drawn(t, dom) != 5000 {
		t.Errorf("%d of %d rows are drawn, wanted those that can be seen", n, drawn(t, dom))
	}
	if strings.Contains(dom, "<title>taken") || strings.Contains(dom, "<img") {
		t.Error("a text has become markup")
	}
}

// drawn is how many rows the page says that it shows.
func drawn(t *testing.T, dom string) int {
	t.Helper()
	m := regexp.MustCompile(`data-ready="(\d+)"`).FindStringSubmatch(dom)
	if m == nil {
		t.Fatal("the script has not come to its end")
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

func chromium(t *testing.T) string {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium: make page installs it")
	}
	return browser
}

func browse(t *testing.T, browser string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1500,1000", "--user-data-dir=" + t.TempDir()}, args...)
	out, err := exec.CommandContext(ctx, browser, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", browser, err)
	}
	return string(out)
}

func write(t *testing.T, r *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Page(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// counterexample is the smallest of a scenario.
func counterexample(t *testing.T, name string) *report.Report {
	t.Helper()
	for _, s := range patterns.All() {
		if s.Name != name {
			continue
		}
		compiled, err := sim.Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		found, err := search.Subject{Simulation: compiled}.Search(context.Background(), search.Options{Schedules: 1000})
		if err != nil || found.Result == nil {
			t.Fatal("nothing is found", err)
		}
		shrunk, _ := found.Subject.Shrink(found.Result, func() bool { return false })
		run := found.Subject.WithStores().Run(scheduler.NewReplay(shrunk.Plan))
		r := report.New(name, run, found.Subject.Run(scheduler.Benign{})).Of(found.Subject.Scenario())
		r.Replay = "wtsim replay bug.json"
		return r
	}
	t.Fatalf("no scenario %s", name)
	return nil
}

// large is a made-up run of so many steps.
func large(steps int) *report.Report {
	r := &sim.Result{Verdict: sim.Violated, Violation: &monitor.Violation{Property: evil}, Record: &scheduler.Record{}}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range steps {
		key, status := fmt.Sprintf("order:%d", i%97), "OK"
		if i%100 == 0 {
			status += evil
		}
		r.Steps = append(r.Steps, sim.Step{Time: at.Add(time.Duration(i) * 10 * time.Microsecond), Identity: fmt.Sprint("step ", i), Kind: sim.KindOperation,
			Task: cloud.Named(fmt.Sprintf("f%d(alice/%d)", i%7, i/10)), Function: fmt.Sprintf("f%d", i%7), Instance: fmt.Sprintf("i-%d", i%7+1), Number: i/70 + 1,
			What: "redis SET " + key, Status: status, Operation: &event.Operation{Service: "redis", Method: "SET", Resource: key, Access: event.Writes,
				Request: event.Payload{Words: []string{"SET", key, strings.Repeat("value", 100)}}, Result: event.Result{Status: "OK", Body: []byte("+OK")}}})
	}
	return report.New("large", r, nil)
}

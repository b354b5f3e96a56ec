package command

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Who has no monitor writes a loop in Python: over json.loads alone, which no
// check of the same lines can do without, or with a deque a user where it is
// about counts in a window.
const (
	bareLoop = `
import json, sys
for line in open(sys.argv[1]):
    json.loads(line)
`
	dequeLoop = `
import collections, datetime, json, sys
failures, violated = collections.defaultdict(collections.deque), set()
for line in open(sys.argv[1]):
    e = json.loads(line)
    if e["type"] != "LOGIN_FAILED":
        continue
    user, now = e["data"]["user"], round(datetime.datetime.fromisoformat(e["time"]).timestamp() * 1000)
    recent = failures[user]
    while recent and recent[0] <= now - 300000:
        recent.popleft()
    recent.append(now)
    if len(recent) > 5:
        violated.add(user)
print(len(violated))
`
	fiveFailures = `
properties:
  - name: no guessing of passwords
    at most: 5
    of: LOGIN_FAILED(user)
    within: 5m
`
	testsIV = `{"name":"tests-iv","quantifiedVariables":["article_slug","user"],"stateMachine":{
	"LOGGED_IN":{"params":["user"],"INITIAL":{"to":"loggedIn"},"published":{"to":"both"}},
	"LOGGED_OUT":{"params":["user"],"loggedIn":{"to":"INITIAL"},"both":{"to":"published"}},
	"PUBLISHED_ARTICLE":{"params":["article_slug"],"INITIAL":{"to":"published"},"loggedIn":{"to":"both"}},
	"DELETED_ARTICLE":{"params":["article_slug"],"published":{"to":"INITIAL"},"both":{"to":"loggedIn"}},
	"FAVED_ARTICLE":{"params":["article_slug","user"],"both":{"to":"SAME"},"ANY":{"to":"FAILURE"}}}}`
)

// duel is a check of a trace against a loop over the same lines.
type duel struct {
	trace
	loop string
	says bool // the loop prints how many are violated
}

func duels() []duel {
	once := traces()[0]
	longer := once
	longer.name, longer.events = "one variable, 5 million", func(_ int, emit func(string, ...any)) {
		for range 5 {
			once.events(1, emit)
		}
	}
	once.name = "one variable"
	return []duel{
		{trace{"five failures in five minutes", fiveFailures, 0, failures}, dequeLoop, true},
		{once, bareLoop, false},
		{trace{"tests-iv", testsIV, 0, favours}, bareLoop, false},
		{longer, bareLoop, false},
	}
}

// failures: a million events of 20 000 users, half of them failures, in 1000
// seconds; some users fail more often.
func failures(_ int, emit func(string, ...any)) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 1_000_000 {
		user := r.IntN(200_000)
		if r.IntN(50) == 0 {
			user = r.IntN(2000)
		}
		emit([]string{"LOGIN_FAILED", "LOGGED_IN"}[r.IntN(2)], "user", fmt.Sprintf("user-%d", user))
	}
}

// favours: 200 000 users and articles come, then each of 300 000 events names
// one of both, in random order.
func favours(_ int, emit func(string, ...any)) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 100_000 {
		emit("LOGGED_IN", "user", fmt.Sprintf("user-%d", i))
		emit("PUBLISHED_ARTICLE", "article_slug", fmt.Sprintf("article-%d", i), "user", fmt.Sprintf("user-%d", i))
	}
	for range 300_000 {
		emit("FAVED_ARTICLE", "article_slug", fmt.Sprintf("article-%d", r.IntN(100_000)), "user", fmt.Sprintf("user-%d", r.IntN(100_000)))
	}
}

// By turns, so that both see the same machine; medians of five.
//
//	go test ./cmd/wtsim/command -run '^$' -bench AgainstPython -benchtime 1x
func BenchmarkCheckAgainstPython(b *testing.B) {
	python, err := exec.LookPath("python3")
	if err != nil {
		b.Skip("there is no python3 to compare with")
	}
	for _, d := range duels() {
		b.Run(d.name, func(b *testing.B) {
			dir := b.TempDir()
			props, events := filepath.Join(dir, "props"), filepath.Join(dir, "events.ndjson")
			if err := os.WriteFile(props, d.property(1), 0o644); err != nil {
				b.Fatal(err)
			}
			if _, err := d.write(events, 1); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				d.fight(b, python, props, events)
			}
		})
	}
}

func (d duel) fight(b *testing.B, python, props, events string) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	var ours, theirs, work []float64
	peak := 0.0
	for range 5 {
		check := exec.Command(exe)
		check.Args = []string{"wtsim", "check", "--json", "--props", props, "--events", events}
		out, took := timed(b, check)
		ours = append(ours, took.Seconds())
		if u, ok := check.ProcessState.SysUsage().(*syscall.Rusage); ok {
			peak = max(peak, float64(u.Maxrss)/1024)
		}
		loop := exec.Command(python, "-c", d.loop, events)
		said, took := timed(b, loop)
		theirs = append(theirs, took.Seconds())
		work = append(work, used(check)/used(loop))
		if d.says && !strings.Contains(out, fmt.Sprintf(`"violations":%s,`, strings.TrimSpace(said))) {
			b.Fatalf("the loop finds %s, check says %s", said, out[max(0, len(out)-300):])
		}
	}
	b.ReportMetric(median(ours), "check-s")
	b.ReportMetric(median(theirs), "python-s")
	b.ReportMetric(median(ours)/median(theirs), "ratio")
	b.ReportMetric(median(work), "cpu-ratio")
	b.ReportMetric(peak, "peak-MiB")
}

func timed(b *testing.B, c *exec.Cmd) (string, time.Duration) {
	start := time.Now()
	out, err := c.Output()
	took := time.Since(start)
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitViolated) {
		b.Fatalf("%v: %v: %s", c.Args, err, out[max(0, len(out)-300):])
	}
	return string(out), took
}

// used is the processor time of a command that has ended.
func used(c *exec.Cmd) float64 {
	return (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds()
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

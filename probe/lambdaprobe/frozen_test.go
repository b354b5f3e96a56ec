package lambdaprobe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/lambdaprobe"
	"github.com/wtsim/wtsim/probe/sink"
)

// TestMain is the function's program, where it is asked to be.
func TestMain(m *testing.M) {
	url := os.Getenv("WTSIM_TEST_MONITOR")
	if url == "" {
		os.Exit(m.Run())
	}
	rules, _ := probe.CompileRules(nil) // of no rule none is wrong
	out, err := sink.HTTP(sink.Monitor{URL: url}, sink.Options{Interval: time.Minute})
	if err != nil {
		panic(err)
	}
	recorder := probe.NewRecorder("orders", "i-1", rules, out)
	recorder.Emit("STARTED", nil)
	lambda.Start(lambdaprobe.Handler(recorder, func(ctx context.Context, n int) (string, error) {
		probe.Emit(ctx, "ORDERED", map[string]any{"n": n})
		for n < 0 { // for ever, as far as the function is concerned
			probe.Emit(ctx, "WAITED", nil)
			time.Sleep(10 * time.Millisecond)
		}
		return "done", nil
	}))
}

// monitor takes events; delay is how long it takes for that.
type monitor struct {
	delay time.Duration
	mu    sync.Mutex
	got   []string
}

func (m *monitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var got []string
	var batch []struct{ Type, Time string }
	_ = json.NewDecoder(r.Body).Decode(&batch) // what is none has no events
	for _, e := range batch {
		got = append(got, e.Type+" "+e.Time)
	}
	time.Sleep(m.delay)
	m.mu.Lock()
	m.got = append(m.got, got...)
	m.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}

func (m *monitor) events() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.got...)
}

func (m *monitor) types() string {
	var out []string
	for _, e := range m.events() {
		name, _, _ := strings.Cut(e, " ")
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

// runtimeAPI brings invocations to a program, one after the other.
type runtimeAPI struct {
	next     chan string // payloads
	limit    time.Duration
	asked    chan struct{} // for an invocation
	answered chan string
	n        int
}

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/next") {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		a.answered <- string(body)
		return
	}
	a.asked <- struct{}{}
	payload := <-a.next
	a.n++
	w.Header().Set("Lambda-Runtime-Aws-Request-Id", "r-"+strconv.Itoa(a.n))
	w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(a.limit).UnixMilli(), 10))
	_, _ = io.WriteString(w, payload)
}

// started is a function's program with its Runtime API, at its first question.
func started(t *testing.T, m *monitor, limit time.Duration) (*exec.Cmd, *runtimeAPI) {
	t.Helper()
	a := &runtimeAPI{next: make(chan string), limit: limit, asked: make(chan struct{}, 9), answered: make(chan string, 9)}
	at, events := httptest.NewServer(a), httptest.NewServer(m)
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "WTSIM_TEST_MONITOR="+events.URL, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(at.URL, "http://"))
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		close(a.next)
		at.CloseClientConnections()
		events.Close()
	})
	<-a.asked
	return c, a
}

// A process that stands still from its response on has lost nothing: what it has
// recorded is at the monitor before the response is, and so is what its start
// recorded before it asks for an invocation, however long the monitor takes. It
// goes on when it is thawed.
func TestFrozen(t *testing.T) {
	m := &monitor{delay: 200 * time.Millisecond}
	c, a := started(t, m, time.Minute)
	want := "STARTED"
	for i := range 3 {
		if got := m.types(); got != want {
			t.Fatalf("before invocation %d the monitor has %s, wanted %s", i, got, want)
		}
		a.next <- strconv.Itoa(i)
		if got := <-a.answered; got != `"done"` {
			t.Fatalf("it answers %s", got)
		}
		if err := c.Process.Signal(syscall.SIGSTOP); err != nil { // its next question may be under way
			t.Fatal(err)
		}
		if want += " ORDERED"; m.types() != want {
			t.Errorf("frozen, the monitor has %s, wanted %s", m.types(), want)
		}
		if err := c.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		<-a.asked
	}
}

// Of an invocation that is killed at its time limit the monitor has all but the last
// tens of milliseconds, although nothing else has events leave for a minute.
func TestLimit(t *testing.T) {
	m := &monitor{}
	c, a := started(t, m, 1200*time.Millisecond)
	killed := time.Now().Add(a.limit)
	a.next <- "-1"
	time.Sleep(time.Until(killed))
	_ = c.Process.Kill()
	_ = c.Wait()
	all := m.events()
	if len(all) < 10 {
		t.Fatalf("the monitor has %d events", len(all))
	}
	_, last, _ := strings.Cut(all[len(all)-1], " ")
	at, err := time.Parse(time.RFC3339Nano, last)
	if missing := killed.Sub(at); err != nil || missing > 250*time.Millisecond { // a busy machine's allowance
		t.Errorf("the last event is of %v before the limit: %v", missing, err)
	} else {
		t.Log(fmt.Sprint("the last event is of ", missing, " before the limit"))
	}
}

package command

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const tortureProps = `properties:
  - name: paid once
    at most once: PAID(order)
  - name: no use without consent
    forall: [user]
    states:
      no consent:
        - {on: GIVEN(user), to: given}
        - {on: USED(user), to: violated}
      given:
        - {on: TAKEN(user), to: no consent}
`

// tortureEvents writes events of twenty sources: one of a hundred comes again,
// one of twenty out of its place, some are no events, some larger than is
// allowed. Few violate.
func tortureEvents(t *testing.T, file string, n int, r *rand.Rand) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	var held, sequence [20]int
	var waiting []string
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		s := r.IntN(20)
		sequence[s]++
		kind, data := "PAID", fmt.Sprintf(`{"order":"o-%d"}`, i)
		switch {
		case i%2 == 0:
			kind, data = []string{"GIVEN", "GIVEN", "TAKEN", "OTHER"}[r.IntN(4)], fmt.Sprintf(`{"user":%d}`, r.IntN(1000))
		case r.IntN(1000) == 0:
			data = fmt.Sprintf(`{"order":"o-%d"}`, 1+2*r.IntN(1+i/2))
		case r.IntN(2000) == 0:
			kind, data = "USED", fmt.Sprintf(`{"user":%d}`, r.IntN(1000))
		}
		e := fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"s-%d","sequence":"%d","type":%q,"time":%q,"data":%s}`,
			i, s, sequence[s], kind, at.Add(time.Duration(i)*time.Millisecond).Format(time.RFC3339Nano), data)
		switch x := r.IntN(1000); {
		case x < 50:
			waiting = append(waiting, e)
			held[s]++
			continue
		case x < 60:
			fmt.Fprintln(w, e)
		case x < 61:
			fmt.Fprintln(w, `{"specversion":"1.0"}`)
		case i%50_000 == 49_999:
			fmt.Fprintln(w, strings.Repeat("x", 300<<10))
		}
		fmt.Fprintln(w, e)
		if len(waiting) > 0 && r.IntN(10) == 0 { // more go than come, so that none waits for long
			fmt.Fprintln(w, waiting[0])
			waiting = waiting[1:]
		}
	}
	for _, e := range waiting {
		fmt.Fprintln(w, e)
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// hook is a webhook's receiver that is down for a fifth of its calls.
type hook struct {
	mu    sync.Mutex
	calls int
	keys  map[string]bool
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.calls++; h.calls%20 < 4 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	h.keys[r.Header.Get("Idempotency-Key")] = true
}

func (h *hook) lacks(ids []string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		if !h.keys[id] {
			n++
		}
	}
	return n
}

// The monitor's process is killed at random points (kill -9: gateway, worker and
// the log's server are one), with events that come twice, out of order, or are
// none, and a webhook that is down now and then; who sends tries again until it
// is answered. The verdicts are check's: none missing, none twice, and the
// counts too; each is told on standard output and at the webhook; SIGTERM ends
// it with 0. `make torture` does so with ten million events and fifty kills.
func TestTorture(t *testing.T) {
	events, kills := 40_000, 8
	if text := os.Getenv("WTSIM_TORTURE"); text != "" {
		var err error
		if events, err = strconv.Atoi(text); err != nil {
			t.Fatal("WTSIM_TORTURE: how many events, wanted a number")
		}
		kills = 50
	}
	r := rand.New(rand.NewPCG(15, 1))
	dir := t.TempDir()
	props, file, data := filepath.Join(dir, "props.yaml"), filepath.Join(dir, "events.ndjson"), filepath.Join(dir, "data")
	if err := os.WriteFile(props, []byte(tortureProps), 0o600); err != nil {
		t.Fatal(err)
	}
	tortureEvents(t, file, events, r)
	h := &hook{keys: map[string]bool{}}
	receiver := httptest.NewServer(h)
	defer receiver.Close()
	k := &killed{t: t, args: []string{"--props", props, "--data", data, "--json", "--lateness", "1m", "--webhook", receiver.URL}}
	started := time.Now()
	k.sendAll(r, file, events, kills)
	t.Logf("sent %d events in %v, killed %d times", events, time.Since(started).Round(time.Millisecond), k.kills)
	for { // it answers 503 after five minutes if there is more to judge
		if status, text := k.p.request("POST", "/v1/close", "", nil); status == http.StatusOK {
			break
		} else if status != http.StatusServiceUnavailable {
			t.Fatal(status, text)
		}
	}
	st := k.p.close()
	t.Logf("judged after %v", time.Since(started).Round(time.Millisecond))
	got, ids := k.p.violations()
	want, sum := whatCheckFinds(t, "--props", props, "--events", file, "--lateness", "1m")
	if !slices.Equal(got, want) || len(want) < 5 || k.kills < min(kills, 3) {
		t.Fatalf("killed %d times: %d violations, wanted %d", k.kills, len(got), len(want))
	}
	if st.Events != sum.Events || st.Late != sum.Late || st.Malformed < sum.Malformed || st.Duplicates < sum.Duplicates || st.Missing > 0 || st.Lost > 0 || st.Alarms > 0 {
		t.Fatalf("%+v, wanted as in %+v", st, sum)
	}
	for deadline := time.Now().Add(2*time.Minute + time.Duration(len(ids))*150*time.Millisecond); h.lacks(ids) > 0 && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	if n := h.lacks(ids); n > 0 {
		t.Errorf("%d violations are not told to the webhook", n)
	}
	k.end(ids)
}

// killed is a monitor that is killed and started anew.
type killed struct {
	t       *testing.T
	args    []string
	p       *process
	kills   int
	printed strings.Builder
}

// sendAll sends a file, and kills the monitor while some of it is on its way.
func (k *killed) sendAll(r *rand.Rand, file string, events, kills int) {
	k.t.Helper()
	f, err := os.Open(file)
	if err != nil {
		k.t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewReaderSize(f, 1<<20)
	per := max(100, min(2000, events/200))
	at := map[int]bool{}
	for len(at) < kills {
		at[1+r.IntN(events/per-1)] = true
	}
	k.p = startMonitor(k.t, k.args...)
	for n := 0; ; n++ {
		chunk, err := someLines(lines, per)
		if len(chunk) > 0 {
			var killer sync.WaitGroup
			if at[n] {
				after, process := time.Duration(r.IntN(15_000))*time.Microsecond, k.p.cmd.Process
				killer.Go(func() {
					time.Sleep(after)
					_ = process.Kill()
				})
			}
			k.deliver(chunk)
			killer.Wait()
		}
		if err != nil {
			break
		}
	}
	k.deliver([]byte("{}")) // it is there
}

// deliver sends until it is answered.
func (k *killed) deliver(chunk []byte) {
	for {
		switch status, text := k.p.request("POST", "/v1/events", "application/x-ndjson", bytes.NewReader(chunk)); status {
		case http.StatusAccepted, http.StatusBadRequest:
			return
		case 0:
			_ = k.p.cmd.Wait()
			k.kills++
			k.printed.WriteString(k.p.stdout.String())
			k.p = startMonitor(k.t, k.args...)
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			time.Sleep(10 * time.Millisecond)
		default:
			k.t.Fatal(status, text)
		}
	}
}

func someLines(r *bufio.Reader, n int) (chunk []byte, err error) {
	for range n {
		line, err := r.ReadBytes('\n')
		if chunk = append(chunk, line...); err != nil {
			if errors.Is(err, io.EOF) {
				return chunk, err
			}
			panic(err)
		}
	}
	return chunk, nil
}

// end asks the monitor to end, and looks whether it has told everything.
func (k *killed) end(ids []string) {
	k.t.Helper()
	started := time.Now()
	if err := errors.Join(k.p.cmd.Process.Signal(syscall.SIGTERM), k.p.cmd.Wait()); err != nil || time.Since(started) > 10*time.Second {
		k.t.Fatalf("after SIGTERM: %v, in %v", err, time.Since(started))
	}
	k.printed.WriteString(k.p.stdout.String())
	for _, id := range ids {
		if !strings.Contains(k.printed.String(), id) {
			k.t.Fatalf("violation %s is not on standard output", id)
		}
	}
}

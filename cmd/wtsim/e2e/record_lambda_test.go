package e2e

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lambdaAPI is the Runtime API of a function, and the services that it calls.
type lambdaAPI struct {
	invocations, answers chan string
	asked                chan struct{}
	n                    int
}

func (a *lambdaAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch {
	case !strings.HasPrefix(r.URL.Path, "/2018-06-01/runtime/"):
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, "{}")
	case strings.HasSuffix(r.URL.Path, "/next"):
		a.asked <- struct{}{}
		payload := <-a.invocations
		a.n++
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "r-"+strconv.Itoa(a.n))
		w.Header().Set("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
		_, _ = io.WriteString(w, payload)
	default:
		w.WriteHeader(http.StatusAccepted)
		a.answers <- string(body)
	}
}

// A function of Lambda's that knows nothing of wtsim is built with the recorder: calls
// of either SDK are operations as in the simulator, each invocation is one by its
// request's id, and what it has recorded is out when its answer is, although the process
// stands still from there on. Calls of the Runtime API are none.
func TestRecordLambda(t *testing.T) {
	if testing.Short() {
		t.Skip("links a binary with two SDKs, which takes a minute; runs without -short")
	}
	t.Parallel() // all of it is in other processes
	dir := t.TempDir()
	for to, from := range map[string]string{"main.go": "testdata/recordlambda/main.go", "rules.yaml": "testdata/recordlambda/rules.yaml", "go.mod": "../../../go.mod", "go.sum": "../../../go.sum"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		own := strings.Replace(string(text), "module github.com/wtsim/wtsim\n", "module example.com/shop\n", 1) // with our versions
		if err := os.WriteFile(filepath.Join(dir, to), []byte(own), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	asWtsim(t, dir, 0, "build", "--record", "--rules", "rules.yaml", "-o", "shop", ".")
	a := &lambdaAPI{invocations: make(chan string), answers: make(chan string, 9), asked: make(chan struct{}, 9)}
	server := httptest.NewServer(a)
	defer server.Close()
	defer close(a.invocations)
	events := filepath.Join(dir, "events.ndjson")
	c := exec.Command(filepath.Join(dir, "shop"))
	c.Stderr = os.Stderr
	c.Env = append(os.Environ(), "WTSIM_RECORD="+events, "WTSIM_FUNCTION=shop", "WTSIM_KEYS=orders=id", "SHOP_ENDPOINT="+server.URL,
		"AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(server.URL, "http://"), "AWS_CA_BUNDLE=")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}()
	want := map[string]int{`LOOKED {}`: 1}
	for _, order := range []string{"o-1", "o-2"} {
		<-a.asked
		if counts, _ := told(t, events); !maps.Equal(counts, want) {
			t.Errorf("before %s: got %v, wanted %v", order, counts, want)
		}
		a.invocations <- `{"ID":"` + order + `"}`
		if got := <-a.answers; got != `"done"` {
			t.Fatalf("it answers %s", got)
		}
		_ = c.Process.Signal(syscall.SIGSTOP)
		want[`ORDERED {"order":"`+order+`"}`], want[`FORGOTTEN {"receipt":"r-`+order+`"}`] = 1, 1
		if counts, _ := told(t, events); !maps.Equal(counts, want) {
			t.Errorf("frozen after %s: got %v, wanted %v", order, counts, want)
		}
		_ = c.Process.Signal(syscall.SIGCONT)
	}
	text, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`/inv-1/r-1"`, `/inv-2/r-2"`, `"traceparent":"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"`} {
		if strings.Count(string(text), part) < 2 {
			t.Errorf("%s is not of each event of an invocation: %s", part, text)
		}
	}
}

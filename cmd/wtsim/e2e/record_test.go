package e2e

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/goccy/go-yaml"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// A program that knows nothing of wtsim, in a module that does not require it, is
// built with the recorder: its calls of HTTP, of Redis, plainly and within TLS,
// and of gRPC are events of the invocation that made them, and check finds the order that is charged
// twice. Its module is as it was, and without WTSIM_RECORD nothing is recorded.
func TestRecordUnchanged(t *testing.T) {
	if testing.Short() {
		t.Skip("links binaries, which takes seconds; runs without -short")
	}
	t.Parallel() // all of it is in other processes
	dir := filepath.Join("..", "..", "..", "examples", "unchanged")
	before := tree(t, dir)
	shop := filepath.Join(t.TempDir(), "shop")
	asWtsim(t, dir, 0, "build", "--record", "--rules", "rules.yaml", "-o", shop, ".")
	if after := tree(t, dir); after != before {
		t.Errorf("the module was\n%s\nand is\n%s", before, after)
	}
	for _, within := range []string{"", "TLS"} {
		t.Run("Redis"+within, func(t *testing.T) {
			events := filepath.Join(t.TempDir(), "events.ndjson")
			shopping(t, shop, within, "WTSIM_RECORD="+events, "WTSIM_FUNCTION=shop")
			got := asWtsim(t, dir, 1, "check", "--json", "--props", "properties.yaml", "--events", events)
			if strings.Count(got, `"kind":"violation"`) != 1 || !strings.Contains(got, `"binding":{"order":"o-1"}`) {
				t.Errorf("check prints %s", got)
			}
			want := map[string]int{`ASKED {"service":"warehouse","status":"SERVING"}`: 4, `CHARGED {"id":"ch-o-1","order":"o-1"}`: 2, `CHARGED {"id":"ch-o-2","order":"o-2"}`: 1,
				`NOTED {"order":"o-1"}`: 2, `NOTED {"order":"o-2"}`: 1}
			counts, invocations := told(t, events)
			if !maps.Equal(counts, want) {
				t.Errorf("got %v, wanted %v", counts, want)
			}
			if invocations != "ASKED, ASKED CHARGED NOTED, ASKED CHARGED NOTED, ASKED CHARGED NOTED" {
				t.Errorf("by invocation: %s", invocations)
			}
		})
	}
	shopping(t, shop, "")
	if out, err := exec.Command("env", "-i", "WTSIM_RECORD=-", "WTSIM_RULES=rules.yaml", shop).CombinedOutput(); err == nil ||
		!strings.HasPrefix(string(out), "wtsim: WTSIM_RULES: open rules.yaml: no such file") || strings.Count(string(out), "\n") != 1 {
		t.Errorf("without its rules it ends with %v and says %s", err, out)
	}
}

// The same program, built with Orchestrion, records the same, but for calls of gRPC:
// probe/orchestrion/try.sh builds it and runs this.
func TestOrchestrion(t *testing.T) {
	shop := os.Getenv("WTSIM_ORCHESTRION_SHOP")
	if shop == "" {
		t.Skip("it wants a program built with Orchestrion: probe/orchestrion/try.sh has it")
	}
	recordsWithoutGRPC(t, shop)
}

// recordsWithoutGRPC has the shop record, by rules that its environment names.
func recordsWithoutGRPC(t *testing.T, shop string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "examples", "unchanged", "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rules, events := filepath.Join(t.TempDir(), "rules.json"), filepath.Join(t.TempDir(), "events.ndjson")
	if text, err = yaml.YAMLToJSON(text); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rules, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, within := range []string{"", "TLS"} {
		shopping(t, shop, within, "WTSIM_RECORD="+events, "WTSIM_RULES="+rules, "WTSIM_FUNCTION=shop")
		want := map[string]int{`CHARGED {"id":"ch-o-1","order":"o-1"}`: 2, `CHARGED {"id":"ch-o-2","order":"o-2"}`: 1,
			`NOTED {"order":"o-1"}`: 2, `NOTED {"order":"o-2"}`: 1}
		counts, invocations := told(t, events)
		if !maps.Equal(counts, want) || invocations != "CHARGED NOTED, CHARGED NOTED, CHARGED NOTED" {
			t.Errorf("Redis%s: got %v, wanted %v; by invocation: %s", within, counts, want, invocations)
		}
		if err := os.Remove(events); err != nil {
			t.Error(err)
		}
	}
}

// shopping runs the shop: o-1 is ordered by two at once, o-2 by one after another.
func shopping(t *testing.T, shop, within string, env ...string) {
	t.Helper()
	var both sync.WaitGroup // who charges o-1 waits for the other
	both.Add(2)
	payments := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if order := filepath.Base(r.URL.Path); order == "o-1" {
			both.Done()
			both.Wait()
		}
		_, _ = fmt.Fprintf(w, `{"id":"ch-%s"}`, filepath.Base(r.URL.Path))
	}))
	defer payments.Close()
	store := miniredis.NewMiniRedis()
	defer store.Close()
	err := store.Start()
	if within == "TLS" {
		store.Close()
		own := httptest.NewTLSServer(nil) // has a certificate
		defer own.Close()
		err = store.StartTLS(&tls.Config{Certificates: own.TLS.Certificates})
	}
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(shop)
	c.Env = append(os.Environ(), append(env, "WTSIM_SERVICES="+strings.TrimPrefix(payments.URL, "http://")+"=payments", "PORT=0",
		"PAYMENTS_URL="+payments.URL, "REDIS_ADDR="+store.Addr(), "REDIS_TLS="+within, "WAREHOUSE_ADDR="+warehouse(t))...)
	url := serving(t, c)
	var customers sync.WaitGroup
	for range 2 {
		customers.Go(func() { order(t, url, "o-1") })
	}
	order(t, url, "o-2")
	order(t, url, "o-2")
	customers.Wait()
	_ = c.Process.Signal(os.Interrupt)
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

func order(t *testing.T, url, id string) {
	resp, err := http.Post(url+"/orders/"+id, "", nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Error(resp, err)
		return
	}
	_ = resp.Body.Close()
}

// warehouse is a server of gRPC's health service.
func warehouse(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answers := health.NewServer()
	answers.SetServingStatus("warehouse", grpc_health_v1.HealthCheckResponse_SERVING)
	s := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(s, answers)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

// told counts the events of a file, and says what each invocation had.
func told(t *testing.T, file string) (counts map[string]int, invocations string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	counts = map[string]int{}
	byInvocation := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		var e struct {
			Type, Source, Invocation string
			Data                     json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || !strings.HasPrefix(e.Source, "/functions/shop/") {
			t.Fatalf("%v: %s", err, line)
		}
		counts[e.Type+" "+string(e.Data)]++
		byInvocation[e.Invocation] = append(byInvocation[e.Invocation], e.Type)
	}
	var all []string
	for _, types := range byInvocation {
		all = append(all, strings.Join(types, " "))
	}
	slices.Sort(all)
	return counts, strings.Join(all, ", ")
}

// serving starts a program that says where it listens, and returns that.
func serving(t *testing.T, c *exec.Cmd) (url string) {
	t.Helper()
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	return "http://" + strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
}

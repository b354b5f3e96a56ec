package main

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream/jetstream"
	"github.com/wtsim/wtsim/monitor/stream/service"
	"github.com/wtsim/wtsim/props"
)

// monitored is `wtsim monitor`, with what it has told.
func monitored(t *testing.T) (url string, told func() string) {
	t.Helper()
	property := props.AtMostOnce("charged at most once", props.On("CHARGED", "order"))
	program, err := monitor.Compile(property)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := jetstream.Embed(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	s, err := service.Start(context.Background(), service.Options{Program: program, Token: "t-1"}, engine)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	url = "http://" + l.Addr().String()
	return url, func() string { return asked(t, url+"/v1/violations") }
}

func asked(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer t-1")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var text bytes.Buffer
	_, _ = text.ReadFrom(resp.Body)
	return text.String()
}

// books is a driver whose database takes everything.
type books struct{ driver.Conn }

func (books) Open(string) (driver.Conn, error) { return books{}, nil }
func (books) Close() error                     { return nil }
func (books) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), nil
}

func init() { sql.Register("books", books{}) }

// Two requests for one order at once are charged twice: the monitor has told so
// by the time that both are answered, without a name of an order; another order
// is charged once.
func TestShop(t *testing.T) {
	url, told := monitored(t)
	rec, err := record(url, "t-1", "a key of sixteen bytes or more")
	if err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup // who charges o-1 waits for the other
	both.Add(2)
	payments := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/o-1") {
			both.Done()
			both.Wait()
		}
	}))
	defer payments.Close()
	ledger, err := rec.database("books", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ledger.Close() }()
	store := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), Dialer: rec.dialer(&net.Dialer{})})
	defer func() { _ = store.Close() }()
	s := &shop{store: store, ledger: ledger, payments: &http.Client{Transport: rec.transport(http.DefaultTransport)}, provider: payments.URL}
	server := httptest.NewServer(rec.handler(s.routes()))
	defer server.Close()
	order := func(id string) {
		resp, err := http.Post(server.URL+"/orders/"+id, "", nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Error(resp, err)
			return
		}
		_ = resp.Body.Close()
	}
	order("o-2")
	order("o-2")
	if got := told(); got != "" {
		t.Errorf("told %s", got)
	}
	var customers sync.WaitGroup
	for range 2 {
		customers.Go(func() { order("o-1") })
	}
	customers.Wait()
	if got := told(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "charged at most once") || strings.Contains(got, "o-1") {
		t.Errorf("told %s", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := rec.out.Close(ctx); err != nil {
		t.Error(err)
	}
	var status service.Status
	if err := json.Unmarshal([]byte(asked(t, url+"/v1/status")), &status); err != nil || status.Events != 9 || status.Missing != 0 {
		t.Errorf("%+v, %v", status, err)
	}
}

// The binary links the seam and the sink: no simulator, no fake, no monitor.
func TestLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	var ours []string
	for path := range strings.FieldsSeq(string(out)) {
		if rest, ok := strings.CutPrefix(path, "github.com/wtsim/wtsim/"); ok {
			ours = append(ours, rest)
		}
	}
	if got := strings.Join(ours, " "); got != "event probe probe/httpprobe probe/redisprobe probe/sink probe/sqlprobe" {
		t.Errorf("of wtsim it links %s", got)
	}
}

package jetstream

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream/service"
	"github.com/wtsim/wtsim/probe/sink"
	"github.com/wtsim/wtsim/probe/sink/natssink"
	"github.com/wtsim/wtsim/props"
)

// clustered is a server that others connect to.
func clustered(t *testing.T, o server.Options) (*server.Server, *Engine) {
	t.Helper()
	o.Host, o.Port, o.NoSigs, o.NoLog, o.JetStream, o.StoreDir = "127.0.0.1", -1, true, true, true, t.TempDir()
	s, err := server.NewServer(&o)
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready")
	}
	t.Cleanup(s.Shutdown)
	e, err := Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return s, e
}

// What an application's recorder sends over NATS is judged; what is no batch is
// refused.
func TestEventsOverNATS(t *testing.T) {
	srv, e := clustered(t, server.Options{SyncAlways: true})
	p, err := monitor.Compile(props.AtMostOnce("once", props.On("PAID")))
	if err != nil {
		t.Fatal(err)
	}
	s, err := service.Start(context.Background(), service.Options{Program: p, Hosts: true, Log: t.Output()}, e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	if err := e.Serve(s.Message); err != nil {
		t.Fatal(err)
	}
	c, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	out := natssink.New(c, "", sink.Options{})
	for n := range 3 {
		out.Put(event.Event{ID: string(rune('a' + n)), Source: "s", Type: "PAID", Time: time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC)})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := out.Close(ctx); err != nil || out.Stats().Sent != 3 {
		t.Fatal(err, out.Stats())
	}
	if m, err := c.RequestWithContext(ctx, natssink.Subject, []byte("{}")); err != nil || m.Header.Get("Nats-Service-Error-Code") != "400" || !strings.Contains(string(m.Data), "not a batch") {
		t.Errorf("%v %+v", err, m)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l) //nolint:errcheck // until it is stopped
	base := "http://" + l.Addr().String()
	if r, err := http.Post(base+"/v1/close", "", nil); err != nil || r.StatusCode != http.StatusOK {
		t.Fatal(r, err)
	}
	r, err := http.Get(base + "/v1/violations")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r.Body); err != nil || strings.Count(string(text), `"event":"b"`) != 1 {
		t.Errorf("got %s, %v", text, err)
	}
}

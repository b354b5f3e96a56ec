package natssink

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe/sink"
)

// connected is a connection to a server of the test's own.
func connected(t *testing.T) *nats.Conn {
	t.Helper()
	s, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready")
	}
	t.Cleanup(s.Shutdown)
	c, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func put(s *sink.Sink, n int) {
	s.Put(event.Event{ID: fmt.Sprint(n), Source: "s", Type: "PAID", Time: time.Unix(int64(n), 0)})
}

func quiet() sink.Options { return sink.Options{Log: slog.New(slog.DiscardHandler)} }

// Events come to whoever listens, in order, each once to the monitor: sent again
// where nobody listens yet or where the answer asks for it, and dropped where they
// are refused.
func TestNew(t *testing.T) {
	c := connected(t)
	s := New(c, "", quiet())
	put(s, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Flush(ctx); err == nil || s.Stats().Waiting != 1 {
		t.Errorf("%v, %+v: nobody listens", err, s.Stats())
	}
	var mu sync.Mutex
	var got []string
	answers := []string{"503", "", "400", ""}
	if _, err := c.Subscribe(Subject, func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		code := answers[0]
		answers = answers[1:]
		var all []event.Event
		if err := json.Unmarshal(m.Data, &all); err != nil {
			t.Error(err)
		}
		for _, e := range all {
			got = append(got, e.ID+" "+code)
		}
		a := &nats.Msg{}
		if code != "" {
			a.Header = nats.Header{"Nats-Service-Error-Code": {code}}
		}
		if err := m.RespondMsg(a); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	for s.Stats().Sent == 0 && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	for n := range 2 {
		put(s, n+2)
		_ = s.Flush(ctx)
	}
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := "[1 503 1  2 400 3 ]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, wanted %s", got, want)
	}
	if st := s.Stats(); st.Sent != 2 || st.Dropped != 1 {
		t.Errorf("%+v", st)
	}
}

package redisprobe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/internal/probetest"
)

// recordedRedis is a real client, server and socket, as in production, with
// events for SET, INCR and SUBSCRIBE.
func recordedRedis(t *testing.T, events *[]event.Event) (*redis.Client, *miniredis.Miniredis) {
	t.Helper()
	m := miniredis.RunT(t)
	with := map[string]string{"key": "{key}"}
	r := probetest.Recorder(events, probe.Rule{Service: "redis", Method: "SET", Resource: "{key}", Emit: "SET", With: with},
		probe.Rule{Service: "redis", Method: "INCR", Resource: "{key}", Emit: "INCR", With: with},
		probe.Rule{Service: "redis", Method: "SUBSCRIBE", Resource: "{key}", Emit: "SUBSCRIBED", With: with})
	dial := Dialer(r, "redis", func(ctx context.Context, network, addr string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	})
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), Dialer: dial, ReadTimeout: 200 * time.Millisecond})
	t.Cleanup(func() { _ = c.Close() })
	return c, m
}

// In production a pipeline goes out in one piece, answers are told one by
// one, and what failed is no event.
func TestRecorderRedis(t *testing.T) {
	var events []event.Event
	c, _ := recordedRedis(t, &events)
	ctx := t.Context()
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "a", strings.Repeat("x", 1<<20), 0)
		p.Incr(ctx, "a")
		p.Set(ctx, "b", 1, 0)
		p.Incr(ctx, "b")
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "not an integer") {
		t.Error(err)
	}
	if got := fmt.Sprint(events[0], events[1], events[2], len(events)); got != "SET(a) SET(b) INCR(b) 3" {
		t.Errorf("got %s", got)
	}
	if n, err := c.Incr(ctx, "b").Result(); n != 3 || err != nil {
		t.Error(n, err)
	}
}

// A monitor cannot influence: subscriptions and what is no request of the
// protocol pass as they are.
func TestRecorderRedisPassesAll(t *testing.T) {
	var events []event.Event
	c, m := recordedRedis(t, &events)
	ctx := t.Context()
	sub := c.Subscribe(ctx, "news")
	defer func() { _ = sub.Close() }()
	if _, err := sub.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	m.Publish("news", "hello")
	if msg, err := sub.ReceiveMessage(ctx); err != nil || msg.Payload != "hello" {
		t.Error(msg, err)
	}
	if len(events) != 1 || events[0].String() != "SUBSCRIBED(news)" {
		t.Errorf("got %v", events)
	}
}

// So they do where the Recorder is wrapped by another tap.
func TestPassiveBytes(t *testing.T) {
	var events []event.Event
	r := probetest.Recorder(&events)
	for _, tap := range []probe.Tap{r, probetest.Wrapped{Tap: r}} {
		passesBytes(t, tap)
	}
}

// passesBytes sends what is no request through the tap, and back.
func passesBytes(t *testing.T, tap probe.Tap) {
	t.Helper()
	client, server := net.Pipe()
	conn, err := Dialer(tap, "redis", func(context.Context, string, string) (net.Conn, error) { return client, nil })(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, 6)
		_, _ = io.ReadFull(server, b)
		_, _ = server.Write(b)
		_ = server.Close()
	}()
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(conn); string(b) != "PING\r\n" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
}

// Timeouts and dead connections are the client's business as ever: a server
// that does not answer is given up, and the pool sees the socket.
func TestRecorderRedisDeadServer(t *testing.T) {
	var events []event.Event
	c, m := recordedRedis(t, &events)
	conn, err := c.Options().Dialer(t.Context(), "tcp", m.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, ok := conn.(syscall.Conn); !ok {
		t.Error("the client cannot look at the socket")
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := conn.Write([]byte(encode("BLPOP", "k", "0"))); err != nil {
		t.Error(err)
	}
	var timeout net.Error
	if _, err := conn.Read(make([]byte, 10)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("got %v", err)
	}
}

// What the server says unasked, such as an invalidation, is told to the
// client whole, and the answers after it are still told apart.
func TestRecorderRedisPush(t *testing.T) {
	var events []event.Event
	client, server := net.Pipe()
	r := probetest.Recorder(&events, probe.Rule{Service: "redis", Method: "INCR", Emit: "INCR"})
	conn, err := Dialer(r, "redis", func(context.Context, string, string) (net.Conn, error) { return client, nil })(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	push := ">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n"
	go func() {
		_, _ = io.WriteString(server, push)
		_, _ = io.ReadFull(server, make([]byte, len(encode("INCR", "n"))))
		_, _ = io.WriteString(server, push+":1\r\n")
		_ = server.Close()
	}()
	got := make([]byte, 100)
	if n, err := conn.Read(got); string(got[:n]) != push || err != nil {
		t.Errorf("got %q, %v", got[:n], err)
	}
	if _, err := conn.Write([]byte(encode("INCR", "n"))); err != nil {
		t.Error(err)
	}
	if n, err := conn.Read(got); string(got[:n]) != push+":1\r\n" || err != nil || len(events) != 1 {
		t.Errorf("got %q, %v, %v", got[:n], err, events)
	}
	if _, err := conn.Read(got); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

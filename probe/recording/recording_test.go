package recording_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/httpprobe"
	"github.com/wtsim/wtsim/probe/recording"
	"github.com/wtsim/wtsim/probe/redisprobe"
)

// shop charges an order and notes that, under a token that it draws.
type shop struct {
	store    *redis.Client
	payments *http.Client
	provider string
	random   io.Reader
	price    string
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	order, _ := io.ReadAll(r.Body)
	token := make([]byte, 8)
	if _, err := io.ReadFull(s.random, token); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	n, err := s.store.Incr(r.Context(), "seen/"+string(order)).Result()
	if err != nil || n > 1 {
		http.Error(w, fmt.Sprint("seen ", n, err), http.StatusConflict)
		return
	}
	resp, err := s.payments.Post(s.provider+"/charges", "application/json", strings.NewReader(`{"token":"`+hex.EncodeToString(token)+`","price":"`+s.price+`"}`))
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer resp.Body.Close()
	receipt, _ := io.ReadAll(resp.Body)
	_, err = s.store.TxPipelined(r.Context(), func(p redis.Pipeliner) error {
		p.Set(r.Context(), "receipt/"+string(order), receipt, 0)
		p.HSet(r.Context(), "orders", string(order), "paid")
		return nil
	})
	all, failed := s.store.HGetAll(r.Context(), "orders").Result()
	missing := s.store.Get(r.Context(), "nothing").Err()
	fmt.Fprint(w, string(receipt), err, all, failed, missing, r.Header.Get("X-Shop"))
}

// record has an invocation of the shop for real, and returns its file and answer.
func record(t *testing.T, limits recording.Limits) (dir, answer string) {
	dir = t.TempDir()
	rules, err := probe.CompileRules([]probe.Rule{{Service: "payments", Emit: "CHARGED"}})
	if err != nil {
		t.Fatal(err)
	}
	r := probe.NewRecorder("shop", "i-1", rules, probe.SinkFunc(func(event.Event) {}))
	kept, err := recording.NewDirectory(dir, limits)
	if err != nil {
		t.Fatal(err)
	}
	r.Keep(kept)
	payments := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "receipt 7 ") }))
	defer payments.Close()
	s := &shop{
		store:    redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), Dialer: redisprobe.Dialer(r, "redis", new(net.Dialer).DialContext)}),
		payments: &http.Client{Transport: httpprobe.Transport(r, http.DefaultTransport, nil)}, provider: payments.URL,
		random: recording.Reader(r, rand.Reader), price: "12",
	}
	defer s.store.Close()
	server := httptest.NewServer(httpprobe.Handler(r, recording.Handler(r, s)))
	defer server.Close()
	req, err := http.NewRequest(http.MethodPost, server.URL+"/orders?x=1", strings.NewReader("o-1"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer secret")
	req.Header.Set("X-Shop", "north")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, string(text), err)
	}
	return dir, string(text)
}

func read(t *testing.T, dir string) *recording.Invocation {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, files[0].Name()))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("secret")) {
		t.Error("the recording has the password")
	}
	all, err := recording.Read(bytes.NewReader(text))
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return all[0]
}

// play runs the shop on what was recorded.
func play(t *testing.T, of *recording.Invocation, change func(*shop)) (answer string, numbers []int, d *recording.Divergence) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(of.Began)) // before there are clients, whose timers would all fire on the way
		p := recording.NewPlayer(of)
		p.At = func(n int) { numbers = append(numbers, n) }
		s := &shop{
			store:    redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, Dialer: redisprobe.Dialer(p, "redis", p.Dial)}),
			payments: &http.Client{Transport: httpprobe.Transport(p, p, nil)}, provider: "http://" + host(of), random: p, price: "12",
		}
		defer s.store.Close()
		if change != nil {
			change(s)
		}
		req, err := of.HTTP()
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req.WithContext(context.Background()))
		answer, d = w.Body.String(), p.End()
	})
	return answer, numbers, d
}

func host(of *recording.Invocation) string {
	for _, op := range of.Operations {
		if op.Method == http.MethodPost {
			return op.Service
		}
	}
	return ""
}

// An invocation that was recorded runs again without anything outside, to the same
// answer, transactions, maps, nothing and random bytes included; one of another
// program is told where it parts, with what was expected and what came.
func TestPlay(t *testing.T) {
	dir, want := record(t, recording.Limits{})
	of := read(t, dir)
	if of.Status != http.StatusOK || len(of.Operations) != 5 || of.Request.Header["Authorization"] != recording.Hidden {
		t.Fatalf("%+v", of)
	}
	got, numbers, d := play(t, of, nil)
	if got != want || d != nil || fmt.Sprint(numbers) != "[1 2 3 4 5]" {
		t.Errorf("%q %v %v, wanted %q", got, numbers, d, want)
	}
	_, numbers, d = play(t, read(t, dir), func(s *shop) { s.price = "13" })
	if d == nil || d.Number != 2 || !strings.Contains(d.Expected, `\"price\":\"12\"`) || !strings.Contains(d.Actual, `\"price\":\"13\"`) || fmt.Sprint(numbers) != "[1]" {
		t.Errorf("%v, %v", d, numbers)
	}
	_, _, d = play(t, read(t, dir), func(s *shop) { s.random = failing{} })
	if d == nil || d.Number != 1 || !strings.Contains(d.Expected, "incr seen/o-1") || d.Actual != "the end of the invocation" {
		t.Errorf("%v", d)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// What cannot be answered is told, and does not go out.
func TestUnplayable(t *testing.T) {
	of := &recording.Invocation{Operations: []recording.Operation{{Operation: event.Operation{Service: "pubsub", Method: "publish", Resource: "orders", Result: event.Result{Status: "OK", OK: true}}}}}
	p := recording.NewPlayer(of)
	fate := p.Enter(&probe.Call{Op: event.Operation{Service: "pubsub", Method: "publish", Resource: "orders"}})
	if d := p.End(); fate.Action != probe.Cut || d == nil || !strings.Contains(d.Actual, "pubsub publish orders, of which the recording has no whole answer") {
		t.Errorf("%v %v", fate, d)
	}
}

// What is too long is not kept, and nothing of it is.
func TestLimits(t *testing.T) {
	dir, _ := record(t, recording.Limits{Bytes: 500})
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("%v %v", files, err)
	}
}

package web

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// A request with a known key has no effect and is answered as before, with
// 200; one without a key, or one that was refused, is new.
func TestIdempotent(t *testing.T) {
	var charges counter
	_, client := open(t, New("pay.example", func() http.Handler { return Idempotent(&charges) }))
	for _, c := range []struct{ key, amount, want string }{
		{"a", "5", "201 charge 1"},
		{"a", "5", "200 charge 1"},
		{"b", "0", "400 nothing to charge\n"},
		{"b", "7", "201 charge 2"},
		{"", "5", "201 charge 3"},
		{"", "5", "201 charge 4"},
		{"b", "7", "200 charge 2"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://pay.example/charges", strings.NewReader(c.amount))
		if err != nil {
			t.Fatal(err)
		}
		if c.key != "" {
			r.Header.Set("Idempotency-Key", c.key)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Status[:4] + string(body); got != c.want || resp.Header.Get("X-Charges") == "" && resp.StatusCode < 300 {
			t.Errorf("key %q, amount %s: got %q %v, want %q", c.key, c.amount, got, resp.Header, c.want)
		}
	}
	if _, ok := Idempotent(&charges).(Stateful); ok {
		t.Error("an API without a state shows one")
	}
	if s, ok := Idempotent(&till{}).(Stateful); !ok || s.Contents()[0].Value != "0" {
		t.Error("an API's state is hidden")
	}
}

// While an answer is on its way, the key is taken; a connection that the API
// drops leaves it free.
func TestIdempotentUnderWay(t *testing.T) {
	var inner, drops int
	var api http.Handler
	ask := func() int {
		w := &answer{header: http.Header{}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Idempotency-Key", "a")
		defer func() { _ = recover() }()
		api.ServeHTTP(w, r)
		return w.code
	}
	api = Idempotent(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if drops++; drops == 1 {
			panic(http.ErrAbortHandler)
		}
		inner = ask()
		w.WriteHeader(http.StatusCreated)
	}))
	if got := ask(); got != 0 {
		t.Errorf("got %d of a connection that was dropped", got)
	}
	if got := ask(); got != http.StatusCreated || inner != http.StatusConflict {
		t.Errorf("got %d, and %d meanwhile, want 201 and 409", got, inner)
	}
}

// counter charges what is not 0.
type counter struct{ charges int }

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if amount, err := io.ReadAll(r.Body); err != nil || string(amount) == "0" {
		http.Error(w, "nothing to charge", http.StatusBadRequest)
		return
	}
	c.charges++
	w.Header().Set("X-Charges", "1")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, "charge "+string(rune('0'+c.charges)))
}

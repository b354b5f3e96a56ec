package function

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/stream"
	"github.com/wtsim/wtsim/monitor/stream/intake"
)

// route says what requests are for. What a platform sends to a function has no
// path of its own.
func (f *Function) route() {
	f.mux = http.NewServeMux()
	f.mux.HandleFunc("POST /{$}", f.events)
	f.mux.HandleFunc("POST /v1/events", f.events)
	f.mux.HandleFunc("POST /v1/tick", f.tick)
	f.mux.HandleFunc("POST /v1/close", f.close)
	f.mux.HandleFunc("GET /v1/violations", f.violations)
	f.mux.HandleFunc("GET /v1/status", f.status)
	f.mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
}

// ServeHTTP takes events at / and /v1/events, in the forms that wtsim monitor
// takes, is ticked at /v1/tick and closed at /v1/close; /v1/violations and
// /v1/status tell.
func (f *Function) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.mux.ServeHTTP(w, r) }

func (f *Function) events(w http.ResponseWriter, r *http.Request) {
	status, answer := f.take(w, r)
	intake.Write(w, status, answer)
}

// take judges a request's events, and returns what to answer.
func (f *Function) take(w http.ResponseWriter, r *http.Request) (int, intake.Answer) {
	var a intake.Answer
	b := batch{now: f.now()}
	reader := intake.Reader{Limits: &f.Limits, Wrong: a.Refuse, Event: func(e *event.Event, line int) {
		if ahead := e.Time.Sub(b.now); f.Ahead > 0 && ahead > f.Ahead {
			a.Refuse(line, fmt.Sprintf("time is %s, %v ahead of this machine's clock, wanted at most %v", e.Time.UTC().Format(time.RFC3339Nano), ahead.Round(time.Second), f.Ahead))
			return
		}
		a.Accepted++
		b.add(f, e)
	}}
	body, err := intake.Body(w, r, f.Limits.Body)
	if err == nil {
		err = reader.Read(r, body)
	}
	err = intake.TooLarge(err)
	if err != nil && a.Accepted > 0 && !errors.Is(err, intake.ErrTooLarge) { // the rest of it is no event
		a.Refuse(a.Accepted+a.Malformed+1, err.Error())
		err = nil
	}
	if stored := f.judge(r.Context(), &b); stored != nil {
		return http.StatusServiceUnavailable, intake.Answer{Error: stored.Error()}
	}
	return a.Status(err, reader.Large), a
}

func (f *Function) tick(w http.ResponseWriter, r *http.Request) {
	if err := f.Tick(r.Context()); err != nil {
		refuse(w, http.StatusServiceUnavailable, err)
	}
}

// close settles what waits; with end, nothing comes after it.
func (f *Function) close(w http.ResponseWriter, r *http.Request) {
	end := r.URL.Query().Has("end") && r.URL.Query().Get("end") != "false"
	if err := f.Close(r.Context(), end); err != nil {
		refuse(w, http.StatusServiceUnavailable, err)
		return
	}
	f.status(w, r)
}

func refuse(w http.ResponseWriter, status int, err error) {
	intake.Write(w, status, map[string]string{"error": err.Error()})
}

// violations tells the verdict log, after a violation if one is named.
func (f *Function) violations(w http.ResponseWriter, r *http.Request) {
	after := r.URL.Query().Get("after")
	if _, err := stream.ParseID(after); after != "" && err != nil {
		refuse(w, http.StatusBadRequest, fmt.Errorf("after: %w", err))
		return
	}
	var out []byte
	found := after == ""
	err := f.each(r.Context(), 1, func(_ uint64, object []byte) error {
		if found {
			out = append(append(out, object...), '\n')
			return nil
		}
		id, err := stream.IDOf(object)
		found = id.String() == after
		return err
	})
	switch {
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, err)
	case !found:
		refuse(w, http.StatusNotFound, errors.New("after: no violation has this id"))
	default:
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = w.Write(out) // who does not read does not want it
	}
}

func (f *Function) status(w http.ResponseWriter, r *http.Request) {
	s, err := f.Status(r.Context())
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, err)
		return
	}
	intake.Write(w, http.StatusOK, s)
}

// Status is what was counted, of all places.
type Status struct {
	Events     int       `json:"events"`
	Violations int       `json:"violations"`
	Malformed  int       `json:"malformed"`
	Late       int       `json:"late"`
	Duplicates int       `json:"duplicates"`
	Expired    int       `json:"expired"`
	Undecided  int       `json:"undecided"`
	Waiting    int       `json:"waiting"` // places, for time to pass
	Newest     time.Time `json:"newest,omitzero"`
}

// farAway is later than what waits is due, in milliseconds.
const farAway = "1e18"

// Status returns what was counted.
func (f *Function) Status(ctx context.Context) (s Status, err error) {
	all, err := f.Redis.HGetAll(ctx, f.records.key("counts")).Result()
	if err != nil {
		return s, err
	}
	into := map[string]*int{"Events": &s.Events, "Violations": &s.Violations, "Malformed": &s.Malformed, "Late": &s.Late,
		"Duplicates": &s.Duplicates, "Expired": &s.Expired, "Undecided": &s.Undecided}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		n, err := strconv.Atoi(all[name])
		if into[name] == nil || err != nil {
			return s, fmt.Errorf("the count %q is %q, wanted a count that a function has written", name, all[name])
		}
		*into[name] = n
	}
	for _, name := range f.order {
		n, err := f.Redis.ZCount(ctx, f.dueKey(name), "-inf", farAway).Result()
		if err != nil {
			return s, err
		}
		s.Waiting += int(n)
	}
	s.Newest, _, _, err = f.newest(ctx)
	return s, err
}

package service

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/wtsim/wtsim/monitor/stream"
	"github.com/wtsim/wtsim/monitor/stream/intake"
)

func (s *Service) routes() http.Handler {
	inner := http.NewServeMux()
	inner.HandleFunc("POST /v1/events", s.events)
	inner.HandleFunc("GET /v1/violations", s.violations)
	inner.HandleFunc("GET /v1/status", s.status)
	inner.HandleFunc("POST /v1/close", s.close)
	inner.Handle("GET /metrics", s.metrics.handler())
	inner.HandleFunc("GET /{$}", s.page)
	if s.Routes != nil {
		for pattern, handler := range s.Routes(s) { //wtsim:order each stands for itself
			inner.Handle(pattern, handler)
		}
	}
	m := http.NewServeMux()
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	m.HandleFunc("GET /readyz", s.readiness)
	m.Handle("/", s.guarded(sameOrigin(inner)))
	return timely(m)
}

// answerWithin is how long a request may take until its answer is read: who does not
// read holds a connection no longer. What stays open says so.
const answerWithin = time.Minute

func timely(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerWithin)) // a server has it
		inner.ServeHTTP(w, r)
	})
}

// sameOrigin refuses what a page of somebody else has a browser send: that knows the
// token, or is on this machine.
func sameOrigin(inner http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusForbidden, "a browser sends this for another site, wanted one of the monitor's own page, or of a program")
	}))
	return p.Handler(inner)
}

// readiness is whether events can be taken in.
func (s *Service) readiness(w http.ResponseWriter, _ *http.Request) {
	switch {
	case !s.ready.Load():
		http.Error(w, "not ready: starting, or stopping", http.StatusServiceUnavailable)
	case s.gateway.full.Load():
		http.Error(w, "not ready: the disk is almost full", http.StatusServiceUnavailable)
	default:
		fmt.Fprintln(w, "ready")
	}
}

// guarded lets in who has the token; where there is none, who asks for this
// machine: a page of somebody else that a browser shows here asks for another.
func (s *Service) guarded(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		switch {
		case s.Token != "" && !s.hasToken(r):
			w.Header().Set("WWW-Authenticate", `Basic realm="wtsim", charset="UTF-8"`)
			refuse(w, http.StatusUnauthorized, "a token is wanted: Authorization: Bearer TOKEN")
		case s.Token == "" && !s.Hosts && !ownHost(r.Host):
			refuse(w, http.StatusForbidden, "a request for another host, wanted localhost or an address of this machine's own")
		default:
			inner.ServeHTTP(w, r)
		}
	})
}

func (s *Service) hasToken(r *http.Request) bool {
	if _, token, ok := r.BasicAuth(); ok { // a browser's
		return s.isToken(token)
	}
	return s.Authorized(r.Header.Get("Authorization"))
}

// Authorized tells whether a request may come, by its Authorization.
func (s *Service) Authorized(authorization string) bool {
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	return s.Token == "" || ok && s.isToken(token)
}

func (s *Service) isToken(token string) bool {
	a, b := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.Token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func ownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") || host == "" {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}

// refuse answers with what is wrong.
func refuse(w http.ResponseWriter, status int, why string) {
	intake.Write(w, status, map[string]string{"error": why})
}

func (s *Service) events(w http.ResponseWriter, r *http.Request) {
	status, a := s.take(w, r)
	s.metrics.answered(status, a.Accepted, a.Malformed)
	intake.Write(w, status, a)
}

// take takes a request's events in, and returns what to answer.
func (s *Service) take(w http.ResponseWriter, r *http.Request) (int, intake.Answer) {
	if s.closing.Load() {
		return http.StatusServiceUnavailable, intake.Answer{Error: "stopping"}
	}
	in, err := s.gateway.open(0)
	if err != nil {
		return statusOf(err), intake.Answer{Error: err.Error()}
	}
	body, err := in.body(w, r)
	if err == nil {
		err = in.reader.Read(r, body)
	}
	if errors.Is(err, ErrBusy) {
		_ = in.finish(r.Context()) // all comes again, as after what is not stored
		return statusOf(err), intake.Answer{Error: err.Error()}
	}
	err = intake.TooLarge(err)
	if a := &in.answer; err != nil && a.Accepted > 0 && !errors.Is(err, ErrTooLarge) { // the rest of it is no event
		in.wrong(a.Accepted+a.Malformed+1, err.Error())
		err = nil
	}
	if stored := in.finish(r.Context()); stored != nil {
		return statusOf(stored), intake.Answer{Error: stored.Error()}
	}
	return in.answer.Status(err, in.reader.Large), in.answer
}

func statusOf(err error) int {
	if errors.Is(err, ErrBusy) {
		return http.StatusTooManyRequests
	}
	return http.StatusServiceUnavailable
}

// settled waits a moment until what this process has stored is committed, so
// that who has sent events and asks then sees what they came to.
func (s *Service) settled(r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	_ = s.verdicts.reached(ctx, s.appended()) // else what is known is told
}

func (s *Service) appended() []uint64 {
	all := make([]uint64, len(s.gateway.lanes))
	for n, l := range s.gateway.lanes {
		all[n] = l.appended()
	}
	return all
}

// mostFollowers bounds requests that stay open, so that there are connections for
// others.
const mostFollowers = mostConnections / 4

// writeWithin is how long a reader may take for what it was sent.
const writeWithin = 30 * time.Second

func (s *Service) violations(w http.ResponseWriter, r *http.Request) {
	from := 0
	follow := r.URL.Query().Has("follow") && r.URL.Query().Get("follow") != "false"
	if follow {
		defer s.verdicts.followers.Add(-1)
		if s.verdicts.followers.Add(1) > mostFollowers {
			refuse(w, http.StatusServiceUnavailable, fmt.Sprintf("%d requests follow the violations already; try again later", mostFollowers))
			return
		}
	}
	if after := r.URL.Query().Get("after"); after != "" {
		id, err := stream.ParseID(after)
		if err != nil {
			refuse(w, http.StatusBadRequest, "after: "+err.Error())
			return
		}
		s.settled(r)
		var ok bool
		if from, ok = s.verdicts.after(id); !ok {
			refuse(w, http.StatusNotFound, "after: no violation has this id")
			return
		}
	} else {
		s.settled(r)
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // of requests that bring something; this one may stay
	for {
		change := s.verdicts.change()
		_ = control.SetWriteDeadline(time.Now().Add(writeWithin)) // a server has it
		next, err := s.verdicts.each(r.Context(), from, func(_ stream.ID, object []byte) error {
			if _, err := w.Write(object); err != nil {
				return err
			}
			_, err := w.Write([]byte("\n"))
			return err
		})
		if from = next; err != nil || control.Flush() != nil || !follow {
			return
		}
		_ = control.SetWriteDeadline(time.Time{}) // HTTP/2 ends a stream by it that has nothing to write, too
		select {
		case <-change:
		case <-r.Context().Done():
			return
		case <-s.end.Done():
			return
		}
	}
}

// Status is what GET /v1/status answers.
type Status struct {
	Verdict string `json:"verdict"`
	stream.Totals
	Watermark  *time.Time  `json:"watermark"`
	Partitions []Partition `json:"partitions"`
	Ready      bool        `json:"ready"`
	Uptime     int64       `json:"uptime_s"`
	Pending    int64       `json:"pending_bytes"`
	Alarms     int64       `json:"alarms"`
	// Inconclusive are the last instances that may be violated, and may not, as
	// check tells them; undecided counts all.
	Inconclusive []json.RawMessage `json:"inconclusive,omitempty"`
}

// Partition is a part of the instances.
type Partition struct {
	Partition int        `json:"partition"`
	Owner     string     `json:"owner"`
	Here      bool       `json:"here"` // this process judges it
	Block     uint64     `json:"block"`
	Lag       uint64     `json:"lag"` // blocks of this process that are not committed
	Watermark *time.Time `json:"watermark"`
	stream.Totals
}

func (s *Service) status(w http.ResponseWriter, r *http.Request) {
	s.settled(r)
	intake.Write(w, http.StatusOK, s.now())
}

// now is the status.
func (s *Service) now() Status {
	st := Status{Ready: s.ready.Load(), Uptime: int64(time.Since(s.began).Seconds()), Pending: s.gateway.pending.Load(), Alarms: s.metrics.alarmsSeen.Load(), Inconclusive: s.verdicts.undecided()}
	appended := s.appended()
	for n, c := range s.verdicts.commits() {
		p := Partition{Partition: n, Owner: c.Owner, Here: s.owned[n].Load(), Block: c.Offset, Totals: c.Totals}
		if appended[n] > c.Offset {
			p.Lag = appended[n] - c.Offset
		}
		if !c.Watermark.IsZero() {
			p.Watermark = &c.Watermark
			if st.Watermark == nil || c.Watermark.Before(*st.Watermark) {
				st.Watermark = &c.Watermark
			}
		}
		st.Totals.Add(c.Totals)
		st.Partitions = append(st.Partitions, p)
	}
	st.Verdict = "held"
	switch t := st.Totals; {
	case t.Violations > 0:
		st.Verdict = "violated"
	case t.Malformed+t.Late+t.Missing+t.Expired+t.Undecided+t.Lost > 0 || t.Lossy:
		st.Verdict = "inconclusive"
	}
	return st
}

func (s *Service) totals() (t stream.Totals) {
	for _, c := range s.verdicts.commits() {
		t.Add(c.Totals)
	}
	return t
}

func (s *Service) lag() (n uint64) {
	for _, p := range s.now().Partitions {
		n += p.Lag
	}
	return n
}

func (s *Service) stateBytes() (n int) {
	for _, c := range s.verdicts.commits() {
		if len(c.States) > 0 {
			n += c.States[0].Bytes
		}
	}
	return n
}

func (s *Service) delay() (most time.Duration) {
	for _, c := range s.verdicts.commits() {
		if !c.Watermark.IsZero() {
			most = max(most, c.Newest.Sub(c.Watermark))
		}
	}
	return most
}

// closeWithin is how long a close waits for what is judged before it.
const closeWithin = 5 * time.Minute

// close settles what waits, and answers when that is committed.
func (s *Service) close(w http.ResponseWriter, r *http.Request) {
	end := r.URL.Query().Has("end") && r.URL.Query().Get("end") != "false"
	ctx, cancel := context.WithTimeout(r.Context(), closeWithin)
	defer cancel()
	control := http.NewResponseController(w) // it brings nothing, and may take long
	_, _ = control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Now().Add(closeWithin+writeWithin))
	err := s.gateway.everywhere(ctx, func(b *stream.Block) { b.Close(end) })
	if err == nil {
		err = s.verdicts.reached(ctx, s.appended())
	}
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	intake.Write(w, http.StatusOK, s.now())
}

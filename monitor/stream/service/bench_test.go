package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream"
	"github.com/wtsim/wtsim/monitor/stream/jetstream"
)

// How many events a second does the durable path take, from HTTP to the verdict
// that is committed, beside a bare publisher and reader of 64 KiB blocks on the
// same log? Events of 300 bytes, one property of one variable.
//
//	go test ./monitor/stream/service -run '^$' -bench Durable -benchtime 1x
func BenchmarkDurable(b *testing.B) {
	const size = 300
	b.Run("bare", func(b *testing.B) {
		e := bare(b)
		block := make([]byte, 64<<10)
		const n = 300
		for b.Loop() {
			for range n {
				if _, err := e.Events(0).Append(context.Background(), block); err != nil {
					b.Fatal(err)
				}
			}
			if all, err := e.Events(0).Read(context.Background(), 1, n*len(block)); err != nil || len(all) < n {
				b.Fatal(len(all), err)
			}
		}
		b.ReportMetric(float64(n*len(block)/size)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	for _, batch := range []int{1, 2000} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) { durable(b, 1, batch, min(100_000, batch*300), size) })
	}
	b.Run("batch=2000/shards=2", func(b *testing.B) { durable(b, 2, 2000, 100_000, size) })
}

func bare(b *testing.B) *jetstream.Engine {
	e, err := jetstream.Embed(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(e.Close)
	if err := e.Create(context.Background(), 1, []byte("{}")); err != nil {
		b.Fatal(err)
	}
	return e
}

func durable(b *testing.B, shards, batch, events, size int) {
	e, err := jetstream.Embed(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(e.Close)
	s, err := Start(context.Background(), Options{Program: program(b), Stream: monitor.StreamOptions{Lateness: time.Second}, Shards: shards, Hosts: true}, e)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Stop)
	handler := s.routes()
	var bodies [][]byte
	for n := 0; n < events; n += batch {
		var body bytes.Buffer
		for i := range batch {
			body.WriteString(padded(paid(fmt.Sprint("i-", n+i), fmt.Sprintf("o-%d", n+i), begin.Add(time.Duration(n+i)*time.Millisecond)), size))
		}
		bodies = append(bodies, body.Bytes())
	}
	for b.Loop() {
		sendAll(b, handler, bodies)
		if err := s.verdicts.reached(context.Background(), s.appended()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// sendAll sends from four clients at once.
func sendAll(b *testing.B, handler http.Handler, bodies [][]byte) {
	done := make(chan int, 4)
	for c := range cap(done) {
		go func() {
			for n := c; n < len(bodies); n += cap(done) {
				r := httptest.NewRequest(http.MethodPost, "/v1/events", bytes.NewReader(bodies[n]))
				r.Header.Set("Content-Type", lines)
				w := httptest.NewRecorder()
				if handler.ServeHTTP(w, r); w.Code != http.StatusAccepted {
					text, _ := io.ReadAll(w.Body)
					b.Errorf("%d %s", w.Code, text)
				}
			}
			done <- c
		}()
	}
	for range cap(done) {
		<-done
	}
}

// padded is a line of some bytes.
func padded(line string, size int) string {
	return line[:len(line)-1] + `,"pad":"` + string(bytes.Repeat([]byte("x"), max(0, size-len(line)-9))) + "\"}\n"
}

// How long after an event's time, and the lateness, is a violation told to who
// follows? Events of 300 bytes come at a rate, a request each 10 ms, every 500th
// pays an order again.
//
//	go test ./monitor/stream/service -run '^$' -bench Delay -benchtime 1x
func BenchmarkDelay(b *testing.B) {
	for _, rate := range []int{1_000, 10_000, 30_000, 50_000, 80_000} {
		b.Run(fmt.Sprintf("rate=%d", rate), func(b *testing.B) {
			for b.Loop() {
				all := delays(b, rate, 5*time.Second)
				for _, p := range []int{50, 99, 100} {
					b.ReportMetric(float64(all[min(len(all)*p/100, len(all)-1)].Microseconds())/1000, fmt.Sprintf("p%d-ms", p))
				}
			}
		})
	}
}

// delays sends events for a while, and returns how long after the lateness each
// violation was told, ascending.
func delays(b *testing.B, rate int, last time.Duration) (all []time.Duration) {
	const lateness, every, again = 200 * time.Millisecond, 10 * time.Millisecond, 500
	e, err := jetstream.Embed(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	s, err := Start(context.Background(), Options{Program: program(b), Stream: monitor.StreamOptions{Lateness: lateness}, Hosts: true}, e)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Stop()
	per := rate / int(time.Second/every)
	wanted := per * int(last/every) / again
	told := make(chan []time.Duration)
	go func() { told <- followed(b, s, wanted, lateness) }()
	tick := time.NewTicker(every)
	defer tick.Stop()
	var sending sync.WaitGroup
	for n, ticks := 0, 0; ticks < int(last/every); ticks++ {
		var body bytes.Buffer
		now := <-tick.C
		for range per {
			order := n
			if n++; n%again == 0 {
				order--
			}
			body.WriteString(padded(paid(fmt.Sprint("i-", n), fmt.Sprint("o-", order), now), 300))
		}
		sending.Go(func() { sendOne(b, s, body.Bytes()) })
	}
	sending.Wait()
	return <-told
}

// followed is how long each violation took, of so many.
func followed(b *testing.B, s *Service, wanted int, lateness time.Duration) (all []time.Duration) {
	const patience = 10 * time.Second
	quiet := time.NewTimer(patience) // since the last violation: commits without one come all the time
	for from := 0; len(all) < wanted; {
		change := s.verdicts.change()
		from, _ = s.verdicts.each(context.Background(), from, func(_ stream.ID, object []byte) error {
			var v struct{ Time time.Time }
			if err := json.Unmarshal(object, &v); err != nil {
				b.Error(err)
			}
			all = append(all, time.Since(v.Time)-lateness)
			quiet.Reset(patience)
			return nil
		})
		select {
		case <-change:
		case <-quiet.C: // what came too late was not judged
			if late := s.totals().Late; late < wanted-len(all) {
				b.Errorf("%d violations, wanted %d; %d events were late", len(all), wanted, late)
			}
			wanted = len(all)
		}
	}
	slices.Sort(all)
	return all
}

func sendOne(b *testing.B, s *Service, body []byte) {
	r := httptest.NewRequest(http.MethodPost, "/v1/events", bytes.NewReader(body))
	r.Header.Set("Content-Type", lines)
	w := httptest.NewRecorder()
	if s.routes().ServeHTTP(w, r); w.Code != http.StatusAccepted {
		b.Errorf("%d %s", w.Code, w.Body)
	}
}

package service

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/wtsim/wtsim/monitor"
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
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) { durable(b, batch, min(100_000, batch*300), size) })
	}
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

func durable(b *testing.B, batch, events, size int) {
	e, err := jetstream.Embed(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(e.Close)
	s, err := Start(context.Background(), Options{Program: program(b), Stream: monitor.StreamOptions{Lateness: time.Second}, Hosts: true}, e)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Stop)
	handler := s.routes()
	var bodies [][]byte
	for n := 0; n < events; n += batch {
		var body bytes.Buffer
		for i := range batch {
			line := paid(fmt.Sprint("i-", n+i), fmt.Sprintf("o-%d", n+i), begin.Add(time.Duration(n+i)*time.Millisecond))
			body.WriteString(line[:len(line)-1] + `,"pad":"` + string(bytes.Repeat([]byte("x"), max(0, size-len(line)-9))) + "\"}\n")
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

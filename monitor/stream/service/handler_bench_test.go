package service

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream/jetstream"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/httpprobe"
	"github.com/wtsim/wtsim/probe/sink"
)

// What a handler of HTTP takes, whose invocation has one event: without a recorder,
// with one that writes lines to a file, as platforms take standard output, and with one that sends to a
// monitor on this machine, which stores the event before the response leaves. They take turns.
//
//	go test ./monitor/stream/service -run '^$' -bench Handler -benchtime 500x
func BenchmarkHandler(b *testing.B) {
	file, err := os.Create(filepath.Join(b.TempDir(), "events"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	e, err := jetstream.Embed(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	s, err := Start(context.Background(), Options{Program: program(b), Stream: monitor.StreamOptions{Lateness: time.Second}, Hosts: true}, e)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Stop()
	monitored := httptest.NewServer(s.routes())
	defer monitored.Close()
	out, err := sink.HTTP(sink.Monitor{URL: monitored.URL}, sink.Options{})
	if err != nil {
		b.Fatal(err)
	}
	kinds := []struct {
		name string
		url  string
		took []time.Duration
	}{{name: "plain", url: handling(b, nil)}, {name: "lines", url: handling(b, sink.Lines(file, sink.Options{}))}, {name: "monitor", url: handling(b, out)}}
	for b.Loop() {
		for i := range kinds {
			began := time.Now()
			resp, err := http.Get(kinds[i].url)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			kinds[i].took = append(kinds[i].took, time.Since(began))
		}
	}
	for _, k := range kinds {
		slices.Sort(k.took)
		for _, p := range []int{50, 95} {
			b.ReportMetric(float64(k.took[len(k.took)*p/100].Microseconds())/1000, fmt.Sprintf("%s-p%d-ms", k.name, p))
		}
	}
	if stats := out.Stats(); stats.Dropped+stats.Expired > 0 {
		b.Errorf("%+v: somebody has not waited until events had left", stats)
	}
}

// handling is the URL of a handler that emits an event, if there is somewhere to.
func handling(b *testing.B, to probe.Sink) string {
	h := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		probe.Emit(r.Context(), "PAID", map[string]any{"order": "o-1", "user": "u-1"})
		_, _ = io.WriteString(w, "thank you")
	}))
	if to != nil {
		rules, err := probe.CompileRules(nil)
		if err != nil {
			b.Fatal(err)
		}
		h = httpprobe.Handler(probe.NewRecorder("shop", "i-1", rules, to), h)
	}
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	return server.URL
}

package service

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
)

// Who is neither violated nor not is told in the status, each once, the last of
// many, also after a restart; all are counted.
func TestUndecidedIsTold(t *testing.T) {
	p, err := monitor.Compile(props.Precedes("ordered before it is paid", props.On("ORDERED", "order"), props.On("PAID", "order")))
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{}
	start := func() (*Service, string) {
		s, err := Start(context.Background(), Options{Program: p}, m)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Stop)
		return s, listening(t, s)
	}
	s, base := start()
	var lines []string
	for n := range mostDoubts + 5 {
		line := paid(fmt.Sprint("e", n), fmt.Sprint("o-", n), begin.Add(time.Duration(n)*time.Second))
		lines = append(lines, strings.Replace(line, `"source"`, `"lossy":true,"source"`, 1))
	}
	for range 2 {
		post(t, base+"/v1/events", strings.Join(lines, "\n"), "Content-Type", "application/x-ndjson")
		post(t, base+"/v1/close", "")
	}
	for range 2 {
		_, status := get(t, base+"/v1/status")
		if n := strings.Count(status, `{"kind":"inconclusive","property":"ordered before it is paid","binding":{"order":`); n != mostDoubts {
			t.Errorf("%d are told, wanted %d: %s", n, mostDoubts, status)
		}
		if !strings.Contains(status, `"order":"o-104"},"why":"violated by event`) || !strings.Contains(status, `"undecided":105,`) || strings.Contains(status, `"o-4"`) {
			t.Errorf("wanted the last of 105: %s", status)
		}
		s.Stop()
		s, base = start()
	}
}

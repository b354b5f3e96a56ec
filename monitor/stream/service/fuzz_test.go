package service

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/stream"
)

// Whatever a request brings, in whatever form it says: what is accepted are
// events that a worker can read, and what is not is counted.
func FuzzDecode(f *testing.F) {
	o := &Options{Program: program(f), Shards: 2}
	o.fill()
	g := &gateway{options: o}
	for range o.Shards {
		g.lanes = append(g.lanes, newLane((&stream.MemoryLogs{}).Log("ev"), "g", &g.pending))
	}
	line := paid("1", "o", begin)
	for form, text := range map[string]string{
		"application/cloudevents+json": line, "application/cloudevents-batch+json": "[" + line + "]", "application/x-ndjson": line + "\n" + line,
		"application/json": `{"message":{"data":"e30=","attributes":{"ce-id":"1"}}}`, "": `{"order":"o"}`,
	} {
		f.Add(form, "1", []byte(text))
	}
	f.Fuzz(func(t *testing.T, form, attribute string, text []byte) {
		router := stream.NewRouter(stream.FirstPlan(o.Program), o.Shards)
		in := g.begin(router, 0)
		h := http.Header{"Content-Type": {form}}
		if form == "" {
			for _, name := range []string{"Ce-Specversion", "Ce-Id", "Ce-Source", "Ce-Type", "Ce-Time"} {
				h.Set(name, attribute)
			}
		}
		_ = in.reader.Read(&http.Request{Header: h}, bytes.NewReader(text))
		events := 0
		b, err := stream.Open(in.blocks[0].Seal("g", 1, begin))
		if err != nil {
			t.Fatal(err)
		}
		err = b.Each(func(x *stream.Entry) error {
			if x.Input.Why == "" {
				events++
				if _, err := event.Decode(x.Input.Event.AppendJSON(nil)); err != nil && !x.Input.Guest {
					t.Errorf("accepted, and not to be read: %v", err)
				}
			}
			return nil
		})
		if err != nil || len(in.flights) == 0 && events != in.answer.Accepted {
			t.Fatalf("%d accepted, %d stored, %v", in.answer.Accepted, events, err)
		}
	})
}

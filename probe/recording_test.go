package probe

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
)

// An operation is the same after it was recorded and read, bodies that are no
// text too; of one that is too long nothing is kept. What the application emits
// stands between, and the events of rules go elsewhere.
func TestKeep(t *testing.T) {
	rules, err := CompileRules([]Rule{{Service: "redis", Emit: "SEEN"}})
	if err != nil {
		t.Fatal(err)
	}
	var events, kept []event.Event
	r := NewRecorder("shop", "i-1", rules, SinkFunc(func(e event.Event) { events = append(events, e) }))
	r.Keep(SinkFunc(func(e event.Event) { kept = append(kept, e) }))
	all := []event.Operation{
		{Service: "redis", Method: "SET", Resource: "a", Access: event.Writes, Request: event.Payload{Words: []string{"SET", "a", "1"}}, Result: event.Result{Status: "OK", OK: true}},
		{Service: "payments", Method: "POST", Resource: "/charges", Access: event.Reads | event.Writes, Try: 2, Deadline: time.Date(2026, 1, 1, 0, 0, 0, 5, time.UTC),
			Request: event.Payload{Target: "/charges?x=1", Header: map[string]string{"If-Match": "3"}, Body: []byte{0xff, 0}},
			Result:  event.Result{Status: "503", Header: map[string]string{"Etag": "e"}, Body: []byte(`{"why":"<busy>"}`)}},
	}
	for _, op := range all {
		if err := r.Leave(&Call{Op: op}); err != nil {
			t.Fatal(err)
		}
	}
	r.Emit("DECIDED", map[string]any{"order": "o-1"})
	if err := r.Leave(&Call{Op: event.Operation{Service: "s", Request: event.Payload{Body: []byte(strings.Repeat("x", MostRecorded+1))}}}); err != nil {
		t.Fatal(err)
	}
	if len(events) != 2 || events[0].Type != "SEEN" || events[1].Type != "DECIDED" || len(kept) != 4 {
		t.Fatalf("%d events %v, %d kept", len(events), events, len(kept))
	}
	for i, want := range all {
		line, err := event.Decode(kept[i].AppendJSON(nil)) // as a file has it
		if err != nil {
			t.Fatal(err)
		}
		got, ok, err := Recorded(&line)
		for _, op := range []*event.Operation{&got, &want} { // no body is an empty one
			op.Request.Body, op.Result.Body = append([]byte{}, op.Request.Body...), append([]byte{}, op.Result.Body...)
		}
		if !ok || err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v %v %v, wanted %+v", got, ok, err, want)
		}
	}
	if _, ok, err := Recorded(&kept[2]); ok || err != nil {
		t.Errorf("%v %v: what was emitted is no operation", ok, err)
	}
	if got, ok, err := Recorded(&kept[3]); !ok || err != nil || len(got.Request.Body) > 0 || !strings.Contains(string(kept[3].AppendJSON(nil)), `"cut":65537`) {
		t.Errorf("%v %v %v", got, ok, err)
	}
}

// A recorder's events are numbered from 1, whatever the numbers' lengths.
func TestNumbers(t *testing.T) {
	var n numbers
	for i := 1; i < 1200; i++ {
		if id, sequence := n.take("b-1"); sequence != fmt.Sprint(i) || id != "b-1/"+sequence {
			t.Fatalf("%d: %q and %q", i, id, sequence)
		}
	}
}

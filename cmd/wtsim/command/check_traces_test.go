package command

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
)

// trace is one of the traces that monitors of this field are measured on.
type trace struct {
	name       string
	machine    string // the property, in Watchtower's JSON or wtsim's YAML
	violations int
	events     func(scale int, emit func(kind string, params ...any)) // scale 1 is the full size, n a part of that
}

// traces are the shapes of MonPoly's and DejaVu's suites.
func traces() []trace {
	return []trace{
		{"once", `{"name":"once","quantifiedVariables":["a"],"stateMachine":{
			"APPROVE":{"params":["a"],"INITIAL":{"to":"approved"}},
			"PUBLISH":{"params":["a"],"INITIAL":{"to":"FAILURE"}}}}`, 98, approvals(false)},
		{"since", `{"name":"since","quantifiedVariables":["a"],"stateMachine":{
			"APPROVE":{"params":["a"],"INITIAL":{"to":"approved"}},
			"REVOKE":{"params":["a"],"approved":{"to":"INITIAL"}},
			"PUBLISH":{"params":["a"],"INITIAL":{"to":"FAILURE"}}}}`, 98, approvals(true)},
		{"once within", `
properties:
  - name: once within
    states:
      not approved:
        - {on: APPROVE(a), to: approved}
        - {on: PUBLISH(a), to: violated}
      approved:
        - {on: APPROVE(a), to: approved}
        - {after: WITHIN, to: not approved}
`, 98, onceWithin},
		{"ACCESS", `{"name":"ACCESS","quantifiedVariables":["u","f"],"stateMachine":{
			"LOGIN":{"params":["u"],"INITIAL":{"to":"in"},"open":{"to":"both"}},
			"LOGOUT":{"params":["u"],"in":{"to":"INITIAL"},"both":{"to":"open"}},
			"OPEN":{"params":["f"],"INITIAL":{"to":"open"},"in":{"to":"both"}},
			"CLOSE":{"params":["f"],"open":{"to":"INITIAL"},"both":{"to":"in"}},
			"ACCESS":{"params":["u","f"],"INITIAL":{"to":"FAILURE"},"in":{"to":"FAILURE"},"open":{"to":"FAILURE"}}}}`, 1, access},
		{"FILE", `{"name":"FILE","quantifiedVariables":["f"],"stateMachine":{
			"OPEN":{"params":["f","m"],"INITIAL":{"to":"open"}},
			"CLOSE":{"params":["f"],"open":{"to":"INITIAL"},"INITIAL":{"to":"FAILURE"}}}}`, 1, file},
	}
}

// approvals: a million events, 100 000 values, all of which are approved
// first, but 98. With revocations, each is followed by a new approval.
func approvals(revoked bool) func(int, func(string, ...any)) {
	return func(scale int, emit func(string, ...any)) {
		r := rand.New(rand.NewPCG(1, 2))
		values := 100_000 / scale
		for i := range 10 * values {
			kind, a := "PUBLISH", r.IntN(values)
			switch {
			case i < values:
				kind, a = "APPROVE", i
				if every := values / 100; i%every == 0 && i < 98*every {
					kind = "PUBLISH" // one of the 98
				}
			case revoked && i%4 == 0:
				kind, a = "REVOKE", i/4%(values/2)
			case revoked && i%4 == 1:
				kind, a = "APPROVE", (i-1)/4%(values/2)
			}
			emit(kind, "a", fmt.Sprintf("value-%d", a))
		}
	}
}

// within is how many milliseconds, which is events, an approval lasts in the
// trace of onceWithin.
const within = 100_000

// onceWithin: published implies approved within the last 100 000 ms (events
// are 1 ms apart; at a part of the size, a part of that). By turns half as
// many values are approved, and each published half of that later, but for 98
// that are published when one and a half of that has passed.
func onceWithin(scale int, emit func(string, ...any)) {
	half := within / scale / 2
	late := map[int]bool{}
	for i := range 98 {
		late[half*(3+i%9*2)+i] = true
	}
	for i := range 1_000_000 / scale {
		switch {
		case i/half%2 == 0:
			emit("APPROVE", "a", fmt.Sprintf("value-%d", i))
		case late[i]:
			emit("PUBLISH", "a", fmt.Sprintf("value-%d", i-3*half))
		default:
			emit("PUBLISH", "a", fmt.Sprintf("value-%d", i-half))
		}
	}
}

// access is DejaVu's ACCESS at (500 000, 480 000): 1 100 006 events.
func access(scale int, emit func(string, ...any)) {
	most, mid := 500_000/scale, 480_000/scale
	for i := 1; i <= most; i++ {
		emit("LOGIN", "u", user(i))
	}
	for i := 1; i <= most; i++ {
		emit("OPEN", "f", fileOf(i))
	}
	for i := most; i >= mid; i-- {
		emit("ACCESS", "u", user(i), "f", fileOf(1))
		emit("CLOSE", "f", fileOf(i))
	}
	for i := mid; i <= most; i++ {
		emit("OPEN", "f", fileOf(i))
	}
	for i := most; i >= mid; i-- {
		emit("LOGOUT", "u", user(i))
		emit("CLOSE", "f", fileOf(i))
	}
	emit("ACCESS", "u", user(most), "f", fileOf(1))
}

// file is DejaVu's FILE at (800 000, 700 000): 1 100 004 events.
func file(scale int, emit func(string, ...any)) {
	most, mid := 800_000/scale, 700_000/scale
	for i := 1; i <= most; i++ {
		emit("OPEN", "f", fileOf(i), "m", "read")
	}
	for i := most; i >= mid; i-- {
		emit("CLOSE", "f", fileOf(i))
	}
	for i := mid; i <= most; i++ {
		emit("OPEN", "f", fileOf(i), "m", "write")
	}
	for i := most; i >= mid; i-- {
		emit("CLOSE", "f", fileOf(i))
	}
	emit("CLOSE", "f", fileOf(most))
}

func user(i int) string   { return fmt.Sprintf("user-%d", i) }
func fileOf(i int) string { return fmt.Sprintf("/files/%d", i) }

// property is the property for a part of the size.
func (t trace) property(scale int) []byte {
	return []byte(strings.ReplaceAll(t.machine, "WITHIN", fmt.Sprintf("%dms", within/scale)))
}

// write writes the trace as events, 1 ms apart, of 64 sources.
func (t trace) write(name string, scale int) (n int, err error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriter(f)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var line []byte
	t.events(scale, func(kind string, params ...any) {
		e := event.Event{ID: fmt.Sprint(n), Source: fmt.Sprintf("/functions/f/i-%d", n%64), Type: kind, Time: at.Add(time.Duration(n) * time.Millisecond)}
		for i := 0; i < len(params); i += 2 {
			e.Data = e.Data.With(params[i].(string), event.Str(params[i+1].(string)))
		}
		line = append(e.AppendJSON(line[:0]), '\n')
		w.Write(line) //nolint:errcheck // told by Flush
		n++
	})
	return n, errors.Join(w.Flush(), f.Close())
}

// The generators make the number of events that the field's do, and what is
// wrong in them is found: at a part of their size by the command.
func TestTraces(t *testing.T) {
	sizes := map[string]int{"once": 1_000_000, "since": 1_000_000, "once within": 1_000_000, "ACCESS": 1_100_006, "FILE": 1_100_004}
	for _, x := range traces() {
		n := 0
		approved, tooLate := map[string]int{}, 0
		x.events(1, func(kind string, params ...any) {
			n++
			switch {
			case x.name != "once within":
			case kind == "APPROVE":
				approved[params[1].(string)] = n
			case approved[params[1].(string)] == 0 || n-approved[params[1].(string)] > within:
				tooLate++
			}
		})
		if n != sizes[x.name] {
			t.Errorf("%s: %d events, want %d", x.name, n, sizes[x.name])
		}
		if x.name == "once within" && tooLate != x.violations {
			t.Errorf("%s: %d publications come too late, want %d", x.name, tooLate, x.violations)
		}
		dir := t.TempDir()
		props, events := filepath.Join(dir, "props.json"), filepath.Join(dir, "events.ndjson")
		if err := os.WriteFile(props, x.property(100), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := x.write(events, 100); err != nil {
			t.Fatal(err)
		}
		out, code := checked(t, "--props", props, "--events", events, "--json")
		if code != exitViolated || !strings.Contains(out, fmt.Sprintf(`"violations":%d,`, x.violations)) {
			t.Errorf("%s: exit code %d, %s", x.name, code, out[max(0, len(out)-200):])
		}
	}
}

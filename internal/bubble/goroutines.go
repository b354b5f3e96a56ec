package bubble

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"
)

// Goroutine is one goroutine, as the runtime describes it.
type Goroutine struct {
	State string // e.g. "chan receive (durable)", "sync.Mutex.Lock", "running"
	Stack string // the frames, as in a panic

	bubble int
	labels string // as in the goroutine's header
}

// Sleeping reports whether it only waits for virtual time.
func (g Goroutine) Sleeping() bool { return strings.HasPrefix(g.State, "sleep") }

// String returns the goroutine as in a panic, without its number.
func (g Goroutine) String() string { return "goroutine [" + g.State + "]:\n" + g.Stack }

// Caller returns the innermost frame outside the runtime, the standard
// library's internals and package sync: where in the program the goroutine
// waits, as "pkg.function (file.go:12)"; empty if there is none.
func (g Goroutine) Caller() string {
	lines := strings.Split(g.Stack, "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		function, place := lines[i], strings.TrimSpace(lines[i+1])
		if end := strings.LastIndexByte(function, '('); end > 0 {
			function = function[:end]
		}
		if strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "internal/") || strings.HasPrefix(function, "sync.") {
			continue
		}
		place, _, _ = strings.Cut(place, " ")
		return function[strings.LastIndexByte(function, '/')+1:] + " (" + place[strings.LastIndexByte(place, '/')+1:] + ")"
	}
	return ""
}

// Label returns the value of one of its pprof labels; empty if it has none.
func (g Goroutine) Label(key string) string {
	_, rest, found := strings.Cut(g.labels, strconv.Quote(key)+": ")
	if !found {
		return ""
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return ""
	}
	value, err := strconv.Unquote(quoted)
	if err != nil {
		return ""
	}
	return value
}

// Labelled returns the process's goroutines by the value of one of their
// pprof labels.
func Labelled(key string) map[string][]Goroutine {
	byValue := map[string][]Goroutine{}
	for _, g := range dump() {
		if v := g.Label(key); v != "" {
			byValue[v] = append(byValue[v], g)
		}
	}
	return byValue
}

// look returns what keeps the newest of our bubbles from moving on, or nil
// if all its goroutines wait for virtual time or for each other.
func look() *Stuck {
	all := dump()
	ours := newest(all)
	var blocked, busy []Goroutine
	for _, g := range all {
		switch {
		case g.bubble != ours || strings.Contains(g.State, "(durable)") || strings.HasPrefix(g.State, "synctest"):
		case g.computes():
			busy = append(busy, g)
		default:
			blocked = append(blocked, g)
		}
	}
	switch {
	case ours == 0 || len(busy)+len(blocked) == 0:
		return nil
	case len(busy) > 0:
		return &Stuck{Busy: true, Goroutines: busy}
	}
	return &Stuck{Goroutines: blocked}
}

// remaining returns the goroutines of the bubble that has just ended: the
// newest that any goroutine belongs to.
func remaining() []Goroutine {
	all := dump()
	last := 0
	for _, g := range all {
		last = max(last, g.bubble)
	}
	var left []Goroutine
	for _, g := range all {
		if g.bubble == last && last != 0 {
			left = append(left, g)
		}
	}
	return left
}

// computes reports whether it goes on by itself: what the collector holds up
// does, who asks another process, which may be slow, and what
// is in a system call. That is a file, on a disk that may be slow: who waits
// for the network is in none.
func (g Goroutine) computes() bool {
	if strings.Contains(g.Stack, "sim.(*asks).") || strings.Contains(g.Stack, "internal/program.(*") {
		return true
	}
	for _, state := range []string{"running", "runnable", "syscall", "preempted", "GC ", "garbage", "wait for GC", "stopping the world", "waiting"} {
		if strings.HasPrefix(g.State, state) {
			return true
		}
	}
	return false
}

// newest returns the number of the newest bubble whose main function is body.
func newest(all []Goroutine) int {
	n := 0
	for _, g := range all {
		if strings.Contains(g.Stack, "internal/bubble.body(") {
			n = max(n, g.bubble)
		}
	}
	return n
}

// dump parses the stacks of all goroutines.
func dump() []Goroutine {
	buf := make([]byte, 1<<18)
	for {
		if n := runtime.Stack(buf, true); n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	var all []Goroutine
	for _, text := range bytes.Split(buf, []byte("\n\n")) {
		if g, ok := parse(string(text)); ok {
			all = append(all, g)
		}
	}
	return all
}

// parse reads a header such as
//
//	goroutine 7 [select (durable), synctest bubble 3 labels:{"key": "value"}]:
//
// and the frames below it.
func parse(text string) (Goroutine, bool) {
	head, stack, _ := strings.Cut(text, "\n")
	_, attributes, ok := strings.Cut(head, " [")
	end := strings.LastIndexByte(attributes, ']')
	if !ok || end < 0 {
		return Goroutine{}, false
	}
	attributes, labels, _ := strings.Cut(attributes[:end], " labels:{")
	parts := strings.Split(attributes, ", ")
	g := Goroutine{State: parts[0], Stack: stack, labels: labels}
	for _, p := range parts[1:] {
		if n, found := strings.CutPrefix(p, "synctest bubble "); found {
			g.bubble, _ = strconv.Atoi(n)
		}
	}
	return g, true
}

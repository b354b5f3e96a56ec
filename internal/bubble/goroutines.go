package bubble

import (
	"bytes"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
)

// Goroutine is one goroutine of a bubble, as the runtime describes it.
type Goroutine struct {
	State string // e.g. "chan receive (durable)", "sync.Mutex.Lock", "running"
	Stack string // the frames, as in a panic
}

// Sleeping reports whether it only waits for virtual time.
func (g Goroutine) Sleeping() bool { return strings.HasPrefix(g.State, "sleep") }

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
			busy = append(busy, g.Goroutine)
		default:
			blocked = append(blocked, g.Goroutine)
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
			left = append(left, g.Goroutine)
		}
	}
	return left
}

type bubbled struct {
	Goroutine
	bubble int
}

func (g bubbled) computes() bool {
	return strings.HasPrefix(g.State, "running") || strings.HasPrefix(g.State, "runnable")
}

// newest returns the number of the newest bubble whose main function is body.
func newest(all []bubbled) int {
	n := 0
	for _, g := range all {
		if strings.Contains(g.Stack, "internal/bubble.body(") {
			n = max(n, g.bubble)
		}
	}
	return n
}

// dump parses the stacks of all goroutines.
func dump() []bubbled {
	buf := make([]byte, 1<<20)
	for {
		if n := runtime.Stack(buf, true); n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	var all []bubbled
	for _, text := range bytes.Split(buf, []byte("\n\n")) {
		if g, ok := parse(string(text)); ok {
			all = append(all, g)
		}
	}
	return all
}

// parse reads "goroutine 7 [select (durable), synctest bubble 3]:" and the
// frames below it.
func parse(text string) (bubbled, bool) {
	head, stack, _ := strings.Cut(text, "\n")
	_, attributes, ok := strings.Cut(head, " [")
	end := strings.LastIndexByte(attributes, ']')
	if !ok || end < 0 {
		return bubbled{}, false
	}
	parts := strings.Split(attributes[:end], ", ")
	g := bubbled{Goroutine: Goroutine{State: parts[0], Stack: stack}}
	for _, p := range parts[1:] {
		if n, found := strings.CutPrefix(p, "synctest bubble "); found {
			g.bubble, _ = strconv.Atoi(n)
		}
	}
	return g, true
}

// Labelled returns the stacks of the process's goroutines by the value of
// one of their pprof labels.
func Labelled(key string) map[string][]string {
	var buf bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&buf, 1); err != nil {
		return nil
	}
	byValue := map[string][]string{}
	for _, text := range strings.Split(buf.String(), "\n\n") {
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			labels, ok := strings.CutPrefix(line, "# labels: {")
			if !ok {
				continue
			}
			if value, found := label(labels, key); found {
				byValue[value] = append(byValue[value], strings.Join(lines[i+1:], "\n"))
			}
		}
	}
	return byValue
}

// label finds one value in `"key":"value", "other":"..."}`.
func label(labels, key string) (string, bool) {
	_, rest, found := strings.Cut(labels, strconv.Quote(key)+":")
	if !found {
		return "", false
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return "", false
	}
	value, err := strconv.Unquote(quoted)
	return value, err == nil
}

package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Player answers a handler's operations as they were answered in a recording. It
// is a tap, and what is behind it: an application that takes its clients as
// arguments is played with
//
//	client.Transport = httpprobe.Transport(player, player, describe)
//	options.Dialer = redisprobe.Dialer(player, "redis", player.Dial)
//
// where production has the recorder, [http.DefaultTransport] and a dialer of the
// network; the names of services must be the same. Clients of gRPC dial with
// grpcprobe.Played(player, describe) in place of grpcprobe.DialOptions.
//
//  1. An operation is answered by the first one of the recording that is its equal
//     and was not played yet: the same service, method, resource, arguments and body.
//  2. Its answer comes when it came then, in the time of the player's goroutines,
//     which is virtual in `wtsim debug`.
//  3. Where there is none the handler does something else than it did: a
//     *divergence*. The first is kept, and no further operation is answered: the
//     handler sees its connections reset.
type Player struct {
	// At, if not nil, is called by the goroutine that makes an operation, with its
	// number in the recording from 1, before it is answered.
	At func(number int)

	of *Invocation

	mu         sync.Mutex
	played     []bool
	draws      [][]byte // that are left
	numbers    []uint64 // of math/rand
	divergence *Divergence
	answers    []answer // of operations that were let pass, until they are asked for
	streams    map[uint64][]Message
}

// answer is what an operation is answered with.
type answer struct {
	call *probe.Call
	op   *Operation
}

// NewPlayer returns a player of an invocation.
func NewPlayer(of *Invocation) *Player {
	return &Player{of: of, played: make([]bool, len(of.Operations)), draws: slices.Clone(of.Draws), numbers: slices.Clone(of.Numbers)}
}

// Divergence is where a run is another one than what was recorded.
type Divergence struct {
	Number   int // of the operation that was expected, from 1; 0 if none was
	Expected string
	Actual   string
}

// String tells it on two lines.
func (d *Divergence) String() string {
	at := "after the last operation"
	if d.Number > 0 {
		at = fmt.Sprintf("at operation %d", d.Number)
	}
	return fmt.Sprintf("it differs from the recording %s\n  expected  %s\n  actual    %s", at, d.Expected, d.Actual)
}

// Enter waits until the operation was answered in the recording.
func (p *Player) Enter(c *probe.Call) probe.Fate {
	p.mu.Lock()
	n := p.find(&c.Op)
	if n < 0 {
		p.diverge(describe(&c.Op))
		p.mu.Unlock()
		return probe.Fate{Action: probe.Cut}
	}
	op := &p.of.Operations[n]
	if !playable(&op.Operation) {
		p.diverge(describe(&c.Op) + ", of which the recording has no whole answer: what is too long cannot be played")
		p.mu.Unlock()
		return probe.Fate{Action: probe.Cut}
	}
	p.played[n] = true
	p.answers = append(p.answers, answer{c, op})
	p.mu.Unlock()
	if p.At != nil {
		p.At(n + 1)
	}
	time.Sleep(time.Until(op.Time))
	return probe.Fate{}
}

// playable tells whether an operation is one of those that a player answers.
func playable(op *event.Operation) bool {
	if op.Request.Target == "" {
		return len(op.Request.Words) > 0 || op.Method == "DISCARD"
	}
	_, err := strconv.Atoi(op.Result.Status)
	return err == nil || op.Result.Wire != nil || op.Result.Stream != 0 || !op.Result.OK // HTTP; of gRPC, a message or an error
}

// find is the recording's operation that is to be played; -1 if there is none.
func (p *Player) find(op *event.Operation) int {
	if p.divergence != nil {
		return -1
	}
	for i := range p.of.Operations {
		if was := &p.of.Operations[i]; !p.played[i] && equal(&was.Operation, op) {
			return i
		}
	}
	return -1
}

func equal(a, b *event.Operation) bool {
	return a.Service == b.Service && a.Method == b.Method && a.Resource == b.Resource && slices.Equal(a.Request.Words, b.Request.Words) &&
		a.Request.Target == b.Request.Target && maps.Equal(a.Request.Header, b.Request.Header) && bytes.Equal(a.Request.Body, b.Request.Body)
}

// diverge notes the first divergence.
func (p *Player) diverge(actual string) {
	if p.divergence != nil {
		return
	}
	d := &Divergence{Expected: "the end of the invocation", Actual: actual}
	if i := slices.Index(p.played, false); i >= 0 {
		d.Number, d.Expected = i+1, describe(&p.of.Operations[i].Operation)
	}
	p.divergence = d
}

// mostShown is how much of a body is told.
const mostShown = 200

// describe tells an operation and what it sends.
func describe(op *event.Operation) string {
	parts := []string{op.Service, op.Method, op.Resource}
	if len(op.Request.Words) > 0 {
		parts = append(parts[:1], op.Request.Words...)
	} else if op.Request.Target != "" {
		parts[2] = op.Request.Target
	}
	for _, name := range slices.Sorted(maps.Keys(op.Request.Header)) {
		parts = append(parts, name+": "+op.Request.Header[name])
	}
	if body := op.Request.Body; len(body) > 0 {
		more := ""
		if len(body) > mostShown {
			body, more = body[:mostShown], fmt.Sprintf("... (%d bytes)", len(op.Request.Body))
		}
		parts = append(parts, fmt.Sprintf("%q%s", body, more))
	}
	return strings.Join(parts, " ")
}

// Leave has nothing to do: what the operation is answered is known.
func (p *Player) Leave(*probe.Call) error { return nil }

// Emit has nothing to do.
func (p *Player) Emit(string, map[string]any) {}

// Passive is false: the player answers.
func (p *Player) Passive() bool { return false }

// End says that the handler has returned, and how the run differs from the
// recording; nil if it does not.
func (p *Player) End() *Divergence {
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Contains(p.played, false) {
		p.diverge("the end of the invocation")
	}
	return p.divergence
}

// take takes the answer of a call that has passed.
func (p *Player) take(wanted func(*probe.Call) bool) (*Operation, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.answers, func(a answer) bool { return wanted(a.call) })
	if i < 0 {
		return nil, false
	}
	op := p.answers[i].op
	p.answers = slices.Delete(p.answers, i, i+1)
	return op, true
}

// Answer is what an operation that has passed is answered, once: for probes of
// other protocols, as [grpcprobe.Played].
func (p *Player) Answer(call *probe.Call) (op event.Operation, ok bool) {
	found, ok := p.take(func(c *probe.Call) bool { return c == call })
	if !ok {
		return op, false
	}
	return found.Operation, true
}

// Next is the next message of a stream, by its number in a recording, when it came then:
// its wire form, or the status, and text, that the stream ends with. ok is false where
// nothing was recorded any more.
func (p *Player) Next(stream uint64) (m event.Result, ok bool) {
	p.mu.Lock()
	if p.streams == nil {
		p.streams = map[uint64][]Message{}
		for i := range p.of.Operations {
			if op := &p.of.Operations[i]; op.Result.Stream != 0 {
				p.streams[op.Result.Stream] = op.Messages
			}
		}
	}
	left := p.streams[stream]
	if len(left) == 0 {
		p.mu.Unlock()
		return m, false
	}
	next := left[0]
	p.streams[stream] = left[1:]
	p.mu.Unlock()
	time.Sleep(time.Until(next.Time))
	return event.Result{Wire: next.Wire, Status: next.Status, OK: next.Status == "" || next.Status == "OK", Body: []byte(next.Text)}, true
}

// errUnseen is said of a request that has not come through the tap.
var errUnseen = errors.New("recording: a request that did not pass the player's tap, wanted httpprobe.Transport(player, player, ...)")

// RoundTrip answers a request.
func (p *Player) RoundTrip(r *http.Request) (*http.Response, error) {
	call := probe.CallOf(r.Context())
	op, ok := p.take(func(c *probe.Call) bool { return c == call })
	if !ok {
		return nil, errUnseen
	}
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body) // as a server does
		_ = r.Body.Close()
	}
	status, err := strconv.Atoi(op.Result.Status)
	if err != nil {
		return nil, fmt.Errorf("recording: %s was answered %q, which is no status of HTTP", describe(&op.Operation), op.Result.Status)
	}
	resp := &http.Response{
		StatusCode: status, Status: op.Result.Status + " " + http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(op.Result.Body)), ContentLength: int64(len(op.Result.Body)), Request: r,
	}
	for name, value := range op.Result.Header {
		switch name {
		case "Content-Length", "Content-Encoding", "Transfer-Encoding": // of a body that is kept as it reads
		default:
			resp.Header.Set(name, value)
		}
	}
	return resp, nil
}

// Read draws what was drawn: it makes a Player the source of random bytes.
func (p *Player) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.draws) == 0 {
		p.diverge(fmt.Sprintf("%d random bytes are drawn, of which the recording has none", len(b)))
		return 0, errors.New("recording: no random bytes are left")
	}
	n := copy(b, p.draws[0])
	if p.draws[0] = p.draws[0][n:]; len(p.draws[0]) == 0 {
		p.draws = p.draws[1:]
	}
	return n, nil
}

// Number draws what math/rand has drawn; 0 where nothing is left, which is a
// divergence.
func (p *Player) Number() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.numbers) == 0 {
		p.diverge("math/rand draws a number, of which the recording has none")
		return 0
	}
	x := p.numbers[0]
	p.numbers = p.numbers[1:]
	return x
}

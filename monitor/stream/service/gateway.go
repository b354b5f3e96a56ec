package service

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/stream"
	"github.com/wtsim/wtsim/monitor/stream/intake"
)

// gateway takes events in, and answers when the logs have them. It is the only
// one that looks at a clock.
type gateway struct {
	options *Options
	lanes   []*lane
	plans   []*flight    // which properties hold, by shard; none if they never changed
	pending atomic.Int64 // bytes of blocks
	taking  atomic.Int64 // bytes of requests that are being read
	routers sync.Pool
	full    atomic.Bool // the disk is
	running sync.WaitGroup

	mu       sync.Mutex
	newest   time.Time // of all events
	seen     time.Time // when that was, by our clock
	told     time.Time // up to when ticks have told that time has passed
	tickedAt time.Time
}

// maxPending is how many bytes may be on their way to the logs.
const maxPending = 64 << 20

var (
	// ErrBusy says that too much is on its way.
	ErrBusy = errors.New("too much is on its way to the log; try again later")
	// ErrNoStore says that the log does not take it.
	ErrNoStore = errors.New("the log does not take it; try again later")
)

func newGateway(o *Options, logs Logs, plan stream.Plan) *gateway {
	g := &gateway{options: o}
	name := rand.Text() + "@" + plan.Mark()
	for n := range o.Shards {
		g.lanes = append(g.lanes, newLane(logs.Events(n), name, &g.pending))
	}
	g.routers.New = func() any { return stream.NewRouter(plan, o.Shards) }
	return g
}

// start runs until the context ends, and what was taken in by then is stored.
// stored is called behind each block that is, failed behind each that is not.
func (g *gateway) start(ctx context.Context, stored, failed func()) {
	for _, l := range g.lanes {
		g.running.Go(func() { l.run(ctx, stored, failed) })
	}
	g.running.Go(func() { g.tick(ctx) })
}

// replan tells the logs which properties hold, before anything else; those that
// are new begin with the past.
func (g *gateway) replan(past []stream.Span) {
	for _, l := range g.lanes {
		var b stream.Block
		b.Plan(g.options.Properties, past)
		g.plans = append(g.plans, l.add(&b))
	}
}

// planned tells whether a shard that has judged up to a block knows which
// properties hold.
func (g *gateway) planned(shard int, judged uint64) bool {
	if len(g.plans) == 0 {
		return true
	}
	select {
	case <-g.plans[shard].done:
		return g.plans[shard].err == nil && judged >= g.plans[shard].seq
	default:
		return false
	}
}

// request is what one request brings.
type request struct {
	gateway *gateway
	router  *stream.Router
	blocks  []stream.Block
	flights []*flight
	size    int64 // what of it was read
	newest  time.Time
	reader  intake.Reader
	answer  intake.Answer
}

// open begins an intake of which some bytes are in memory, unless too much is on
// its way.
func (g *gateway) open(size int64) (*request, error) {
	size = min(size, g.options.Limits.Body)
	if g.taking.Add(size)+g.pending.Load() > maxPending {
		g.taking.Add(-size)
		return nil, ErrBusy
	}
	if g.full.Load() {
		g.taking.Add(-size)
		return nil, fmt.Errorf("%w: the disk is almost full", ErrNoStore)
	}
	r := g.routers.Get().(*stream.Router)
	return g.begin(r, size), nil
}

// body is that of a request, decompressed, within the limits. There must be room for
// what it says to bring; it takes the room of what has come, whatever it
// says: who is slow holds no room from others, and nobody takes more by compressing it.
func (in *request) body(w http.ResponseWriter, r *http.Request) (io.Reader, error) {
	g := in.gateway
	if g.taking.Load()+g.pending.Load()+min(max(r.ContentLength, 0), g.options.Limits.Body) > maxPending {
		return nil, ErrBusy
	}
	body, err := intake.Body(w, r, g.options.Limits.Body)
	return &counted{body, in}, err
}

// counted counts what is read as on its way.
type counted struct {
	io.Reader
	in *request
}

// Read ends with ErrBusy where there is no room.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	g := c.in.gateway
	c.in.size += int64(n)
	if g.taking.Add(int64(n))+g.pending.Load() > maxPending && (err == nil || errors.Is(err, io.EOF)) {
		err = ErrBusy
	}
	return n, err
}

func (g *gateway) begin(r *stream.Router, size int64) *request {
	in := &request{gateway: g, router: r, blocks: r.Shards(), size: size}
	in.reader = intake.Reader{Limits: &g.options.Limits, Event: in.event, Wrong: in.wrong}
	return in
}

// event takes an event in.
func (in *request) event(e *event.Event, line int) {
	if limit := in.gateway.options.Ahead; limit > 0 {
		if ahead := time.Until(e.Time); ahead > limit {
			in.wrong(line, fmt.Sprintf("time is %s, %v ahead of this machine's clock, wanted at most %v", e.Time.UTC().Format(time.RFC3339Nano), ahead.Round(time.Second), limit))
			return
		}
	}
	in.answer.Accepted++
	if in.newest.Before(e.Time) {
		in.newest = e.Time
	}
	in.router.Event(in.blocks, e)
	in.flush(stream.BlockSize)
}

// wrong takes in that a line is no event.
func (in *request) wrong(line int, why string) {
	in.answer.Refuse(line, why)
	in.router.Malformed(in.blocks, line, why)
	in.flush(stream.BlockSize)
}

// flush hands over what has become large.
func (in *request) flush(size int) {
	for n := range in.blocks {
		if b := &in.blocks[n]; b.Len() >= size && b.Len() > 0 {
			in.flights = append(in.flights, in.gateway.lanes[n].add(b))
			*b = stream.Block{}
		}
	}
}

// finish answers when all is stored, or some of it is not.
func (in *request) finish(ctx context.Context) error {
	in.flush(0)
	in.gateway.routers.Put(in.router)
	in.gateway.taking.Add(-in.size)
	err := wait(ctx, in.flights)
	if in.answer.Accepted > 0 {
		in.gateway.saw(in.newest)
	}
	return err
}

func wait(ctx context.Context, all []*flight) (err error) {
	for _, f := range all {
		select {
		case <-f.done:
			if f.err != nil {
				err = fmt.Errorf("%w: %w", ErrNoStore, f.err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// everywhere puts the same entry into every log.
func (g *gateway) everywhere(ctx context.Context, fill func(*stream.Block)) error {
	var all []*flight
	for _, l := range g.lanes {
		var b stream.Block
		fill(&b)
		all = append(all, l.add(&b))
	}
	return wait(ctx, all)
}

// saw notes the time of an event.
func (g *gateway) saw(t time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.newest.Before(t) {
		g.newest, g.seen = t, time.Now()
	}
}

// due returns up to when time has passed, if it is to be told: as much time
// after the newest event as has passed since it came. Soon, until all is settled
// that waits; then now and then, for deadlines.
//
// An event that was old when it came is from a recording, in which time passes
// by its events alone.
func (g *gateway) due(now time.Time) (to time.Time, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	o := g.options
	if g.newest.IsZero() || g.seen.Sub(g.newest) > live {
		return to, false
	}
	to = g.newest.Add(now.Sub(g.seen))
	if g.told.After(g.newest.Add(o.Stream.Skew+o.Stream.Lateness)) && now.Sub(g.tickedAt) < seldom {
		return to, false
	}
	g.told, g.tickedAt = to, now
	return to, true
}

const (
	live   = 5 * time.Minute
	seldom = 5 * time.Second
)

// tick tells the logs that time has passed.
func (g *gateway) tick(ctx context.Context) {
	every := time.NewTicker(min(max(g.options.Stream.Lateness/20, 10*time.Millisecond), 50*time.Millisecond))
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-every.C:
			if to, ok := g.due(now); ok {
				_ = g.everywhere(ctx, func(b *stream.Block) { b.Tick(to) }) // told again, by the next one
			}
		}
	}
}

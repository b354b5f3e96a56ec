package function

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream"
	"github.com/wtsim/wtsim/monitor/stream/intake"
)

// Options say how to monitor.
type Options struct {
	Program *monitor.Program
	Stream  monitor.StreamOptions // skew, lateness and time to live
	Redis   redis.Cmdable
	Prefix  string // of all keys; empty is "wtsim"
	// Shares is at how many places a property is whose events have no variable in common,
	// or several roles, at most; 0 is 16. With another number such a property begins anew, beside what it had.
	Shares int
	Ahead  time.Duration // an event further ahead of this machine's clock is malformed; 0 is none
	Limits intake.Limits // zero fields are the usual ones
	// Tell is told each violation, as programs are, by whoever ticks; nil is
	// nobody. An error is tried again: at least once, by the id in it.
	Tell func(ctx context.Context, object []byte) error
	// Told is told what is not judged; nil is nobody.
	Told func(monitor.Finding)
}

// Function judges what it is sent. It may be used by several goroutines.
type Function struct {
	Options
	records  *records
	parts    map[string]part // by the name of the property
	places   *monitor.Places
	order    []string // their names
	verdicts stream.Log
	cursor   stream.Log
	mux      *http.ServeMux
}

// part is one property, judged by itself.
type part struct {
	program *monitor.Program
	era     string // no other property has it, not one of the same name that says something else
}

const (
	usualShares = 16
	mostShares  = 1024
)

// eraDigits is how much of a fingerprint tells properties apart.
const eraDigits = 12

// New returns a function.
func New(o Options) (*Function, error) {
	switch {
	case o.Program == nil || len(o.Program.Properties()) == 0:
		return nil, errors.New("no properties, wanted those to monitor")
	case o.Redis == nil:
		return nil, errors.New("no client of Redis, wanted one")
	case o.Stream.Skew != 0 && o.Program.Timed():
		return nil, fmt.Errorf("clocks that differ by %v and a property with a deadline, wanted one of them: places do not know of all that happened meanwhile", o.Stream.Skew)
	case o.Stream.Part != 0 || o.Stream.Parts != 0:
		return nil, fmt.Errorf("part %d of %d, wanted Options.Shares: each place is its own part", o.Stream.Part, o.Stream.Parts)
	case o.Shares < 0 || o.Shares > mostShares:
		return nil, fmt.Errorf("%d shares, wanted 0 to %d", o.Shares, mostShares)
	case o.Stream.Ahead != 0:
		return nil, fmt.Errorf("a bound of %v on how far a source is ahead of the others, wanted Options.Ahead, by the clock: places do not know of all sources", o.Stream.Ahead)
	}
	if o.Prefix == "" {
		o.Prefix = "wtsim"
	}
	if o.Shares == 0 {
		o.Shares = usualShares
	}
	if o.Limits == (intake.Limits{}) {
		o.Limits = intake.Usual()
	}
	f := &Function{Options: o, parts: map[string]part{}, places: o.Program.Places(o.Shares), order: o.Program.Properties()}
	f.records = &records{redis: o.Redis, prefix: "{" + o.Prefix + "}"}
	f.verdicts, f.cursor = Log(o.Redis, f.records.key("verdicts")), Log(o.Redis, f.records.key("cursor"))
	for _, name := range f.order {
		alone := o.Program.Only([]string{name})
		f.parts[name] = part{alone, alone.Fingerprint()[:eraDigits]}
	}
	f.route()
	return f, nil
}

// Take judges events, and returns when all of them are in Redis. After an error
// some are, and all can come again.
func (f *Function) Take(ctx context.Context, events []event.Event) error {
	b := batch{now: f.now()}
	for i := range events {
		b.add(f, &events[i])
	}
	return f.judge(ctx, &b)
}

// now is this machine's clock.
func (f *Function) now() time.Time {
	return time.Now() //wtsim:clock how far ahead events are, and how much time has passed at a tick, which is an input then
}

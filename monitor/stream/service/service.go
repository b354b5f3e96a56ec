// Package service is the production monitor as a process: it takes events by
// HTTP, stores them in a log, judges them, and tells what is violated. What it
// tells, and when it answers, is that of package stream; here stand clocks,
// goroutines and connections.
package service

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream"
	"github.com/wtsim/wtsim/monitor/stream/intake"
)

// Options say how to monitor.
type Options struct {
	Program *monitor.Program
	// Properties are those of the program as Compile reads them. Without
	// Compile they are the same for the life of the data.
	Properties string
	Compile    func(properties string) (*monitor.Program, error)
	Stream     monitor.StreamOptions // skew and lateness
	Shards     int                   // 0 is one; the same for the life of the data
	Ahead      time.Duration         // an event further ahead of this machine's clock is malformed; 0 is none
	Keep       time.Duration         // how long blocks are kept that no state needs
	Lease      time.Duration         // of a cluster: who was silent for so long has lost its shards; 0 is 12 s
	Limits     Limits                // zero fields are the usual ones
	Token      string                // that a request must have; empty is none
	Hosts      bool                  // requests may be for any host; else for this machine alone
	TLS        *tls.Config           // nil is plain HTTP
	Webhook    string                // where violations are posted; empty is nowhere
	// Tell is told each violation, as it is told to programs; nil is nobody.
	// An error is tried again.
	Tell func(object []byte) error
	Log  io.Writer // of what is not a violation; nil is nowhere
	// Routes are further ones, by pattern, for who has the token: events that
	// come in another form, see [Service.Take]. nil is none.
	Routes func(*Service) map[string]http.Handler
}

// Limits bound what a request may bring.
type Limits = intake.Limits

// Logs are where everything is kept.
type Logs interface {
	Manifest(ctx context.Context) ([]byte, error)
	Create(ctx context.Context, shards int, manifest []byte) error
	Describe(ctx context.Context, manifest []byte) error
	Open(ctx context.Context, shards int) error
	Events(shard int) stream.Log
	Commits(shard int) stream.Log
	Verdicts() stream.Log
	Cursor(name string) stream.Log
	States() stream.Store
	Embedded() bool // no other process appends
}

// Service is a monitor that runs. Its many fields are its parts, and the state of
// the process: who still works, who waits for its end.
type Service struct {
	Options
	logs     Logs
	log      *slog.Logger
	owner    string
	gateway  *gateway
	verdicts *verdicts
	metrics  *metrics
	members  *members
	covered  covered
	owned    []atomic.Bool
	sources  atomic.Pointer[[]stream.Source]
	names    []string         // of the properties
	first    *monitor.Program // that the data began with
	changed  bool             // the properties have, since
	stored   []chan struct{}  // a shard's log has a new block
	began    time.Time
	ready    atomic.Bool
	closing  atomic.Bool
	notices  atomic.Int64
	failures atomic.Int64 // of workers in a row
	broken   chan struct{}
	breaking sync.Once
	end      context.Context // of requests that stay open
	server   *http.Server

	working, telling                                sync.WaitGroup
	stopIntake, stopWork, stopTelling, stopRequests context.CancelFunc
}

// Start opens the logs and begins to judge. Serve takes requests.
func Start(ctx context.Context, o Options, logs Logs) (*Service, error) {
	o.fill()
	s := &Service{Options: o, logs: logs, owner: rand.Text(), began: time.Now(), owned: make([]atomic.Bool, o.Shards), broken: make(chan struct{})}
	s.log = slog.New(slog.NewTextHandler(o.Log, nil))
	empty, err := o.Program.Stream(o.Stream)
	if err != nil {
		return nil, err
	}
	for _, p := range empty.Stats() {
		s.names = append(s.names, p.Property)
	}
	plan, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	s.verdicts = newVerdicts(logs.Verdicts(), o.Shards)
	if err := s.verdicts.read(ctx); err != nil {
		return nil, err
	}
	s.gateway = newGateway(&s.Options, logs, plan)
	if s.changed {
		past, err := s.past(ctx)
		if err != nil {
			return nil, err
		}
		s.gateway.replan(past)
	}
	for _, c := range s.verdicts.commits() {
		s.gateway.saw(c.Newest)
	}
	s.metrics = newMetrics(s)
	s.verdicts.found = func(n stream.Name) { s.metrics.found(n, time.Now(), o.Stream.Skew+o.Stream.Lateness) }
	s.members = newMembers(s.owner, s.Lease, logs)
	for range o.Shards {
		s.stored = append(s.stored, make(chan struct{}, 1))
	}
	s.server = &http.Server{
		Handler: s.routes(), TLSConfig: s.TLS, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: 32}, // on one connection: those are counted
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	s.run()
	return s, nil
}

// namesKept is how long names of events are remembered: what is sent again later
// than that is late, and no duplicate.
const namesKept = 10 * time.Minute

func (o *Options) fill() {
	o.Shards = max(o.Shards, 1)
	o.Stream.Coverage = true // the page shows it
	o.Stream.Names = namesKept
	if o.Lease <= 0 {
		o.Lease = 12 * time.Second
	}
	usual := intake.Usual()
	if o.Limits == (Limits{}) {
		o.Limits = usual
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
}

func (s *Service) run() {
	var taking, work, tell context.Context
	taking, s.stopIntake = context.WithCancel(context.Background())
	work, s.stopWork = context.WithCancel(context.Background())
	tell, s.stopTelling = context.WithCancel(context.Background())
	s.end, s.stopRequests = context.WithCancel(context.Background())
	s.gateway.start(taking, s.stir, s.unwritten)
	for n := range s.Shards {
		s.working.Go(func() { s.work(work, n) })
	}
	if !s.logs.Embedded() {
		s.working.Go(func() { s.members.run(work, s.fail) })
	}
	s.telling.Go(func() { s.verdicts.follow(tell, s.fail) })
	if s.Tell != nil {
		s.telling.Go(func() {
			s.publish(tell, "stdout", func(_ context.Context, _ stream.ID, o []byte) error { return s.Tell(o) })
		})
	}
	if s.Webhook != "" {
		s.telling.Go(func() { s.publish(tell, "webhook", s.post) })
	}
	s.telling.Go(func() { s.watchDisk(tell) })
	s.ready.Store(true)
}

// stir wakes the workers.
func (s *Service) stir() {
	for _, c := range s.stored {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Serve takes requests on a listener, until Stop.
func (s *Service) Serve(l net.Listener) error {
	l = Limited(l)
	if s.TLS != nil {
		return s.server.ServeTLS(l, "", "")
	}
	return s.server.Serve(l)
}

// Stop takes no more events, judges and commits those that are stored, saves
// the states and tells what was found. It takes less than ten seconds.
func (s *Service) Stop() {
	s.closing.Store(true)
	s.ready.Store(false)
	s.stopRequests()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	_ = s.server.Shutdown(ctx) // who does not let go is closed
	cancel()
	_ = s.server.Close()
	s.stopIntake()
	s.gateway.running.Wait()
	s.stopWork()
	s.working.Wait()
	s.settleTelling()
	s.stopTelling()
	s.telling.Wait()
}

// settleTelling gives publishers the time to tell what was committed last.
func (s *Service) settleTelling() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.verdicts.read(ctx)
	for s.Tell != nil && s.metrics.cursor("stdout") < s.verdicts.len() && ctx.Err() == nil {
		sleep(ctx, 5*time.Millisecond)
	}
}

// Broken is closed when the embedded log does not take anything any more though
// the disk has room: after a write that has failed it wants to be opened anew.
func (s *Service) Broken() <-chan struct{} { return s.broken }

// mostFailures is how often in a row a worker may fail before that is so.
const mostFailures = 3

// unwritten notes that the log has not taken something.
func (s *Service) unwritten() {
	if d, ok := s.logs.(diskFull); ok && s.logs.Embedded() && !d.AlmostFull() && !s.closing.Load() {
		s.breaking.Do(func() { close(s.broken) })
	}
}

// fail notes what went wrong; the same is tried again.
func (s *Service) fail(err error) {
	s.metrics.failed()
	s.log.Error(err.Error())
}

// mostNotices bounds what is logged of events that are not judged: who sends
// nonsense fills no disk.
const mostNotices = 1000

// notice logs what was not judged, and alarms. Values of parameters are not
// logged.
func (s *Service) notice(n stream.Notice) {
	switch {
	case n.Alarm:
		s.metrics.alarmed()
		s.log.Error(n.What, "shard", n.Shard, "alarm", true)
	case s.notices.Add(1) > mostNotices:
		if s.notices.Load() == mostNotices+1 {
			s.log.Warn("more that is not judged is counted, and not logged; see the status")
		}
	case n.Finding.Kind == monitor.FoundLate:
		s.log.Warn("late", "source", n.Finding.Source, "event", n.Finding.Event)
	case n.Finding.Kind == monitor.FoundMalformed:
		s.log.Warn("malformed", "source", n.Finding.Source, "event", n.Finding.Event, "line", n.Finding.Line)
	case n.Finding.Kind == monitor.FoundUndecided:
		s.log.Warn("undecided", "property", n.Finding.Violation.Property, "why", n.Finding.Why)
	}
}

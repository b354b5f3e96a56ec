package sim

import (
	crand "crypto/rand"
	"crypto/sha256"
	"io"
	"log"
	"math/rand"
	randv2 "math/rand/v2"
	"net/http"
	"os"
	"sync"

	"github.com/google/uuid"

	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
)

// A run borrows what the process has only once: randomness, the default HTTP
// transport, standard output. So runs of one process take turns.
var turn sync.Mutex

// globals is what a run borrows.
type globals struct {
	random *stream
	output *capture

	reader    io.Reader
	transport http.RoundTripper
	stdout    *os.File
	stderr    *os.File
	logOutput io.Writer
}

// seedable makes rand.Seed work (Go switches it off by default), so that
// libraries that draw from math/rand, as the backoff of Google's clients
// does, draw the same in every run.
var seedable = sync.OnceFunc(func() {
	if seeded.Runtime { // every goroutine draws from a stream of its own
		return
	}
	v := os.Getenv("GODEBUG")
	if v != "" {
		v += ","
	}
	_ = os.Setenv("GODEBUG", v+"randseednop=0") // a name without = or NUL cannot fail
})

// borrow takes them over until giveBack is called.
func borrow(scenario string) *globals {
	turn.Lock()
	seedable()
	g := &globals{
		random: &stream{scenario: scenario, outside: crand.Reader}, output: openCapture(),
		reader: crand.Reader, transport: http.DefaultTransport,
		stdout: os.Stdout, stderr: os.Stderr, logOutput: log.Writer(),
	}
	crand.Reader = g.random
	uuid.SetRand(g.random)
	if !seeded.Runtime {
		rand.Seed(1) //nolint:staticcheck // the only way to make math/rand's global functions repeat
	}
	if f := g.output.file; f != nil {
		os.Stdout, os.Stderr = f, f
		log.SetOutput(f)
	}
	return g
}

// route sends the default transport's requests through the world.
func (g *globals) route(w *world) { http.DefaultTransport = defaultTransport{w} }

func (g *globals) giveBack() {
	crand.Reader = g.reader
	uuid.SetRand(nil)
	http.DefaultTransport = g.transport
	os.Stdout, os.Stderr = g.stdout, g.stderr
	log.SetOutput(g.logOutput)
	turn.Unlock()
}

// stream is a run's randomness: a ChaCha8 stream, seeded anew at every step
// with the step's identity, so that what is drawn depends on who draws and
// not on what ran before. Goroutines of no invocation draw from outside.
type stream struct {
	scenario string
	outside  io.Reader

	mu      sync.Mutex
	step    string
	fresh   bool
	current *randv2.ChaCha8
}

// reseed begins a step.
func (s *stream) reseed(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.step, s.fresh = step, true
}

// Read fills p.
func (s *stream) Read(p []byte) (int, error) {
	if probe.Caller() == "" {
		return s.outside.Read(p)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh || s.current == nil {
		seed := sha256.Sum256([]byte(s.scenario + "\x00" + s.step))
		s.current, s.fresh = randv2.NewChaCha8(seed), false
	}
	return s.current.Read(p)
}

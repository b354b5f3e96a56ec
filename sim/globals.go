package sim

import (
	crand "crypto/rand"
	"crypto/sha256"
	"io"
	"log"
	randv2 "math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/google/uuid"

	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/internal/dialguard"
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
	resolver  *net.Resolver
	stdout    *os.File
	stderr    *os.File
	logOutput io.Writer
}

// borrow takes them over until giveBack is called.
func borrow(scenario string) *globals {
	turn.Lock()
	lookUp()
	watchSignals()
	dialguard.Watch(nil, nil) // looks whether it can, outside of any bubble
	g := &globals{
		random: &stream{scenario: scenario, outside: crand.Reader}, output: openCapture(),
		reader: crand.Reader, transport: http.DefaultTransport, resolver: net.DefaultResolver,
		stdout: os.Stdout, stderr: os.Stderr, logOutput: log.Writer(),
	}
	crand.Reader = g.random
	uuid.DisableRandPool() // what it holds was drawn by an earlier run
	uuid.SetRand(g.random)
	if !seeded.Runtime { // there every goroutine draws from a stream of its own
		bubble.SeedMathRand(1)
	}
	if f := g.output.file; f != nil {
		os.Stdout, os.Stderr = f, f
		log.SetOutput(f)
	}
	return g
}

// route sends the default transport's requests through the world, and ends
// every other way out that has a hook.
func (g *globals) route(w *world) {
	http.DefaultTransport = w.seam.transport()
	net.DefaultResolver = w.seam.resolver()
	dialguard.Watch(w.seam.refuse, w.seam.asked)
	w.seam.hook()
}

func (g *globals) giveBack() {
	unhook()
	dialguard.Watch(nil, nil)
	crand.Reader = g.reader
	uuid.SetRand(nil)
	http.DefaultTransport, net.DefaultResolver = g.transport, g.resolver
	os.Stdout, os.Stderr = g.stdout, g.stderr
	log.SetOutput(g.logOutput)
	turn.Unlock()
}

// stream is a run's randomness: a ChaCha8 stream for every task, seeded anew
// at each of its steps with the step's identity, so that what is drawn depends
// on who draws and not on what else runs. Goroutines of no invocation of this
// run draw from outside.
type stream struct {
	scenario string
	outside  io.Reader

	mu    sync.Mutex
	tasks map[string]*draws // by label
}

// draws is one task's stream.
type draws struct {
	step   string
	chacha *randv2.ChaCha8 // once something is drawn
}

// reseed begins a step of the task that a label stands for.
func (s *stream) reseed(label, step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.tasks[label]; d != nil {
		*d = draws{step: step}
		return
	}
	if s.tasks == nil {
		s.tasks = map[string]*draws{}
	}
	s.tasks[label] = &draws{step: step}
}

// Read fills p.
func (s *stream) Read(p []byte) (int, error) {
	label := probe.Caller()
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.tasks[label]
	if d == nil {
		return s.outside.Read(p)
	}
	if d.chacha == nil {
		d.chacha = randv2.NewChaCha8(sha256.Sum256([]byte(s.scenario + "\x00" + d.step)))
	}
	return d.chacha.Read(p)
}

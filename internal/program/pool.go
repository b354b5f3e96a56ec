package program

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Pool has processes of a program that stand ready.
type Pool struct {
	spec  Spec
	ready chan started
}

type started struct {
	process *Process
	err     error
}

// Ready is how many stand ready, beside the one that is being started.
const ready = 2

// newPool begins to start processes.
func newPool(s Spec) *Pool {
	watched.begin.Do(func() {
		watched.all = map[*Process]*lookedAt{}
		go guard()
	})
	p := &Pool{spec: s, ready: make(chan started, ready)}
	go p.fill()
	return p
}

// pools are those of this process.
var pools struct {
	mu  sync.Mutex
	all map[string]*Pool
}

// For returns the pool of a program, the same for equal ones. The first call is
// made outside of bubbles.
func For(s Spec) *Pool {
	key := fmt.Sprintf("%q", s)
	pools.mu.Lock()
	defer pools.mu.Unlock()
	if pools.all == nil {
		pools.all = map[string]*Pool{}
	}
	if pools.all[key] == nil {
		pools.all[key] = newPool(s)
	}
	return pools.all[key]
}

// fill starts processes as long as they are taken.
func (p *Pool) fill() {
	for {
		process, err := start(&p.spec)
		p.ready <- started{process, err}
	}
}

// Take returns a process that nobody else has.
func (p *Pool) Take() (*Process, error) {
	s := <-p.ready
	if s.err != nil {
		return nil, fmt.Errorf("%s cannot be started: %w", p.spec.Binary, s.err)
	}
	watch(s.process)
	return s.process, nil
}

// Patience is how long, in real time, a process may take to come to rest.
const Patience = 15 * time.Second

// Patient has processes take as long as they want: a debugger holds one.
func Patient() { watched.patient.Store(true) }

// look is how often processes are looked at.
const look = time.Second

// watched are the processes that are at it, with the turn that they were in
// when they were looked at, and how often they were.
var watched struct {
	mu      sync.Mutex
	all     map[*Process]*lookedAt
	begin   sync.Once
	patient atomic.Bool
}

type lookedAt struct {
	turn  uint64
	times int
}

func watch(p *Process) {
	watched.mu.Lock()
	defer watched.mu.Unlock()
	watched.all[p] = &lookedAt{}
}

func unwatch(p *Process) {
	watched.mu.Lock()
	defer watched.mu.Unlock()
	delete(watched.all, p)
}

// guard kills processes that do not come to rest: who waits for one would wait
// for ever.
func guard() {
	for range time.Tick(look) {
		watched.mu.Lock()
		for p, l := range watched.all {
			turn := p.turn.Load()
			if l.times++; turn != l.turn || turn%2 == 0 || watched.patient.Load() {
				l.turn, l.times = turn, 0
			}
			if l.times >= int(Patience/look) {
				p.hung.Store(true)
				_ = p.cmd.Process.Kill() // it may have ended
				delete(watched.all, p)
			}
		}
		watched.mu.Unlock()
	}
}

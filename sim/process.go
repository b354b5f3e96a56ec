package sim

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/program"
	"github.com/wtsim/wtsim/internal/seeded"
)

// A function instance that is a process has one goroutine in the world that
// follows it. It gets a turn when all else in the world is quiet: so the process
// hears of all that has come for it at once, in an order of its own. While the
// process is at it, that goroutine waits in a system call, and the bubble is not
// quiet. So the run's own loop need not know of processes: what one does reaches
// the tap as what a handler does.

// process is the world's side of such an instance. What it tells the process
// waits in in; all else, but for works, belongs to the goroutine that follows.
type process struct {
	inst    *instance
	run     *program.Process
	started chan error    // it listens, or does not
	turns   chan struct{} // it may go on
	step    string        // of which it has heard
	ending  *processEnd
	up      atomic.Bool   // it has started
	asks    bool          // for signals; guarded by the gate's lock
	fetches cloud.Runtime // what it asks for its invocations; nil if it listens

	mu    sync.Mutex
	next  *time.Timer // its own next one
	due   bool        // that is due, or it has not begun
	over  bool        // it has ended
	in    []program.Record
	wires map[uint32]*wire
	order []*wire  // the same, in order
	works []string // labels of tasks, by the number that the process knows
	calls uint32   // connections that were made to it
}

// processEnd is how a process has ended.
type processEnd struct {
	how, stack string
	code       int
	hung       bool // it was killed
}

// panicked reports whether it is a panic that nobody has recovered from, or what
// the runtime ends a process for.
func (e *processEnd) panicked() bool {
	return strings.HasPrefix(e.how, "panic: ") || strings.Contains(e.stack, "panic: ") || strings.Contains(e.stack, "fatal error: ")
}

func newProcess(i *instance, run *program.Process, builder string) *process {
	return &process{inst: i, run: run, started: make(chan error, 1), turns: make(chan struct{}), due: true, wires: map[uint32]*wire{}, works: []string{builder}}
}

// tell adds to what the process will hear.
func (p *process) tell(r program.Record) {
	p.mu.Lock()
	p.in = append(p.in, r)
	p.mu.Unlock()
	p.inst.world.gate.signal()
}

// heard takes what the process is to hear: of each connection in order, and
// connections by their numbers, as what comes from several at the same time has no
// order.
func (p *process) heard() []program.Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	in := p.in
	p.in, p.due = nil, false
	slices.SortStableFunc(in, func(a, b program.Record) int { return cmp.Compare(a.ID, b.ID) })
	return in
}

// wants reports whether the process has something to do: it has heard of
// something, or a timer of its is due while it has CPU.
func (p *process) wants() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.over && (len(p.in) > 0 || p.due && p.inst.busy())
}

// goOn gives the first process that has something to do its turn. It is called
// when all is quiet.
func (fl *fleet) goOn() bool {
	for _, i := range fl.instances {
		if p := i.process; p != nil && !i.Dead() && p.wants() {
			p.turns <- struct{}{}
			return true
		}
	}
	return false
}

// follow is the life of the process.
func (p *process) follow() {
	seeded.Quiet(true)
	defer p.close()
	for {
		select {
		case <-p.turns:
			if !p.exchange(p.heard()) {
				return
			}
		case <-p.inst.ctx.Done():
			return
		}
	}
}

// lookAt sets the timer by which the world notices the process's own.
func (p *process) lookAt(next int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next != nil {
		p.next.Stop()
	}
	if next == 0 {
		return
	}
	after := time.Until(time.Unix(0, next)) //wtsim:clock the bubble's clock
	p.next = time.AfterFunc(after, func() { //wtsim:go only takes note
		p.mu.Lock()
		p.due = true
		p.mu.Unlock()
		p.inst.world.gate.signal()
	})
}

// exchange lets the process go on until it is quiet, and takes what it has
// done. It returns false when the process has ended, or is to.
func (p *process) exchange(in []program.Record) bool {
	if p.dead() {
		return false
	}
	next, out, err := p.run.Exchange(time.Now().UnixNano(), p.seed(), in) //wtsim:clock the bubble's clock
	printed := p.run.Output()
	_, _ = io.WriteString(os.Stdout, printed) // which is the run's
	p.lookAt(next)
	for i := range out {
		p.take(&out[i])
	}
	if err != nil && p.ending == nil {
		p.ending = p.died(err, printed)
	}
	if p.ending != nil {
		p.ended()
		return false
	}
	if p.inst.fn.Main.Worker {
		p.serves()
	}
	return true
}

func (p *process) dead() bool {
	p.inst.world.gate.mu.Lock()
	defer p.inst.world.gate.mu.Unlock()
	return p.inst.Dead()
}

// seed is what the process draws from: it depends on the instance and on the
// step that the world does, so that neither a deviation nor what else runs changes
// what is drawn in a later step.
func (p *process) seed() uint64 {
	step := p.inst.world.entropy.step
	if step == p.step {
		return 0 // it goes on as before
	}
	p.step = step
	return seedOf(p.inst.world.entropy.scenario, p.inst.name().Text, step) | 1
}

// ready says that the program has started, or why it has not; the first word
// counts.
func (p *process) ready(err error) {
	select {
	case p.started <- err:
	default:
	}
}

// serves says that the program has started.
func (p *process) serves() {
	p.up.Store(true)
	p.ready(nil)
}

// take does what a record says.
func (p *process) take(r *program.Record) {
	switch r.Kind {
	case program.Dial:
		p.dial(r)
	case program.Data, program.Close:
		if w := p.wire(r.ID); w != nil {
			w.send(r)
		}
	case program.Listen:
		if int(r.ID) == p.inst.fn.Main.Port && !p.inst.fn.Main.Worker {
			p.serves()
		}
	case program.By:
		if w := p.wire(r.ID); w != nil {
			w.waits(int64(binary.LittleEndian.Uint64(r.Data)))
		}
	case program.Asks:
		p.inst.world.gate.mu.Lock()
		p.asks = true
		p.inst.world.gate.mu.Unlock()
	case program.Lack:
		p.inst.world.seam.report(p.inst, "opens "+string(r.Data)+", which programs cannot do here")
	case program.Panic:
		p.finds(r.Work, noPanic, "panic: "+string(r.Data))
	case program.End:
		how, stack, _ := strings.Cut(string(r.Data), "\x00")
		p.ending = &processEnd{how: strings.TrimSpace(how), stack: stack, code: int(int32(r.ID))}
	}
}

// died is the ending of a process that could not tell.
func (p *process) died(err error, printed string) *processEnd {
	if errors.Is(err, program.ErrHung) {
		return &processEnd{how: err.Error(), hung: true}
	}
	return &processEnd{how: p.run.Ended(), stack: printed, code: 2}
}

// ended lets the run take note that the process has ended by itself: an entry of
// the agenda, for now.
func (p *process) ended() {
	p.ready(fmt.Errorf("the program has ended before it listened: %s", p.ending.words()))
	if !p.up.Load() && !p.ending.panicked() && !p.ending.hung {
		return // the start has failed, which its invocation tells
	}
	w := p.inst.world
	w.gate.mu.Lock()
	defer w.gate.mu.Unlock()
	w.agenda.add(time.Now(), "exit "+p.inst.name().Text, p.noticed) //wtsim:clock the bubble's clock
	w.gate.signal()
}

// words tell people how it has ended.
func (e *processEnd) words() string {
	switch e.how {
	case "main":
		return "main returned"
	case "os.Exit":
		return fmt.Sprintf("os.Exit(%d)", e.code)
	case "signal":
		return "SIGTERM"
	}
	return e.how
}

// told is a panic with its stack, as the runtime prints them.
func (e *processEnd) told() string {
	if strings.HasPrefix(e.how, "panic: ") {
		return e.how + "\n\n" + e.stack
	}
	return e.stack
}

// noticed is what becomes of an instance whose process has ended by itself: its
// end, if that was asked for; a finding, if an invocation did it; else a worker,
// say, is started again.
func (p *process) noticed() {
	i := p.inst
	var serving *task
	for _, t := range i.serving {
		if t.stage != over { // without an answer it has ended by now
			serving = t
		}
	}
	switch {
	case i.Dead():
	case i.leaving:
		i.left()
	case p.ending.hung:
		i.world.result.stop(Inconclusive, fmt.Sprintf("the process of %s was killed: %s", i.ID, p.ending.how))
	case p.ending.panicked():
		i.world.result.find(noPanic, p.about(serving), p.ending.told())
	case serving != nil:
		i.world.result.find(NoExit, serving, p.ending.words()+"\n\n"+p.ending.stack)
	default:
		i.world.story.happened = append(i.world.story.happened, Step{Identity: "exit " + i.name().Text, Kind: KindTime, Task: i.name(), Function: i.fn.Name, Instance: i.ID,
			What: i.ID + " ends by itself: " + p.ending.words()})
		i.kill()
	}
}

func (p *process) about(t *task) *task {
	if t != nil {
		return t
	}
	return p.inst.ownTask()
}

// finds tells a violation of what holds for every application, by the work that
// shows it.
func (p *process) finds(work uint32, property, stack string) {
	w := p.inst.world
	w.gate.mu.Lock()
	defer w.gate.mu.Unlock()
	o := w.gate.owners[p.label(work)]
	w.agenda.add(time.Now(), "panic "+p.inst.name().Text, func() { //wtsim:clock the bubble's clock
		t := p.about(nil)
		if o != nil {
			t = o.task
		}
		w.result.find(property, t, stack)
	})
	w.gate.signal()
}

// work is the number by which the process is to know the task of a label.
func (p *process) work(label string) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.works = append(p.works, label)
	return uint32(len(p.works) - 1)
}

// label is that of the task which a number of the process's stands for.
func (p *process) label(work uint32) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.works[min(int(work), len(p.works)-1)]
}

// called is the label of who has made a call: a number of the process's, as its
// clients of gRPC tell it.
func (p *process) called(text string) string {
	n, err := strconv.ParseUint(strings.TrimPrefix(text, "#"), 10, 32)
	if err != nil {
		n = 0
	}
	return p.label(uint32(n))
}

// wire returns a connection.
func (p *process) wire(id uint32) *wire {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wires[id]
}

func (p *process) connect(id uint32, conn net.Conn, work uint32) {
	w := newWire(p, id, conn, work)
	p.mu.Lock()
	p.wires[id] = w
	p.order = append(p.order, w)
	p.mu.Unlock()
	w.open()
}

// close ends the process and its connections.
func (p *process) close() {
	p.run.Kill()
	p.ready(errors.New("its process has ended"))
	p.lookAt(0)
	p.mu.Lock()
	wires := p.order
	p.over = true
	p.mu.Unlock()
	for _, w := range wires {
		w.close()
	}
}

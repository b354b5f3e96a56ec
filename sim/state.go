package sim

import (
	varint "encoding/binary"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/scheduler"
)

// The state at a decision is a hash of all that decides how the run goes on.
// A bounded search leaves out what would follow from a state that it has met
// before, so whatever is missing here makes it lie.
//
//   - What handlers have in memory follows from what each task has seen and
//     done, from what other tasks of its function instance did before, and from
//     the choices between goroutines.
//   - What services hold follows from the order of the operations that
//     conflict; of expiries, and of what a replica may lack, the instants count too.
//   - What the platform holds is put in as it is.
//   - What properties know follows from the events, in their order; if one of
//     them has deadlines, from their times too.
//
// Not in it are the microseconds by which steps that change places move what
// handlers do with the time: see docs/decisions.md.

// expiry is when a key of a service expires.
type expiry struct {
	key string
	at  int64
}

// lossy is what a service with replicas has written, in order: a failover
// loses the newest, whatever their keys.
type lossy struct {
	service string
	writes  uint64
}

// past takes in a step that was told.
func (w *world) past(s *Step, step scheduler.Transition) {
	if s.Instance != "" && !w.forgets("instance") {
		step.Touches = append(step.Touches, scheduler.Touch{Resource: "instance " + s.Instance, Read: true, Write: true})
	}
	if op := s.Operation; op != nil {
		if !w.forgets("result") && s.Status != waits && s.Status != lost {
			h := fnv.New64a()
			_, _ = h.Write([]byte(step.Outcome + "\x00" + op.Result.Status + "\x00"))
			_, _ = h.Write(op.Result.Body)
			step.Outcome = strconv.FormatUint(h.Sum64(), 36)
		}
		w.dependOnService(s, &step)
		w.noteExpiries(op)
		w.noteWrite(s, step.Name)
	}
	if w.forgets("order") {
		step.Touches = nil
	}
	w.depends.Add(&step, nil)
	for _, e := range s.Events {
		if !w.sim.timed || w.forgets("time") {
			e.Time = time.Time{}
		}
		h := fnv.New64a()
		_, _ = h.Write(varint.AppendVarint(e.AppendJSON(nil), int64(w.history)))
		if !w.forgets("events") {
			w.history = h.Sum64()
		}
	}
}

// forgets is how tests show that a part of the state is needed.
func (w *world) forgets(part string) bool { return w.sim.forget == part }

// dependOnService makes the step depend on all others of its service where
// what it names does not tell what it touches.
func (w *world) dependOnService(s *Step, step *scheduler.Transition) {
	if w.forgets("service") || w.function(s.Operation.Service) != nil {
		return
	}
	op := s.Operation
	reads, writes := op.Access != event.Writes, op.Access != event.Reads
	switch deviation, _, _ := strings.Cut(s.Outcome, " "); {
	case deviation == cloud.LoseWrites:
		reads, writes = true, true
	case deviation == cloud.StaleRead:
		reads, writes = true, false
	case w.touchesByName(op):
		return
	}
	step.Touches = append(step.Touches, scheduler.Touch{Resource: op.Service + " *", Read: reads, Write: writes})
}

// touchesByName reports whether an operation's resource tells all that it
// touches.
func (w *world) touchesByName(op *event.Operation) bool {
	t, ok := w.backend(op.Service).(cloud.Toucher)
	return ok && t.Touches(op)
}

// noteExpiries keeps when the keys of a write expire.
func (w *world) noteExpiries(op *event.Operation) {
	b, ok := w.backend(op.Service).(cloud.Expirer)
	if !ok || op.Access == event.Reads || w.forgets("expiry") {
		return
	}
	for _, name := range strings.Fields(op.Resource) {
		e := expiry{op.Service + " " + name, b.Expires(name)}
		i, found := slices.BinarySearchFunc(w.expiries, e, func(a, b expiry) int { return strings.Compare(a.key, b.key) })
		switch {
		case found:
			w.expiries[i] = e
		case e.at > 0:
			w.expiries = slices.Insert(w.expiries, i, e)
		}
	}
}

// noteWrite keeps the order of a service's writes, and their instants, where
// it may lose the newest.
func (w *world) noteWrite(s *Step, name string) {
	op := s.Operation
	b, ok := w.backend(op.Service).(cloud.FailsOver)
	if !ok || op.Access == event.Reads || b.Losable() == 0 || w.forgets("writes") {
		return
	}
	i := slices.IndexFunc(w.behind, func(l lossy) bool { return l.service == op.Service })
	if i < 0 {
		i = len(w.behind)
		w.behind = append(w.behind, lossy{service: op.Service})
	}
	w.behind[i].writes = seedOf(strconv.FormatUint(w.behind[i].writes, 36), name, strconv.FormatInt(s.Time.UnixNano(), 36))
}

// state returns the hash, 0 if nobody wants to know.
func (w *world) state() uint64 {
	if w.watch != WatchStates {
		return 0
	}
	var d cloud.Digest
	now := time.Now() //wtsim:clock the bubble's clock
	d.Number(int64(w.depends.Hash()))
	d.Number(int64(w.history))
	d.Number(now.UnixNano())
	d.Number(int64(w.faults))
	if d.Text(w.lastNamed); w.current != nil {
		d.Text(w.current.Name.Text)
	}
	d.Number(int64(w.wakings))
	w.tasksInto(&d)
	for _, e := range w.agenda.entries {
		if d.Text(e.name); !e.idle { // of those that no run waits for only the order counts
			d.Number(e.at.UnixNano())
		}
	}
	w.instancesInto(&d)
	w.platformInto(&d)
	for _, e := range w.expiries {
		if e.at > now.UnixNano() {
			d.Text(e.key)
			d.Number(e.at)
		}
	}
	for _, l := range w.behind {
		d.Text(l.service)
		d.Number(int64(l.writes))
	}
	if w.sim.ofCalls {
		w.callsInto(&d)
	}
	h := fnv.New64a()
	_, _ = h.Write(d)
	return h.Sum64()
}

// callsInto puts in what clients have asked and been told, and when: which
// call was over before another began counts.
func (w *world) callsInto(d *cloud.Digest) {
	for _, c := range w.calls {
		d.Text(c.Client)
		d.Text(c.Answer)
		for _, n := range []int64{int64(c.Number), int64(c.Status), c.Called.UnixNano(), c.Returned.UnixNano()} {
			d.Number(n)
		}
	}
}

func (w *world) tasksInto(d *cloud.Digest) {
	ranks := make([]int, 0, len(w.tasks))
	for _, t := range w.tasks {
		ranks = append(ranks, t.readySince)
	}
	slices.Sort(ranks)
	for _, t := range w.tasks {
		d.Text(t.Name.Text)
		rank, _ := slices.BinarySearch(ranks, t.readySince)
		for _, n := range []int{int(t.stage), rank, min(t.readySince, 1), t.row, t.same, t.Attempt, len(t.calls)} {
			d.Number(int64(n))
		}
		d.Flags(t.Copy, t.slow, t.overdue, t.Own)
		if d.Text(t.lastRun); t.inst != nil {
			d.Text(t.inst.ID)
		}
		for _, c := range t.calls {
			d.Text(c.id)
		}
		if t.stage == live && len(t.calls) == 0 && !w.forgets("sleep") { // it sleeps, since its last step
			d.Number(t.lastStep.UnixNano())
		}
	}
}

func (w *world) instancesInto(d *cloud.Digest) {
	for _, i := range w.instances {
		d.Text(i.ID)
		if i.Dead() {
			continue
		}
		if !w.forgets("instance") {
			d.Text(i.cause)
		}
		d.Flags(i.leaving, i.built, i.buildErr != nil, i.old, i.own != nil)
		for _, n := range []int{len(i.serving), i.errors, len(i.onTerminate), int(i.skew)} {
			d.Number(int64(n))
		}
		if i.fn.AlwaysOn { // it may sleep by itself
			d.Number(i.since.UnixNano())
			d.Number(w.idleSince.UnixNano())
		}
	}
}

// platformInto adds what services hold.
func (w *world) platformInto(d *cloud.Digest) {
	if w.forgets("platform") {
		return
	}
	for _, b := range w.kernel.backends {
		if s, ok := b.(cloud.Stateful); ok {
			s.AppendState(d)
		}
	}
}

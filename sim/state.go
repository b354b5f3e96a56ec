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
func (in *insight) past(s *Step, step scheduler.Transition) {
	if s.Instance != "" && !in.forgets("instance") {
		step.Touches = append(step.Touches, scheduler.Touch{Resource: "instance " + s.Instance, Read: true, Write: true})
	}
	if op := s.Operation; op != nil {
		if !in.forgets("result") && !s.open {
			h := fnv.New64a()
			_, _ = h.Write([]byte(step.Outcome + "\x00" + op.Result.Status + "\x00"))
			_, _ = h.Write(op.Result.Body)
			step.Outcome = strconv.FormatUint(h.Sum64(), 36)
		}
		in.dependOnService(s, &step)
		in.noteExpiries(op)
		in.noteWrite(s, step.Name)
	}
	if in.forgets("order") {
		step.Touches = nil
	}
	in.depends.Add(&step, nil)
	for _, e := range s.Events {
		if !in.sim.timed || in.forgets("time") {
			e.Time = time.Time{}
		}
		h := fnv.New64a()
		_, _ = h.Write(varint.AppendVarint(e.AppendJSON(nil), int64(in.history)))
		if !in.forgets("events") {
			in.history = h.Sum64()
		}
	}
}

// forgets is how tests show that a part of the state is needed.
func (in *insight) forgets(part string) bool { return in.sim.forget == part }

// dependOnService makes the step depend on all others of its service where
// what it names does not tell what it touches.
func (in *insight) dependOnService(s *Step, step *scheduler.Transition) {
	if in.forgets("service") || in.fleet.function(s.Operation.Service) != nil {
		return
	}
	op := s.Operation
	reads, writes := op.Access != event.Writes, op.Access != event.Reads
	switch {
	case s.Outcome.Do == cloud.LoseWrites, s.Outcome.Do == cloud.Outage, s.Outcome.Do == cloud.Disconnect:
		reads, writes = true, true
	case s.Outcome.Do == cloud.StaleRead:
		reads, writes = true, false
	case in.touchesByName(op):
		return
	}
	step.Touches = append(step.Touches, scheduler.Touch{Resource: op.Service + " *", Read: reads, Write: writes})
}

// touchesByName reports whether an operation's resource tells all that it
// touches.
func (in *insight) touchesByName(op *event.Operation) bool {
	t, ok := in.services.backend(op.Service).(cloud.Toucher)
	return ok && t.Touches(op)
}

// noteExpiries keeps when the keys of a write expire.
func (in *insight) noteExpiries(op *event.Operation) {
	b, ok := in.services.backend(op.Service).(cloud.Expirer)
	if !ok || op.Access == event.Reads || in.forgets("expiry") {
		return
	}
	for _, name := range strings.Fields(op.Resource) {
		e := expiry{op.Service + " " + name, b.Expires(name)}
		i, found := slices.BinarySearchFunc(in.expiries, e, func(a, b expiry) int { return strings.Compare(a.key, b.key) })
		switch {
		case found:
			in.expiries[i] = e
		case e.at > 0:
			in.expiries = slices.Insert(in.expiries, i, e)
		}
	}
}

// noteWrite keeps the order of a service's writes, and their instants, where
// it may lose the newest.
func (in *insight) noteWrite(s *Step, name string) {
	op := s.Operation
	b, ok := in.services.backend(op.Service).(cloud.FailsOver)
	if !ok || op.Access == event.Reads || b.Losable() == 0 || in.forgets("writes") {
		return
	}
	i := slices.IndexFunc(in.behind, func(l lossy) bool { return l.service == op.Service })
	if i < 0 {
		i = len(in.behind)
		in.behind = append(in.behind, lossy{service: op.Service})
	}
	in.behind[i].writes = seedOf(strconv.FormatUint(in.behind[i].writes, 36), name, strconv.FormatInt(s.Time.UnixNano(), 36))
}

// state returns the hash, 0 if nobody wants to know.
func (w *world) state() uint64 {
	if w.insight.watch != WatchStates {
		return 0
	}
	var d cloud.Digest
	now := time.Now() //wtsim:clock the bubble's clock
	d.Number(int64(w.insight.depends.Hash()))
	d.Number(int64(w.insight.history))
	d.Number(now.UnixNano())
	d.Number(int64(w.chance.faults))
	if d.Text(w.story.lastNamed); w.roster.current != nil {
		d.Text(w.roster.current.Name.Text)
	}
	d.Number(int64(w.story.wakings))
	w.roster.tasksInto(&d, !w.insight.forgets("sleep"))
	for _, e := range w.agenda.entries {
		if d.Text(e.name); !e.idle { // of those that no run waits for only the order counts
			d.Number(e.at.UnixNano())
		}
	}
	w.fleet.instancesInto(&d, !w.insight.forgets("instance"))
	if !w.insight.forgets("platform") {
		w.services.into(&d)
	}
	w.offers.into(&d)
	for _, e := range w.insight.expiries {
		if e.at > now.UnixNano() {
			d.Text(e.key)
			d.Number(e.at)
		}
	}
	for _, l := range w.insight.behind {
		d.Text(l.service)
		d.Number(int64(l.writes))
	}
	if w.sim.ofCalls {
		w.workload.callsInto(&d)
	}
	h := fnv.New64a()
	_, _ = h.Write(d)
	return h.Sum64()
}

// callsInto puts in what clients have asked and been told, and when: which
// call was over before another began counts.
func (wl *workload) callsInto(d *cloud.Digest) {
	for _, c := range wl.calls {
		d.Text(c.Client)
		d.Text(c.Answer)
		for _, n := range []int64{int64(c.Number), int64(c.Status), c.Called.UnixNano(), c.Returned.UnixNano()} {
			d.Number(n)
		}
	}
}

func (ro *roster) tasksInto(d *cloud.Digest, sleep bool) {
	ranks := make([]int, 0, len(ro.tasks))
	for _, t := range ro.tasks {
		ranks = append(ranks, t.readySince)
	}
	slices.Sort(ranks)
	for _, t := range ro.tasks {
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
		if t.stage == live && len(t.calls) == 0 && sleep { // it sleeps, since its last step
			d.Number(t.lastStep.UnixNano())
		}
	}
}

func (fl *fleet) instancesInto(d *cloud.Digest, memory bool) {
	for _, i := range fl.instances {
		d.Text(i.ID)
		if i.Dead() {
			continue
		}
		if memory {
			d.Text(i.cause.Text)
		}
		d.Flags(i.leaving, i.built, i.buildErr != nil, i.old, i.own != nil)
		for _, n := range []int{len(i.serving), i.errors, len(i.onTerminate) + len(i.signals), int(i.skew)} {
			d.Number(int64(n))
		}
		if i.fn.AlwaysOn { // it may sleep by itself
			d.Number(i.since.UnixNano())
			d.Number(fl.idleSince.UnixNano())
		}
	}
}

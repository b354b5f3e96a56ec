package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/wtsim/wtsim/monitor"
)

// Config is what a worker works with.
type Config struct {
	Program *monitor.Program // of the first plan
	// Compile reads the properties of a plan record; nil if there are none.
	Compile func(text string) (*monitor.Program, error)
	Options monitor.StreamOptions // Part and Parts are the worker's own matter
	Shard   int
	Shards  int
	Owner   string // no two workers have the same
	Events  Log    // of blocks
	// EventsOf are the blocks of any shard, which properties need that begin in
	// the past of several; nil if there are none.
	EventsOf func(shard int) Log
	Commits  Log
	States   Store
	// StateEvery is after how many bytes of blocks a state is saved; 0 is 8 MiB.
	StateEvery int
	// Beside runs what takes long beside the worker, such as storing a state; nil is
	// at once.
	Beside func(func())
	// Told is told what is not judged, and what is wrong; nil is nobody.
	Told func(Notice)
}

// Notice is something that a person should know of: never a violation.
type Notice struct {
	Shard   int
	Alarm   bool // the log is damaged; else an event was not judged
	Finding monitor.Finding
	What    string // of an alarm
}

// Worker judges the blocks of one shard. After an error it may be asked again,
// and has forgotten nothing that is not committed; after ErrFenced it is of no
// use.
type Worker struct {
	Config
	state
	last   uint64            // the number of the shard's last commit
	commit Commit            // the last one
	fresh  []json.RawMessage // violation objects that are not committed
	doubts []json.RawMessage // undecided instances that are not committed
	replay uint64            // verdicts that are committed already
	again  bool              // what is judged was judged before: it was told
	since  int               // bytes of blocks since the last state
	size   int               // of the last state
	saving *saving           // a state that is being stored; nil if none is
	stored *StateRef         // one that is, and that no commit names; nil if there is none
	asked  bool              // to settle, since the last commit: somebody waits
	alarms []string          // that nobody was told of

	progress Progress // since the last commit
}

// Claim takes a shard over, and the state of its last commit up.
func Claim(ctx context.Context, c Config) (*Worker, error) {
	w := &Worker{Config: c}
	if w.StateEvery <= 0 {
		w.StateEvery = 8 << 20
	}
	if w.Shards > 1 {
		w.Options.Part, w.Options.Parts = w.Shard, w.Shards
	}
	last, ok, err := w.Commits.Last(ctx)
	if err != nil {
		return nil, err
	}
	if ok {
		before, err := DecodeCommit(last.Data)
		if err != nil {
			return nil, fmt.Errorf("shard %d: its last commit is %w", w.Shard, err)
		}
		w.last, w.commit = last.Seq, *before
	}
	w.commit.Owner, w.commit.Epoch, w.commit.Shard, w.commit.Claim = w.Owner, w.commit.Epoch+1, w.Shard, true
	w.commit.Found, w.commit.Undecided, w.commit.Free = nil, nil, false
	if err := w.append(ctx, w.commit); err != nil {
		return nil, err
	}
	w.commit.Claim = false
	if err := w.sweep(ctx); err != nil {
		return nil, fmt.Errorf("shard %d: its states: %w", w.Shard, err)
	}
	return w, w.takeUp(ctx)
}

// takeUp restores the last state that can be read, and judges again what was
// committed since.
func (w *Worker) takeUp(ctx context.Context) error {
	if err := w.restore(ctx); err != nil {
		return err
	}
	w.again = true
	for w.replay = w.commit.Verdicts; w.offset < w.commit.Offset; {
		all, err := w.Events.Read(ctx, w.offset+1, readAtOnce)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			if err := w.owns(ctx); err != nil {
				return err
			}
			return fmt.Errorf("shard %d: its log ends at block %d, and %d are committed: acknowledged events are lost; restore the log from a backup, or begin with new data",
				w.Shard, w.offset, w.commit.Offset)
		}
		for _, r := range all {
			if r.Seq > w.commit.Offset {
				w.gap(w.commit.Offset + 1)
				break
			}
			if err := w.take(ctx, r); err != nil {
				return err
			}
		}
	}
	if w.again = false; w.commit.Offset > 0 && w.chained() != w.commit.Chain {
		w.alarm("judged again, the log comes to something else than what was committed: it has changed, or the engine has")
	}
	return w.sound(ctx)
}

// readAtOnce is how many bytes of blocks are judged for one commit.
const readAtOnce = 2 << 20

// Step judges what is in the log and not judged yet, and commits. It returns
// how many blocks that were. One that is patient commits only if there is
// something to tell; what was judged without is judged again by whoever takes
// the shard over.
func (w *Worker) Step(ctx context.Context, patient bool) (int, error) {
	all, err := w.Events.Read(ctx, w.offset+1, readAtOnce)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	for _, r := range all {
		if err := w.take(ctx, r); err != nil {
			return 0, err
		}
	}
	if err := w.sound(ctx); err != nil {
		return 0, err
	}
	if err := w.adopt(ctx, false); err != nil {
		return 0, err
	}
	if patient && len(w.fresh)+len(w.doubts) == 0 && !w.asked && w.stored == nil {
		return len(all), nil
	}
	if w.saving == nil && w.since >= max(w.StateEvery, 2*w.size) { // a large state is saved more seldom
		return len(all), w.save(ctx, w.Beside)
	}
	return len(all), w.commitAll(ctx)
}

// Commit commits what is judged, and that the owner is alive.
func (w *Worker) Commit(ctx context.Context) error { return w.commitAll(ctx) }

// Release saves the state and lets go of the shard: whoever wants it need not
// wait. The worker is of no use after it.
func (w *Worker) Release(ctx context.Context) error {
	if err := w.Save(ctx); err != nil {
		return err
	}
	c := w.next()
	c.Free = true
	return w.append(ctx, c)
}

// Offset is the last block that is judged and committed.
func (w *Worker) Offset() uint64 { return w.commit.Offset }

// Pending tells what is judged and not committed: nothing, only that time has
// passed, or events.
func (w *Worker) Pending() Progress {
	if w.offset == w.commit.Offset {
		return NoProgress
	}
	return w.progress
}

// Progress is what a worker has judged since its last commit.
type Progress int

// The kinds of progress.
const (
	NoProgress Progress = iota
	TimePassed
	EventsJudged
)

// Judged is the last block that is judged.
func (w *Worker) Judged() uint64 { return w.offset }

// take judges a block. The error is of a worker that cannot judge it.
func (w *Worker) take(ctx context.Context, r Record) error {
	w.gap(r.Seq)
	w.offset, w.since = r.Seq, w.since+len(r.Data)
	b, err := Open(r.Data)
	if err != nil {
		w.lose(1, fmt.Sprintf("block %d of the log is damaged: %v", r.Seq, err))
		return nil
	}
	w.chain(b.Sum)
	if !w.first(b) {
		return nil
	}
	w.inputs = w.inputs[:0]
	looked := false
	var cannot error
	err = b.Each(func(x *Entry) error {
		if !looked && w.Shards > 1 && x.Plan == "" { // a plan stands before what is handed out by it
			looked = true
			if stray := w.stray(b.Gateway); stray != "" {
				w.alarm(stray)
			}
		}
		if cannot = w.entry(ctx, x); cannot != nil {
			return cannot
		}
		return nil
	})
	w.push()
	if err != nil && cannot == nil {
		w.lose(1, fmt.Sprintf("block %d of the log is damaged: %v", r.Seq, err))
	}
	return cannot
}

func (w *Worker) entry(ctx context.Context, x *Entry) error {
	switch {
	case x.Begin != "":
	case x.Plan != "":
		w.push()
		w.asked = true
		return w.replan(ctx, x.Plan, x.Past)
	case x.Close:
		w.push()
		w.close(x.End)
		w.asked = true
	default:
		if !x.Input.Tick {
			w.progress = EventsJudged
		}
		in := x.Input
		in.Event.Data = bytesOf(in.Event.Data)
		w.inputs = append(w.inputs, in)
	}
	return nil
}

// gap tells of blocks that should be there before one.
func (w *Worker) gap(next uint64) {
	if n := next - w.offset - 1; n > 0 {
		w.lose(int(n), fmt.Sprintf("the log has lost %d blocks before block %d", n, next))
		w.offset = next - 1
	}
}

// lose notes that blocks are lost: what their events could undo is inconclusive
// from here on.
func (w *Worker) lose(n int, what string) {
	for i := range w.eras {
		w.eras[i].stream.Lose()
	}
	w.lost += n
	w.alarm(what)
}

func (w *Worker) alarm(what string) {
	if !w.again {
		w.alarms = append(w.alarms, what)
	}
}

// sound tells the alarms, unless another has taken the shard over: it has blocks
// and states forgotten that it does not need, so that they are missing here.
func (w *Worker) sound(ctx context.Context) error {
	if len(w.alarms) == 0 {
		return nil
	}
	if err := w.owns(ctx); err != nil {
		return err
	}
	for _, what := range w.alarms {
		if w.Told != nil {
			w.Told(Notice{Shard: w.Shard, Alarm: true, What: what})
		}
	}
	w.alarms = nil
	return nil
}

// owns returns ErrFenced if another has taken the shard over.
func (w *Worker) owns(ctx context.Context) error {
	last, _, err := w.Commits.Last(ctx)
	if err == nil && last.Seq != w.last {
		err = fmt.Errorf("shard %d: %w", w.Shard, ErrFenced)
	}
	return err
}

// push gives the engine what has gathered.
func (w *Worker) push() {
	if len(w.inputs) == 0 {
		return
	}
	for i := range w.inputs {
		x := &w.inputs[i]
		if x.Why == "" && x.Event.Source != "" && w.Shard == 0 {
			w.sources.see(&x.Event) // every event, or that it happened, is in every shard
		} else if x.Why == "" && x.Event.Source != "" {
			w.sources.reach(x.Event.Time)
		}
	}
	for i := range w.eras {
		e := &w.eras[i]
		w.found(e, e.stream.Push(w.inputs).Findings, settled)
		if i == 0 { // what is no event is counted once
			w.inputs = slices.DeleteFunc(w.inputs, func(x monitor.Input) bool { return x.Why != "" })
		}
	}
	w.inputs = w.inputs[:0]
}

// certainty is how a finding has come to be told.
type certainty int

const (
	settled certainty = iota
	early             // it would be found again, when its time is settled
	leaving           // early, and nobody will look again
)

// found takes what an engine has found.
func (w *Worker) found(e *running, all []monitor.Finding, how certainty) {
	for _, f := range all {
		if f.Kind == monitor.FoundUndecided && e.judges(f.Violation.Property) && !w.again && len(w.doubts) < mostUndecided {
			w.doubts = append(w.doubts, undecided(f))
		}
		if f.Kind != monitor.FoundViolation {
			w.notice(e, f)
			continue
		}
		if !e.judges(f.Violation.Property) {
			continue
		}
		id, err := ParseID(f.Violation.ID())
		if err != nil {
			panic("stream: " + err.Error())
		}
		if w.told[id] {
			if how != early && w.Options.Skew == 0 {
				delete(w.told, id)
			}
			continue
		}
		if how == early {
			w.told[id] = true
		}
		if w.verdicts++; w.verdicts > w.replay {
			w.fresh = append(w.fresh, object(f.Violation, id))
		}
	}
}

// notice tells of what is not judged. What came too late is told by the oldest
// engine.
func (w *Worker) notice(e *running, f monitor.Finding) {
	if w.Told != nil && !w.again && (f.Kind != monitor.FoundLate || e == &w.eras[0]) {
		w.Told(Notice{Shard: w.Shard, Finding: f})
	}
}

// undecided is an instance as check tells it.
func undecided(f monitor.Finding) json.RawMessage {
	b, err := f.MarshalJSON()
	if err != nil {
		panic("stream: a finding is made of texts and values: " + err.Error())
	}
	return b
}

// close tells what waits as if the input ended here. The engines go on: what
// comes is judged as if nobody had asked.
func (w *Worker) close(end bool) {
	w.undecided = 0
	for i := range w.eras {
		e := &w.eras[i]
		last, sum := e.ended(w.Options, end)
		w.found(e, last.Findings, early)
		w.undecided += sum.Undecided
	}
}

// commitBytes is about how large a commit may become.
const commitBytes = 512 << 10

// commitAll commits up to where the worker has read: in one commit, or, where
// too much was found, in several, of which only the last has read the block
// that it was found in.
func (w *Worker) commitAll(ctx context.Context) error {
	for {
		c := w.next()
		rest := w.fresh
		for size := 0; len(rest) > 0 && (size == 0 || size+len(rest[0]) <= commitBytes); rest = rest[1:] {
			size += len(rest[0])
			c.Found = append(c.Found, rest[0])
		}
		c.Verdicts = w.verdicts - uint64(len(rest))
		if len(rest) > 0 {
			c.Offset, c.Chain, c.Undecided = w.commit.Offset, w.commit.Chain, nil
		}
		old, stored := w.commit.States, w.stored
		if stored != nil && len(rest) == 0 {
			c.States = append([]StateRef{*stored}, old[:min(len(old), 1)]...)
		}
		if err := w.append(ctx, c); err != nil {
			return err // nothing of it is taken as told
		}
		if w.fresh = rest; len(rest) > 0 {
			continue
		}
		if w.fresh, w.doubts, w.stored = nil, nil, nil; stored != nil {
			return w.forgetStates(ctx, old)
		}
		return nil
	}
}

// next is the commit of what is known now.
func (w *Worker) next() Commit {
	c := w.commit
	c.Found, c.Undecided, c.N = nil, w.doubts, c.N+1
	c.Offset, c.Chain = w.offset, w.chained()
	c.Watermark, c.Newest, c.Totals = w.eras[0].stream.Position().Watermark, w.sources.Newest, w.totals()
	return c
}

// beat commits that the owner is alive, and nothing else.
func (w *Worker) beat(ctx context.Context) error {
	c, asked, progress := w.commit, w.asked, w.progress
	c.Found, c.Undecided, c.N = nil, nil, c.N+1
	err := w.append(ctx, c)
	w.asked, w.progress = asked, progress
	return err
}

// append appends a commit. Where the answer is lost, the last one tells.
func (w *Worker) append(ctx context.Context, c Commit) error {
	data := c.Encode()
	for tries := 1; ; tries++ {
		seq, err := w.Commits.AppendIf(ctx, data, w.last)
		if err != nil {
			last, ok, lastErr := w.Commits.Last(ctx)
			switch {
			case lastErr != nil:
				return fmt.Errorf("shard %d: its commit: %w", w.Shard, errors.Join(err, lastErr))
			case ok && bytes.Equal(last.Data, data):
				seq = last.Seq
			case last.Seq != w.last:
				return fmt.Errorf("shard %d: %w", w.Shard, ErrFenced)
			case tries == mostTries:
				return fmt.Errorf("shard %d: its commit: %w", w.Shard, err)
			default:
				continue // it is not there
			}
		}
		w.last, w.commit, w.asked, w.progress = seq, c, false, TimePassed
		return nil
	}
}

// mostTries is how often a commit is appended that does not come there.
const mostTries = 3

// Needed is the first block that a worker may have to read again, one of another
// shard too, of which the last commits are given: those before it can be
// forgotten.
func (w *Worker) Needed(all []Commit) uint64 {
	oldest, ok := w.commit.oldest()
	if !ok {
		return 1
	}
	return w.firstNeeded(oldest, all)
}

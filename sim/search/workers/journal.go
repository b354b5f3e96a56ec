package workers

import (
	"bytes"
	"encoding/gob"

	"github.com/wtsim/wtsim/scheduler"
)

// journalLine is what the process says which runs a schedule that is known to
// end it: one of these.
type journalLine struct {
	Begins    bool // a run
	Schedule  *scheduler.Schedule
	Deviation *scheduler.Deviation
	Note      string // words for the newest deviation
}

// journal runs one schedule that is known to end its process. What ends it may
// also be a run that the strategy wants in order to make the schedule.
func (w Work) journal(number int, lost map[int]bool, say *gob.Encoder) error {
	o := w.Options
	o.Lost = lost
	o.Around = func(source scheduler.Source) scheduler.Source {
		_ = say.Encode(journalLine{Begins: true})
		return &journal{source, say}
	}
	schedule, subject, err := w.schedule(o, number)
	if err != nil {
		return err
	}
	told := schedule
	told.Source = nil
	_ = say.Encode(journalLine{Schedule: &told})
	subject.Run(o.Around(schedule.Source))
	return nil
}

// journal tells each deviation as it is decided.
type journal struct {
	source scheduler.Source
	say    *gob.Encoder
}

// Choose passes a decision on.
func (j *journal) Choose(d *scheduler.Decision) int {
	i := j.source.Choose(d)
	if i > 0 {
		_ = j.say.Encode(journalLine{Deviation: &scheduler.Deviation{At: d.At, Do: d.Options[i].Do, With: d.Options[i].With}})
	}
	return i
}

// Did passes on what the run does: sources that watch decide by it.
func (j *journal) Did(s *scheduler.Transition) {
	if w, ok := j.source.(interface{ Did(*scheduler.Transition) }); ok {
		w.Did(s)
	}
}

// Note tells the words for the newest deviation.
func (j *journal) Note(note string) { _ = j.say.Encode(journalLine{Note: note}) }

// journaled runs a schedule that ends its process, and returns it with the plan
// of the run that has done so.
func (p *Pool) journaled(number int) (scheduler.Schedule, scheduler.Plan, error) {
	var out bytes.Buffer
	schedule, plan := scheduler.Schedule{Number: number}, scheduler.Plan{}
	c, err := NewChild(p.Command(), Job{journalJob, append([]int{number}, p.lostOf(number)...)}, &out, nil)
	if err != nil {
		return schedule, plan, err
	}
	if _, _, err := c.Run(); err != nil {
		return schedule, plan, err
	}
	for said := gob.NewDecoder(&out); ; {
		var l journalLine
		if err := said.Decode(&l); err != nil { // the last one may be cut
			return schedule, plan, nil
		}
		switch {
		case l.Schedule != nil:
			schedule = *l.Schedule
		case l.Begins:
			plan = scheduler.Plan{}
		case l.Deviation != nil:
			plan = append(plan, *l.Deviation)
		case len(plan) > 0:
			plan[len(plan)-1].Note = l.Note
		}
	}
}

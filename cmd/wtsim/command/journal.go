package command

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/wtsim/wtsim/scheduler"
)

// journalLine is a line that the process prints which runs a schedule that is
// known to end it: one of these.
type journalLine struct {
	Begins    bool                 `json:"begins,omitempty"` // a run
	Schedule  *scheduler.Schedule  `json:"schedule,omitempty"`
	Deviation *scheduler.Deviation `json:"deviation,omitempty"`
	Note      string               `json:"note,omitempty"` // words for the newest deviation
}

// workJournal runs one schedule that is known to end its process. What ends
// it may also be a run that the strategy wants in order to make the schedule.
func (a *app) workJournal(o *runOptions, number int, lost map[int]bool) (int, error) {
	out := encoder(a.stdout)
	s := o.search()
	s.Lost = lost
	s.Around = func(source scheduler.Source) scheduler.Source {
		_ = out.Encode(journalLine{Begins: true})
		return &journal{source, out}
	}
	schedule, err := o.schedule(s, number)
	if err != nil {
		return 0, err
	}
	told := schedule
	told.Source = nil
	_ = out.Encode(journalLine{Schedule: &told})
	o.subject.Run(s.Around(schedule.Source))
	return exitHeld, nil
}

// journal prints each deviation as it is decided.
type journal struct {
	source scheduler.Source
	out    *json.Encoder
}

// Choose passes a decision on.
func (j *journal) Choose(d *scheduler.Decision) int {
	i := j.source.Choose(d)
	if i > 0 {
		_ = j.out.Encode(journalLine{Deviation: &scheduler.Deviation{At: d.At, Do: d.Options[i].Do, With: d.Options[i].With}})
	}
	return i
}

// Did passes on what the run does: sources that watch decide by it.
func (j *journal) Did(s *scheduler.Transition) {
	if w, ok := j.source.(interface{ Did(*scheduler.Transition) }); ok {
		w.Did(s)
	}
}

// Note prints the words for the newest deviation.
func (j *journal) Note(note string) { _ = j.out.Encode(journalLine{Note: note}) }

// journal runs a schedule that ends its process, and returns it with the plan
// of the run that has done so.
func (s *supervisor) journal(number int) (scheduler.Schedule, scheduler.Plan, error) {
	var out bytes.Buffer
	schedule, plan := scheduler.Schedule{Number: number}, scheduler.Plan{}
	c, err := newChild(fmt.Sprintf("journal %d%s", number, s.lostOf(number)), s.args, &out, nil)
	if err != nil {
		return schedule, plan, err
	}
	if _, _, err := c.run(); err != nil {
		return schedule, plan, err
	}
	for lines := json.NewDecoder(&out); lines.More(); {
		var l journalLine
		if err := lines.Decode(&l); err != nil {
			break // the last line may be cut
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
	return schedule, plan, nil
}

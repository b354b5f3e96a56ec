package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// CauseSummary is what `wtsim cause --json` prints.
type CauseSummary struct {
	Kind          string      `json:"kind"` // "cause"
	Scenario      string      `json:"scenario"`
	Verdict       sim.Verdict `json:"verdict"`
	Violation     *Violation  `json:"violation,omitempty"`
	Continuations int         `json:"continuations"` // of each step
	// Inevitable is the step from which on all continuations violate, Turn the
	// one after which the share rises most; absent where there is none.
	Inevitable *CauseStep  `json:"inevitable,omitempty"`
	Turn       *CauseStep  `json:"turn,omitempty"`
	Begin      *CauseStep  `json:"begin,omitempty"` // before the first step
	Steps      []CauseStep `json:"steps,omitempty"` // but for the last, which violates
	ElapsedNS  int64       `json:"elapsed_ns"`
}

// CauseStep is a step, and what its continuations have shown.
type CauseStep struct {
	Step       int      `json:"step"` // from 1, as `wtsim debug --step` has it; 0 before the first
	Identity   string   `json:"identity,omitempty"`
	What       string   `json:"what,omitempty"`
	Ran        int      `json:"ran"`
	Violating  int      `json:"violating"`
	Unjudged   int      `json:"unjudged,omitempty"`
	Share      float64  `json:"share"`
	Deviations []string `json:"deviations,omitempty"`
}

// CauseSummary is the report's cause in one object; nil if nobody has looked.
func (r *Report) CauseSummary(continuations int) *CauseSummary {
	c := r.Cause
	if c == nil {
		return nil
	}
	s := &CauseSummary{Kind: "cause", Scenario: r.Scenario, Verdict: r.Verdict, Violation: ViolationOf(r.Violation), Continuations: continuations}
	for _, p := range c.Points {
		s.Steps = append(s.Steps, r.causeStep(p))
	}
	at := func(i int) *CauseStep {
		if i < 0 {
			return nil
		}
		return &s.Steps[i]
	}
	s.Inevitable, s.Turn = at(c.Inevitable()), at(c.Turn())
	if len(s.Steps) > 0 {
		s.Begin, s.Steps = at(0), s.Steps[1:]
	}
	return s
}

func (r *Report) causeStep(p search.Point) CauseStep {
	out := CauseStep{Step: p.Steps, Ran: p.Ran, Violating: p.Violating, Unjudged: p.Unjudged, Share: math.Round(p.Share()*1000) / 1000}
	if p.Steps > 0 {
		row := &r.Timeline.Rows[p.Steps-1]
		out.Identity, out.What, out.Deviations = row.Identity, strings.TrimSpace(who(row.Step)+"  "+row.Words()), row.Deviations
	}
	return out
}

// curve is the share behind each row, for the page: the last violates.
func (r *Report) curve() (all []float64) {
	if r.Cause == nil || len(r.Cause.Points) != len(r.Timeline.Rows) {
		return nil
	}
	for _, p := range r.Cause.Points[1:] {
		all = append(all, p.Share())
	}
	return append(all, 1)
}

// causeBar is how wide a share of 1 is drawn.
const causeBar = 20

// CauseText tells when the violation became inevitable, and draws the curve along
// the story.
func (r *Report) CauseText(continuations int) string {
	c := r.Cause
	var w strings.Builder
	fmt.Fprintf(&w, "%v\n\n", r.Violation)
	fmt.Fprintf(&w, "of %d continuations of each step so many violate as well:\n\n", continuations)
	if len(c.Points) > 0 {
		w.WriteString(causeLine(c.Points[0].Share(), "before the first step"))
	}
	elided, t := 0, r.teller(StoryOptions{})
	for i := range r.Timeline.Rows {
		if r.Timeline.why(i, false) != Told {
			elided++
			continue
		}
		if elided > 0 {
			fmt.Fprintf(&w, "%*s... %s as in the benign run\n", causeBar+7, "", Plural(elided, "step"))
			elided = 0
		}
		share := 1.0
		if i+1 < len(c.Points) {
			share = c.Points[i+1].Share()
		}
		row := &r.Timeline.Rows[i]
		w.WriteString(causeLine(share, t.short(row, storyWidth-causeBar-7)))
	}
	w.WriteString("\n" + r.causeSentence())
	return w.String()
}

// short is a row on one line of a width.
func (t *teller) short(r *Row, width int) string {
	text := t.in(strings.Join(append([]string{marks[r.Mark] + " " + who(r.Step), r.Words()}, r.Tail()...), "  "))
	if r.Violates {
		const last = "  VIOLATED"
		return cutAt(strings.TrimSuffix(text, last), width-len(last)-1) + last
	}
	return cutAt(text, width-1)
}

func causeLine(share float64, text string) string {
	n := int(math.Round(share * causeBar))
	return fmt.Sprintf("%4.0f%% %-*s  %s\n", share*100, causeBar, strings.Repeat("#", n), strings.TrimRight(text, " "))
}

// causeSentence says when the violation became inevitable, and where the way
// turned.
func (r *Report) causeSentence() string {
	c := r.Cause
	at := func(i int) string {
		if i == 0 {
			return "from the beginning"
		}
		s := r.causeStep(c.Points[i])
		text := fmt.Sprintf("with step %d: %s", s.Step, s.What)
		for _, d := range s.Deviations {
			text += "\n  (" + d + ")"
		}
		return text
	}
	text := "no step before the last makes it inevitable\n"
	if i := c.Inevitable(); i >= 0 {
		text = "inevitable " + at(i) + "\n"
	}
	if i := c.Turn(); i > 0 && i != c.Inevitable() {
		text += fmt.Sprintf("it rises most, from %.0f%% to %.0f%%, %s\n", c.Points[i-1].Share()*100, c.Points[i].Share()*100, at(i))
	}
	return text
}

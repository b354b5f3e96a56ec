package command

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/wtsim/wtsim/sim/report"
)

// tell prints the results that are known, in their order, up to the first that
// is not; or, at the end, all.
func (m *mutations) tell(all bool) error {
	for ; m.told < len(m.results); m.told++ {
		r := &m.results[m.told]
		switch {
		case r.Outcome == notRun && !all:
			return nil
		case m.options.asJSON:
			e := json.NewEncoder(m.app.stdout)
			e.SetEscapeHTML(false)
			if err := e.Encode(r); err != nil {
				return err
			}
		case r.Outcome != notUsed && r.Outcome != notRun:
			m.tellOne(r)
		}
	}
	return nil
}

// tellOne prints a result for people.
func (m *mutations) tellOne(r *mutation) {
	mark := " "
	if r.Relied {
		mark = "*"
	}
	w := m.app.stdout
	fmt.Fprintf(w, "%s %-22s %s\n", mark, r.Weakening, r.sentence())
	if r.Outcome != noticed {
		fmt.Fprintf(w, "      without it %s\n", r.Without)
		return
	}
	if r.Deviations != nil {
		for _, d := range *r.Deviations {
			fmt.Fprintf(w, "      %s\n", d)
		}
	}
	if r.Story != "" {
		fmt.Fprintf(w, "\n%s\n\n", report.Indent(r.Story, "      "))
	}
}

func (r *mutation) sentence() string {
	switch {
	case r.Outcome == noticed && r.Deviations == nil:
		return fmt.Sprintf("noticed: %s", r.Violation.Property)
	case r.Outcome == noticed && len(*r.Deviations) == 0:
		return fmt.Sprintf("noticed: %s, in the benign schedule", r.Violation.Property)
	case r.Outcome == noticed:
		return fmt.Sprintf("noticed: %s, %s", r.Violation.Property, report.Plural(len(*r.Deviations), "deviation"))
	case r.Outcome == notNoticed:
		return fmt.Sprintf("not noticed in %d schedules", r.Schedules)
	case r.Outcome == notJudged:
		return fmt.Sprintf("inconclusive after %d schedules: %s", r.Schedules, r.Why)
	}
	return r.Outcome
}

// finish prints what is left, and the sum.
func (m *mutations) finish() (int, error) {
	if err := m.tell(true); err != nil {
		return 0, err
	}
	sum := mutateResult{Kind: "result", Scenario: m.options.scenario, Verdict: noticed, Missed: []string{}, ElapsedNS: time.Since(m.began).Nanoseconds()}
	code := exitHeld
	relies, unjudged := 0, 0
	for i := range m.results {
		r := &m.results[i]
		if r.Outcome == notUsed || r.Outcome == notRun {
			continue
		}
		if sum.Tried++; r.Outcome == noticed {
			sum.Noticed++
		}
		if r.Relied {
			relies++
		}
		switch {
		case r.Outcome == notJudged:
			unjudged++
		case r.Relied && r.Outcome == notNoticed:
			sum.Missed = append(sum.Missed, r.Weakening)
		}
	}
	switch {
	case len(sum.Missed) > 0 || sum.Noticed == 0 && unjudged == 0:
		sum.Verdict, code = "missed", exitViolated
	case unjudged > 0 && sum.Noticed < max(relies, 1):
		sum.Verdict, code = notJudged, exitInconclusive
	}
	if m.interrupted() {
		code = exitInterrupted
	}
	if m.options.asJSON {
		return code, json.NewEncoder(m.app.stdout).Encode(sum)
	}
	m.tellSum(sum, relies)
	return code, nil
}

// tellSum prints the sum for people.
func (m *mutations) tellSum(sum mutateResult, relies int) {
	w := m.app.stdout
	if m.interrupted() {
		fmt.Fprintln(w, "interrupted")
	}
	unused := 0
	for i := range m.results {
		if m.results[i].Outcome == notUsed {
			unused++
		}
	}
	fmt.Fprintf(w, "\n%s: %d of %d weakenings are noticed", m.options.scenario, sum.Noticed, sum.Tried)
	if unused > 0 {
		fmt.Fprintf(w, ", %d more concern what it does not use", unused)
	}
	fmt.Fprintln(w)
	switch {
	case len(sum.Missed) > 0:
		fmt.Fprintf(w, "it relies on %s (*), and no property notices without\n", report.List(sum.Missed))
	case relies > 0 && sum.Verdict == noticed:
		fmt.Fprintln(w, "what it relies on (*) is noticed")
	case sum.Tried > 0 && sum.Noticed == 0 && sum.Verdict != notJudged:
		fmt.Fprintln(w, "a scenario that notices nothing tests nothing: state a property of what these guarantees are for")
	}
}

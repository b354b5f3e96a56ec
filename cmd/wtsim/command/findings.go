package command

import (
	"errors"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// readFindings reads the file of --findings, before anything is searched.
func (o *runOptions) readFindings() (err error) {
	switch {
	case o.findings == "":
		return nil
	case o.shards > 0:
		return errors.New("--findings and --shard exclude each other: a part of a search does not say what is fixed")
	}
	o.known, err = search.ReadFindings(o.findings)
	return err
}

// stand tells how what the team knows stands after a search: what was not found is
// replayed, each in a process of its own. A finding that violates is a violation,
// also where the search has not come upon it.
func (o *runOptions) stand(r *reported) error {
	s := &r.Outcome
	s.Findings = o.known.Update(o.subject.Outside(), r.Counterexample)
	if v := search.ViolatesNow(s.Findings); v != nil && s.Verdict != sim.Violated {
		s.Verdict, s.Why = sim.Violated, "a known finding still violates"
		s.Violation, s.Deviations, s.TraceHash = report.ViolationOf(v.Result.Violation), report.Notes(v.Result.Record.Plan), v.Result.Hash
	}
	r.Text += report.FindingsText(o.findings, s.Findings)
	return o.known.Write()
}

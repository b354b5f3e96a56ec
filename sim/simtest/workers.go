package simtest

import (
	"encoding/json"
	"os"
	"os/exec"

	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
	"github.com/wtsim/wtsim/sim/search/workers"
)

// workVariable tells a process of this binary which search it is a worker of.
const workVariable = "WTSIM_TEST_WORK"

// testWork is a search that several processes share.
type testWork struct {
	Test, Scenario, Strategy string
	Bound, Schedules         int
	FirstSeed                uint64
}

func (w testWork) work(s search.Subject) workers.Work {
	return workers.Work{Subject: s, Options: search.Options{Strategy: w.Strategy, Bound: w.Bound, FirstSeed: w.FirstSeed, Schedules: w.Schedules}}
}

// serves does the job of a worker, in a process that is one: then it does not
// return, but where the test has other scenarios too.
func (c *check) serves() bool {
	c.t.Helper()
	job, ok := workers.CurrentJob()
	if !ok {
		return false
	}
	var w testWork
	if err := json.Unmarshal([]byte(os.Getenv(workVariable)), &w); err != nil {
		c.t.Fatal(err)
	}
	if w.Test == c.t.Name() && w.Scenario == c.subject.Scenario().Name {
		if err := w.work(c.subject).Serve(job, workers.SayFile()); err != nil {
			c.t.Fatal(err)
		}
		os.Exit(0)
	}
	return true
}

// share searches in as many processes as -wtsim.workers says, up to the first
// violation: those of other properties are looked for by this one, from there on.
func (c *check) share(o search.Options) (found search.Found) {
	c.t.Helper()
	w := testWork{Test: c.t.Name(), Scenario: c.subject.Scenario().Name, Strategy: o.Strategy, Bound: o.Bound, Schedules: o.Schedules, FirstSeed: o.FirstSeed}
	told, err := json.Marshal(w)
	if err != nil {
		c.t.Fatal(err) // cannot happen: it is made of texts and numbers
	}
	p := &workers.Pool{Work: w.work(c.subject), Workers: int(*workerFlag), Exhaustive: *bound >= 0, Strict: *strict, Duration: *duration,
		Stderr: os.Stderr, Command: func() *exec.Cmd {
			cmd := itself(c.t.Name())
			cmd.Env = append(os.Environ(), workVariable+"="+string(told))
			return cmd
		}}
	if o.Workers > 0 {
		p.Shard, p.Shards = o.Worker+1, o.Workers
	}
	if err := p.Search(); err != nil {
		c.t.Fatal(err)
	}
	end, err := p.End()
	if err != nil {
		c.t.Fatal(err)
	}
	found = search.Found{Ran: end.Schedules, Number: end.Number, Complete: end.Complete, Subject: c.subject}
	switch f := end.Finding; {
	case end.Verdict == sim.Held:
	case f == nil || f.Verdict != sim.Violated:
		fail(c.t, "inconclusive: "+end.Why, "in a search of several processes\n\nreplay:  "+c.command("-wtsim.workers", 1))
	default:
		if found.Subject, err = c.subject.With(f.Inputs); err != nil {
			c.t.Fatal(err)
		}
		found.Schedule.Seed, found.Result = f.Seed, f.Shrunk.Result
	}
	return found
}

package sim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/adhocore/gronx"

	"github.com/wtsim/wtsim/probe"
)

// Job is a job of Cloud Scheduler: at every tick it invokes a function, or
// publishes a message. Ticks beyond the horizon do not happen.
// https://docs.cloud.google.com/scheduler/docs
type Job struct {
	Name string
	// Cron is the schedule in unix-cron format, in the time zone of Zone
	// (default UTC); or Every is the time between two ticks, the first of which
	// comes after that time.
	// https://docs.cloud.google.com/scheduler/docs/configuring/cron-job-schedules
	Cron  string
	Zone  string
	Every time.Duration
	Ticks int // how many ticks there are at most; 0 for no such limit

	Function string // that is invoked, with Request's method (default POST), path, headers and body; or
	Topic    string // to which Request's body is published
	Request  Request
	JobPolicy
}

// JobPolicy says how a tick is repeated that did not succeed.
// https://docs.cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs#RetryConfig
type JobPolicy struct {
	Retries                int // 0 to 5
	MinBackoff, MaxBackoff time.Duration
	Doublings              int           // of the backoff
	Deadline               time.Duration // of an attempt
}

func (j Job) withDefaults(p *Profile) Job {
	setDefault(&j.Retries, p.Job.Retries)
	setDefault(&j.MinBackoff, p.Job.MinBackoff)
	setDefault(&j.MaxBackoff, p.Job.MaxBackoff)
	setDefault(&j.Doublings, p.Job.Doublings)
	setDefault(&j.Deadline, p.Job.Deadline)
	setDefault(&j.Zone, "UTC")
	return j
}

func (j Job) validate(functions map[string]bool) error {
	_, zone := time.LoadLocation(j.Zone)
	switch {
	case j.Name == "":
		return errors.New("a job has no name")
	case (j.Function == "") == (j.Topic == ""):
		return fmt.Errorf("job %q: wanted a function or a topic, one of them", j.Name)
	case j.Function != "" && !functions[j.Function]:
		return fmt.Errorf("job %q: there is no function %q", j.Name, j.Function)
	case (j.Cron == "") == (j.Every == 0):
		return fmt.Errorf("job %q: wanted Cron or Every, one of them", j.Name)
	case j.Cron != "" && !gronx.IsValid(j.Cron):
		return fmt.Errorf("job %q: %q is no schedule, wanted five fields of unix-cron", j.Name, j.Cron)
	case zone != nil:
		return fmt.Errorf("job %q: there is no time zone %q", j.Name, j.Zone)
	case j.Retries < 0 || j.Retries > 5:
		return fmt.Errorf("job %q: %d retries, wanted 0 to 5", j.Name, j.Retries)
	case min(j.Every, j.MinBackoff, j.MaxBackoff, j.Deadline) < 0 || min(j.Doublings, j.Ticks) < 0:
		return fmt.Errorf("job %q: %w", j.Name, errNegative)
	}
	return nil
}

// next is the first tick after an instant.
func (j *Job) next(after time.Time) time.Time {
	if j.Every > 0 {
		return after.Add(j.Every)
	}
	zone, err := time.LoadLocation(j.Zone)
	if err != nil {
		panic(err) // Compile has tried
	}
	at, err := gronx.NextTickAfter(j.Cron, after.In(zone), false)
	if err != nil {
		return time.Time{} // never again
	}
	return at
}

// job is one during a run.
type job struct {
	*Job
	ticks   int
	running bool // an attempt, or a wait for the next, is under way
}

func (w *world) addJobs() {
	for i := range w.sim.scenario.Jobs {
		w.planTick(&job{Job: &w.sim.scenario.Jobs[i]}, w.sim.scenario.Epoch)
	}
}

// planTick puts the next tick on the agenda, unless it is beyond the horizon.
func (w *world) planTick(j *job, after time.Time) {
	at := j.next(after)
	if at.IsZero() || at.Sub(w.sim.scenario.Epoch) > w.sim.scenario.Horizon || j.Job.Ticks > 0 && j.ticks >= j.Job.Ticks {
		return
	}
	j.ticks++
	root := fmt.Sprintf("%s/%d", j.Name, j.ticks)
	w.agenda.add(at, "tick "+root, func() {
		w.tick(j, root, at)
		w.planTick(j, at)
	})
}

// tick is one tick. It is skipped while the retries of the one before are not
// over.
func (w *world) tick(j *job, root string, at time.Time) {
	switch {
	case j.Topic != "":
		m := probe.Message{Data: []byte(j.Request.Body), Attributes: j.Request.Header}
		w.mu.Lock()
		w.fanOut((&message{Message: m, root: root, topic: j.Topic}).named(root + "." + j.Topic + "/1"))
		w.mu.Unlock()
	case j.running:
		w.happened = append(w.happened, Step{Identity: "skip " + root, Kind: KindTime, Task: root, Function: j.Function, What: "tick " + root, Status: "skipped: the one before is being retried"})
	default:
		j.running = true
		w.schedule(&task{name: j.Function + "(" + root + ")", root: root, fn: w.function(j.Function), attempt: 1, cause: &tick{j, at}}, time.Time{})
	}
}

// tick is the cause of a job's invocation.
type tick struct {
	job *job
	at  time.Time
}

func (c *tick) words(attempt int) string {
	s := "tick of " + c.job.Name
	if attempt > 1 {
		s += fmt.Sprintf(", attempt %d", attempt)
	}
	return s
}

func (c *tick) limit() time.Duration     { return c.job.Deadline }
func (c *tick) line() any                { return nil }
func (c *tick) platform() bool           { return true }
func (c *tick) retries(attempt int) bool { return attempt <= c.job.Retries }

func (c *tick) invoke(ctx context.Context, h Handler, _ int) ending {
	r := c.job.Request
	r.Header = headers(r.Header,
		"X-CloudScheduler", "true",
		"X-CloudScheduler-JobName", c.job.Name,
		"X-CloudScheduler-ScheduleTime", c.at.UTC().Format(time.RFC3339))
	e := r.call(ctx, h)
	e.success = e.resp.Status >= 200 && e.resp.Status < 300
	return e
}

func (c *tick) answered(w *world, t *task, e ending) {
	if e.success {
		c.over(t)
		return
	}
	c.unanswered(w, t)
}

func (c *tick) unanswered(w *world, t *task) {
	if t.copy || !c.retries(t.attempt) {
		c.over(t)
		return
	}
	w.again(t, time.Now().Add(backoff(c.job.MinBackoff, c.job.MaxBackoff, t.attempt, c.job.Doublings))) //wtsim:clock the bubble's clock
}

func (c *tick) over(t *task) {
	if !t.copy {
		c.job.running = false
	}
}

// headers returns a copy with some more.
func headers(h map[string]string, more ...string) map[string]string {
	out := map[string]string{}
	for k, v := range h { //wtsim:order a map to a map
		out[http.CanonicalHeaderKey(k)] = v
	}
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

// Package cron is Cloud Scheduler in process: jobs that invoke functions, or
// publish messages, when their time has come.
//
// A scenario declares it with [New]:
//
//	cron.New("scheduler").With(cron.Job{Name: "nightly", Cron: "30 2 * * *", Function: "report"})
//
// Ticks beyond the horizon of a run do not happen.
//
// Not supported: the client library (jobs are declared in the scenario), App
// Engine targets, paused jobs.
package cron

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/adhocore/gronx"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/event"
)

// DefaultName is the usual name of a Cloud Scheduler.
const DefaultName = "scheduler"

// Service declares a Cloud Scheduler.
type Service struct {
	name string
	jobs []Job
	once bool // ticks are not repeated
}

// New declares a Cloud Scheduler under a name, usually "scheduler".
func New(name string) *Service { return &Service{name: name} }

// With returns the service with further jobs.
func (s *Service) With(jobs ...Job) *Service {
	out := *s
	out.jobs = slices.Clip(s.jobs)
	for _, j := range jobs {
		out.jobs = append(out.jobs, j.withDefaults())
	}
	return &out
}

// Job is a job: at every tick it invokes a function, or publishes a message.
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

	Function string // that is invoked with Request; or
	Topic    string // to which Request's body is published
	Request  cloud.Request

	// How a tick is repeated that did not succeed.
	// https://docs.cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs#RetryConfig
	Retries                int           // 0 to 5
	MinBackoff, MaxBackoff time.Duration // default 5 s and 1 h
	Doublings              int           // of the backoff; default 5
	Deadline               time.Duration // of an attempt; default 3 min
}

func (j Job) withDefaults() Job {
	// https://docs.cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs
	cloud.SetDefault(&j.MinBackoff, 5*time.Second)
	cloud.SetDefault(&j.MaxBackoff, time.Hour)
	cloud.SetDefault(&j.Doublings, 5)
	cloud.SetDefault(&j.Deadline, 3*time.Minute)
	cloud.SetDefault(&j.Zone, "UTC")
	return j
}

func (j Job) check(d cloud.Deployment) error {
	_, zone := time.LoadLocation(j.Zone)
	switch {
	case j.Name == "":
		return errors.New("a job has no name")
	case (j.Function == "") == (j.Topic == ""):
		return fmt.Errorf("job %q: wanted a function or a topic, one of them", j.Name)
	case j.Function != "" && !d.Has(j.Function):
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
		return fmt.Errorf("job %q: %w", j.Name, cloud.ErrNegative)
	}
	return nil
}

// String tells how it is declared.
func (j Job) String() string {
	when := j.Cron + " " + j.Zone
	if j.Every > 0 {
		when = "every " + cloud.Short(j.Every)
	}
	if j.Ticks > 0 {
		when += ", " + cloud.Times(j.Ticks, "time", "times")
	}
	does := "invokes " + j.Function
	if j.Topic != "" {
		does = "publishes to " + j.Topic
	}
	return fmt.Sprintf("%s: %s; %s", when, does, cloud.Times(j.Retries, "retry", "retries"))
}

// next is the first tick after an instant.
func (j *Job) next(after time.Time) time.Time {
	if j.Every > 0 {
		return after.Add(j.Every)
	}
	zone, err := time.LoadLocation(j.Zone)
	if err != nil {
		panic(err) // Check has tried
	}
	at, err := gronx.NextTickAfter(j.Cron, after.In(zone), false)
	if err != nil {
		return time.Time{} // never again
	}
	return at
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short what it is.
func (s *Service) String() string { return "Cloud Scheduler" }

// Drives reports whether there are jobs: they are a workload.
func (s *Service) Drives() bool { return len(s.jobs) > 0 }

// Topics are those that jobs publish to.
func (s *Service) Topics() []string {
	var out []string
	for _, j := range s.jobs {
		out = append(out, j.Topic)
	}
	return out
}

// Check returns the first thing that is wrong with the jobs.
func (s *Service) Check(d cloud.Deployment) error {
	for _, j := range s.jobs {
		if err := j.check(d); err != nil {
			return err
		}
	}
	return nil
}

// Open starts it for a run.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	b := &Backend{kernel: k}
	for _, j := range s.jobs {
		if s.once {
			j.Retries = 0
		}
		b.jobs = append(b.jobs, &job{Job: j, kernel: k})
	}
	return b, nil
}

// Map returns the jobs, and what they invoke.
func (s *Service) Map(cloud.Deployment) (parts []cloud.Part, edges []cloud.Edge) {
	for _, j := range s.jobs {
		from := cloud.Part{Kind: "job", Name: j.Name, Doc: j.String()}
		to := cloud.Part{Kind: "function", Name: j.Function}
		if j.Topic != "" {
			to = cloud.Part{Kind: "topic", Name: j.Topic}
		}
		parts, edges = append(parts, from), append(edges, cloud.Edge{From: from, To: to})
	}
	return parts, edges
}

// retries is the guarantee that a tick is repeated.
const retries = "scheduler/retries"

// Guarantees lists what can be taken away.
func (s *Service) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{{Name: retries, Without: "a tick whose invocation fails is not repeated",
		Source: "https://docs.cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs#RetryConfig",
		Used: func(cloud.Usage) bool {
			return slices.ContainsFunc(s.jobs, func(j Job) bool { return j.Retries > 0 })
		}}}
}

// Without returns the service without a guarantee.
func (s *Service) Without(name string) cloud.Service {
	out := *s
	out.once = out.once || name == retries
	return &out
}

// Backend is Cloud Scheduler during one run.
type Backend struct {
	kernel cloud.Kernel
	jobs   []*job
}

// Contents returns nothing.
func (b *Backend) Contents() []cloud.Content { return nil }

// Close does nothing.
func (b *Backend) Close() {}

// Start plans the first tick of each job.
func (b *Backend) Start() {
	epoch, _ := b.kernel.Span()
	for _, j := range b.jobs {
		j.plan(epoch)
	}
}

// job is one during a run.
type job struct {
	Job
	kernel  cloud.Kernel
	ticks   int
	running bool // an attempt, or a wait for the next, is under way
}

// plan puts the next tick on the agenda, unless it is beyond the horizon.
func (j *job) plan(after time.Time) {
	_, horizon := j.kernel.Span()
	at := j.next(after)
	if at.IsZero() || at.After(horizon) || j.Ticks > 0 && j.ticks >= j.Ticks {
		return
	}
	j.ticks++
	number, root := j.ticks, fmt.Sprintf("%s/%d", j.Name, j.ticks)
	j.kernel.At(at, "tick "+root, func() {
		j.tick(root, at, number)
		j.plan(at)
	})
}

// tick is one tick. It is skipped while the retries of the one before are not
// over.
func (j *job) tick(root string, at time.Time, number int) {
	about := cloud.About(cloud.Named(root))
	switch {
	case j.Topic != "":
		topics, ok := cloud.Find[gcp.Publisher](j.kernel)
		if ok {
			topics.Tell(cloud.Numbered(about.With("."+j.Topic), 1, 1), root, j.Topic, gcp.Message{Data: []byte(j.Request.Body), Attributes: j.Request.Header})
		}
	case j.running:
		j.kernel.Happens(&cloud.Task{Name: cloud.NameOnly(j.Function, about)}, "skip", "tick "+root, "skipped: the one before is being retried")
	default:
		j.running = true
		j.kernel.Invoke(&cloud.Task{Name: cloud.NameTask(j.Function, about), Root: root, Attempt: 1, Cause: &tick{j, at, number}}, time.Time{})
	}
}

// tick is the cause of a job's invocation.
type tick struct {
	job    *job
	at     time.Time
	number int // of the job's, from 1
}

func (c *tick) Words(attempt int) string {
	s := "tick of " + c.job.Name
	if attempt > 1 {
		s += fmt.Sprintf(", attempt %d", attempt)
	}
	return s
}

// InvokedBy tells it from other ticks.
func (c *tick) InvokedBy() cloud.InvokedBy {
	return cloud.InvokedBy{Kind: "tick", Number: c.number, Of: c.job.Name, First: true}
}

func (c *tick) Limit() time.Duration     { return c.job.Deadline }
func (c *tick) Line() any                { return nil }
func (c *tick) Platform() bool           { return true }
func (c *tick) Retries(attempt int) bool { return attempt <= c.job.Retries }

func (c *tick) Invoke(ctx context.Context, h cloud.Handler, _ int) cloud.Ending {
	r := c.job.Request.With("X-CloudScheduler", "true",
		"X-CloudScheduler-JobName", c.job.Name,
		"X-CloudScheduler-ScheduleTime", c.at.UTC().Format(time.RFC3339))
	e := r.Call(ctx, h)
	e.Success = e.Response.OK()
	return e
}

func (c *tick) Answered(t *cloud.Task, e cloud.Ending) {
	if e.Success {
		c.over(t)
		return
	}
	c.Unanswered(t)
}

func (c *tick) Unanswered(t *cloud.Task) {
	if t.Copy || !c.Retries(t.Attempt) {
		c.over(t)
		return
	}
	kernel := c.job.kernel
	kernel.Invoke(t.Next(), kernel.Now().Add(cloud.Backoff(c.job.MinBackoff, c.job.MaxBackoff, t.Attempt, c.job.Doublings)))
}

func (c *tick) over(t *cloud.Task) {
	if !t.Copy {
		c.job.running = false
	}
}

// Way is none: no function calls it.
func (s *Service) Way(string, *event.Operation) (cloud.Edge, bool) { return cloud.Edge{}, false }

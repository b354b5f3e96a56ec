package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/delivery"
	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe"
)

// Queue is a queue. What is zero is the service's default.
// https://docs.cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues
type Queue struct {
	Name                   string
	MaxAttempts            int
	MinBackoff, MaxBackoff time.Duration
	Doublings              int           // of the backoff
	RetryFor               time.Duration // since the first attempt; zero for no such limit
	PerSecond              float64       // dispatches
	Concurrent             int           // tasks that run at the same time
	Deadline               time.Duration // of an attempt, 15 s to 30 min
	// RemembersFor is how long a task's name cannot be used again after it has
	// run or was deleted.
	RemembersFor time.Duration
}

func (q Queue) withDefaults() Queue {
	// https://docs.cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues
	cloud.SetDefault(&q.MaxAttempts, 100)
	cloud.SetDefault(&q.MinBackoff, 100*time.Millisecond)
	cloud.SetDefault(&q.MaxBackoff, time.Hour)
	cloud.SetDefault(&q.Doublings, 16)
	cloud.SetDefault(&q.PerSecond, 500)
	cloud.SetDefault(&q.Concurrent, 1000)
	cloud.SetDefault(&q.Deadline, 10*time.Minute)
	// https://docs.cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks/create
	cloud.SetDefault(&q.RemembersFor, 24*time.Hour)
	return q
}

func (q Queue) check() error {
	switch {
	case q.Name == "":
		return errors.New("a queue has no name")
	case min(q.MinBackoff, q.MaxBackoff, q.RetryFor, q.Deadline, q.RemembersFor) < 0 || min(q.MaxAttempts, q.Doublings, q.Concurrent) < 0 || q.PerSecond < 0:
		return fmt.Errorf("queue %q: %w", q.Name, cloud.ErrNegative)
	}
	return nil
}

// String tells how it is declared.
func (q Queue) String() string {
	return fmt.Sprintf("%s, again after %s to %s; %g a second, %d at a time; a name is remembered for %s",
		cloud.Times(q.MaxAttempts, "attempt", "attempts"), cloud.Short(q.MinBackoff), cloud.Short(q.MaxBackoff), q.PerSecond, q.Concurrent, cloud.Short(q.RemembersFor))
}

// Backend is Cloud Tasks during one run. The kernel's lock guards it.
type Backend struct {
	rpc.Backend
	kernel  cloud.Kernel
	service *Service
	queues  []*queue
}

// queue is one during a run.
type queue struct {
	Queue
	backend *Backend
	tasks   []*queued            // that have not succeeded, in order of name
	done    map[string]time.Time // when a name may be used again
	running int
	next    time.Time // of the next dispatch, for the rate
	made    int       // tasks, for people
}

// request is a task: an HTTP request to be made later.
type request struct {
	Name     string // the last element; made up where it is empty
	Function string // host of the URL
	cloud.Request
	At       time.Time     // when it is due; zero for now
	Deadline time.Duration // of an attempt; zero for the queue's default
	Attempts int           // made so far
}

// queued is the cause of a queued task's invocations.
type queued struct {
	queue *queue
	request
	first   time.Time // attempt
	number  int       // of the queue's, from 1, for people
	deleted bool
}

var (
	errNotFound = errors.New("not found")
	errExists   = errors.New("already exists")
)

func (b *Backend) find(name string) (*queue, error) {
	for _, q := range b.queues {
		if q.Name == name {
			return q, nil
		}
	}
	return nil, fmt.Errorf("queue %s: %w", name, errNotFound)
}

// enqueue gives a task to a queue. One without a name is named after the call
// that makes it. The error is errNotFound where there is no such queue or
// function, errExists where there is, or lately was, a task of that name.
func (b *Backend) enqueue(cause *probe.Call, queueName string, r request) (request, error) {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	q, err := b.find(queueName)
	if err != nil {
		return r, err
	}
	if !b.kernel.Deployment().Has(r.Function) {
		return r, fmt.Errorf("function %s: %w", r.Function, errNotFound)
	}
	o := b.kernel.Origin(cause)
	now := b.kernel.Now()
	resource := queueName // that calls are counted by
	if r.Name != "" {
		resource += "/" + r.Name
	}
	name := cloud.NameTask(r.Function, cloud.Numbered(o.Task.With("."+cloud.Mask(resource)), o.Number, 1))
	if r.Name == "" {
		r.Name = strings.TrimLeft(delivery.ID(name.String()), "0") // digits, as the service makes them
	} else if q.knows(r.Name, now) && !b.service.lacks(names) {
		return r, fmt.Errorf("task %s: %w", r.Name, errExists)
	}
	cloud.SetDefault(&r.Deadline, q.Deadline)
	q.made++
	c := &queued{queue: q, request: r, number: q.made}
	if r.At.Before(now) {
		c.At = now
	}
	q.tasks = append(q.tasks, c)
	slices.SortFunc(q.tasks, func(a, b *queued) int { return strings.Compare(a.Name, b.Name) })
	q.dispatch(&cloud.Task{Name: name, Root: o.Root, Attempt: 1, Cause: c}, r.At)
	return c.request, nil
}

// knows reports whether a name is taken.
func (q *queue) knows(name string, now time.Time) bool {
	return q.task(name) != nil || now.Before(q.done[name])
}

func (q *queue) task(name string) *queued {
	for _, c := range q.tasks {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// dispatch makes an attempt ready when it is due and the queue's rate allows
// it.
func (q *queue) dispatch(t *cloud.Task, due time.Time) {
	now := q.backend.kernel.Now()
	due = latest(due, now, q.next)
	q.next = due.Add(time.Duration(float64(time.Second) / q.PerSecond))
	if !due.After(now) {
		due = time.Time{}
	}
	q.backend.kernel.Invoke(t, due)
}

func latest(times ...time.Time) time.Time {
	return slices.MaxFunc(times, time.Time.Compare)
}

// forget takes a task out of its queue.
func (c *queued) forget() {
	c.deleted = true
	c.queue.tasks = slices.DeleteFunc(c.queue.tasks, func(x *queued) bool { return x == c })
	c.queue.done[c.Name] = c.queue.backend.kernel.Now().Add(c.queue.RemembersFor)
}

// dequeue takes a task that has not succeeded yet out of its queue.
func (b *Backend) dequeue(queueName, name string) error {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	q, err := b.find(queueName)
	if err != nil {
		return err
	}
	c := q.task(name)
	if c == nil {
		return fmt.Errorf("task %s: %w", name, errNotFound)
	}
	c.forget()
	for _, t := range b.kernel.Waiting() {
		if t.Cause == cloud.Cause(c) {
			b.kernel.Recall(t)
		}
	}
	return nil
}

// queued returns a queue's tasks, in order of name.
func (b *Backend) queued(queueName string) ([]request, error) {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	q, err := b.find(queueName)
	if err != nil {
		return nil, err
	}
	var out []request
	for _, c := range q.tasks {
		out = append(out, c.request)
	}
	return out, nil
}

// Touches reports true: queues and tasks are named.
func (b *Backend) Touches(*event.Operation) bool { return true }

// AppendState adds what the queues hold.
func (b *Backend) AppendState(d *cloud.Digest) {
	for _, q := range b.queues {
		d.Number(int64(q.running))
		d.Time(q.next)
		d.Number(int64(len(q.tasks)))
		for _, c := range q.tasks {
			d.Text(c.Name)
			d.Time(c.At)
			d.Number(int64(c.Attempts))
			d.Time(c.first)
		}
		for _, name := range sortedKeys(q.done) {
			d.Text(name)
			d.Time(q.done[name])
		}
	}
}

// Words tell the start of an attempt.
func (c *queued) Words(attempt int) string {
	s := "runs a task of " + c.queue.Name + ", " + c.Request.String()
	if attempt > 1 {
		s += fmt.Sprintf(", attempt %d", attempt)
	}
	return s
}

// InvokedBy tells it from other tasks.
func (c *queued) InvokedBy() cloud.InvokedBy {
	return cloud.InvokedBy{Kind: "task", Number: c.number, Of: c.queue.Name, Route: c.Request.String()}
}

// From is the queue.
func (c *queued) From() cloud.Part { return cloud.Part{Kind: "queue", Name: c.queue.Name} }

func (c *queued) Limit() time.Duration     { return c.Deadline }
func (c *queued) Line() any                { return c.queue }
func (c *queued) Platform() bool           { return true }
func (c *queued) Busy() bool               { return c.queue.running >= c.queue.Concurrent }
func (c *queued) Began()                   { c.queue.running++ }
func (c *queued) Finished()                { c.queue.running-- }
func (c *queued) Retries(attempt int) bool { return attempt < c.queue.MaxAttempts }
func (c *queued) Cancelled() bool          { return c.deleted }

// Invoke makes the request, with the service's headers.
func (c *queued) Invoke(ctx context.Context, h cloud.Handler, attempt int) cloud.Ending {
	retries := strconv.Itoa(attempt - 1)
	r := c.With("X-CloudTasks-QueueName", c.queue.Name, "X-CloudTasks-TaskName", c.Name,
		"X-CloudTasks-TaskRetryCount", retries, "X-CloudTasks-TaskExecutionCount", retries,
		"X-CloudTasks-TaskETA", fmt.Sprintf("%d.%06d", c.At.Unix(), c.At.Nanosecond()/1000))
	e := r.Call(ctx, h)
	e.Success = e.Response.OK()
	return e
}

// Answered forgets a task that has succeeded.
func (c *queued) Answered(t *cloud.Task, e cloud.Ending) {
	switch {
	case !e.Success:
		c.Unanswered(t)
	case !t.Copy:
		c.forget()
	}
}

// Unanswered runs a task again after a backoff, until its attempts are used
// up. One that was deleted meanwhile does not come again.
func (c *queued) Unanswered(t *cloud.Task) {
	if t.Copy || c.deleted {
		return
	}
	kernel := c.queue.backend.kernel
	now := kernel.Now()
	c.Attempts = t.Attempt
	cloud.SetDefault(&c.first, now)
	at := now.Add(cloud.Backoff(c.queue.MinBackoff, c.queue.MaxBackoff, t.Attempt, c.queue.Doublings))
	if !c.Retries(t.Attempt) || c.queue.RetryFor > 0 && at.Sub(c.first) > c.queue.RetryFor {
		kernel.Happens(t, "give up", "is given up", fmt.Sprintf("after %d attempts", t.Attempt))
		c.forget()
		return
	}
	c.queue.dispatch(t.Next(), at)
}

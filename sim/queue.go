package sim

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/probe"
)

// Queue is a queue of Cloud Tasks.
// https://docs.cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues
type Queue struct {
	Name string
	QueuePolicy
}

// QueuePolicy says how a queue dispatches and repeats its tasks.
type QueuePolicy struct {
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

func (q Queue) withDefaults(p *Profile) Queue {
	setDefault(&q.MaxAttempts, p.Queue.MaxAttempts)
	setDefault(&q.MinBackoff, p.Queue.MinBackoff)
	setDefault(&q.MaxBackoff, p.Queue.MaxBackoff)
	setDefault(&q.Doublings, p.Queue.Doublings)
	setDefault(&q.RetryFor, p.Queue.RetryFor)
	setDefault(&q.PerSecond, p.Queue.PerSecond)
	setDefault(&q.Concurrent, p.Queue.Concurrent)
	setDefault(&q.Deadline, p.Queue.Deadline)
	setDefault(&q.RemembersFor, p.Queue.RemembersFor)
	return q
}

func (q Queue) validate() error {
	switch {
	case q.Name == "":
		return fmt.Errorf("a queue has no name")
	case min(q.MinBackoff, q.MaxBackoff, q.RetryFor, q.Deadline, q.RemembersFor) < 0 || min(q.MaxAttempts, q.Doublings, q.Concurrent) < 0 || q.PerSecond < 0:
		return fmt.Errorf("queue %q: %w", q.Name, errNegative)
	}
	return nil
}

// queue is one during a run.
type queue struct {
	*Queue
	tasks   []*queued            // that have not succeeded, in order of name
	done    map[string]time.Time // when a name may be used again
	running int
	next    time.Time // of the next dispatch, for the rate
}

func (w *world) addQueues() {
	for i := range w.sim.scenario.Queues {
		w.queues = append(w.queues, &queue{Queue: &w.sim.scenario.Queues[i], done: map[string]time.Time{}})
	}
}

func (w *world) taskQueue(name string) (*queue, error) {
	for _, q := range w.queues {
		if q.Name == name {
			return q, nil
		}
	}
	return nil, fmt.Errorf("queue %s: %w", name, probe.ErrNotFound)
}

// queued is the cause of a queued task's invocations.
type queued struct {
	queue *queue
	probe.QueuedTask
	first   time.Time // attempt
	deleted bool
}

// Enqueue gives a task to a queue. One without a name is named after the call
// that makes it.
func (p platform) Enqueue(cause *probe.Call, queueName string, qt probe.QueuedTask) (probe.QueuedTask, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q, err := p.taskQueue(queueName)
	if err != nil {
		return qt, err
	}
	f := p.function(qt.Function)
	if f == nil {
		return qt, fmt.Errorf("function %s: %w", qt.Function, probe.ErrNotFound)
	}
	k := cause.Ref.(*call)
	now := time.Now()     //wtsim:clock the bubble's clock
	resource := queueName // that calls are counted by
	if qt.Name != "" {
		resource += "/" + qt.Name
	}
	name := fmt.Sprintf("%s(%s.%s/%d)", f.Name, k.owner, mask(resource), k.k)
	if qt.Name == "" {
		qt.Name = strings.TrimLeft((&message{}).named(name).ID, "0") // digits, as the service makes them
	} else if q.knows(qt.Name, now) && !p.sim.scenario.lacks(taskNames) {
		return qt, fmt.Errorf("task %s: %w", qt.Name, probe.ErrExists)
	}
	setDefault(&qt.Deadline, q.Deadline)
	c := &queued{queue: q, QueuedTask: qt}
	if qt.At.Before(now) {
		c.At = now
	}
	q.tasks = append(q.tasks, c)
	slices.SortFunc(q.tasks, func(a, b *queued) int { return strings.Compare(a.Name, b.Name) })
	p.dispatch(&task{name: name, root: k.task.root, fn: f, attempt: 1, cause: c}, qt.At)
	return c.QueuedTask, nil
}

// knows reports whether a name is taken.
func (q *queue) knows(name string, now time.Time) bool {
	return q.find(name) != nil || now.Before(q.done[name])
}

func (q *queue) find(name string) *queued {
	for _, c := range q.tasks {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// dispatch makes an attempt ready when it is due and the queue's rate allows
// it.
func (w *world) dispatch(t *task, due time.Time) {
	q := t.cause.(*queued).queue
	now := time.Now() //wtsim:clock the bubble's clock
	due = latest(due, now, q.next)
	q.next = due.Add(time.Duration(float64(time.Second) / q.PerSecond))
	if !due.After(now) {
		due = time.Time{}
	}
	w.schedule(t, due)
}

func latest(times ...time.Time) time.Time {
	return slices.MaxFunc(times, time.Time.Compare)
}

// forget takes a task out of its queue.
func (c *queued) forget() {
	c.deleted = true
	c.queue.tasks = slices.DeleteFunc(c.queue.tasks, func(x *queued) bool { return x == c })
	c.queue.done[c.Name] = time.Now().Add(c.queue.RemembersFor) //wtsim:clock the bubble's clock
}

// Dequeue takes a task that has not succeeded yet out of its queue.
func (p platform) Dequeue(_ *probe.Call, queueName, name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	q, err := p.taskQueue(queueName)
	if err != nil {
		return err
	}
	c := q.find(name)
	if c == nil {
		return fmt.Errorf("task %s: %w", name, probe.ErrNotFound)
	}
	c.forget()
	for _, t := range p.tasks {
		if t.cause == cause(c) && t.stage == pending {
			t.stage = over
		}
	}
	return nil
}

// Queued returns a queue's tasks, in order of name.
func (p platform) Queued(queueName string) ([]probe.QueuedTask, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q, err := p.taskQueue(queueName)
	if err != nil {
		return nil, err
	}
	var out []probe.QueuedTask
	for _, c := range q.tasks {
		out = append(out, c.QueuedTask)
	}
	return out, nil
}

// taskWords begin what is said of every attempt of a queue's tasks.
func taskWords(queue string) string { return "runs a task of " + queue + ", " }

func (c *queued) words(attempt int) string {
	s := taskWords(c.queue.Name) + c.request().people()
	if attempt > 1 {
		s += fmt.Sprintf(", attempt %d", attempt)
	}
	return s
}

func (c *queued) limit() time.Duration     { return c.Deadline }
func (c *queued) line() any                { return c.queue }
func (c *queued) platform() bool           { return true }
func (c *queued) busy() bool               { return c.queue.running >= c.queue.Concurrent }
func (c *queued) began()                   { c.queue.running++ }
func (c *queued) finished()                { c.queue.running-- }
func (c *queued) retries(attempt int) bool { return attempt < c.queue.MaxAttempts }

func (c *queued) request() *Request {
	return &Request{Method: c.Method, Path: c.Path, Header: c.Header, Body: string(c.Body)}
}

func (c *queued) invoke(ctx context.Context, h Handler, attempt int) ending {
	r := c.request()
	retries := strconv.Itoa(attempt - 1)
	r.Header = headers(r.Header, "X-CloudTasks-QueueName", c.queue.Name, "X-CloudTasks-TaskName", c.Name,
		"X-CloudTasks-TaskRetryCount", retries, "X-CloudTasks-TaskExecutionCount", retries,
		"X-CloudTasks-TaskETA", fmt.Sprintf("%d.%06d", c.At.Unix(), c.At.Nanosecond()/1000))
	e := r.call(ctx, h)
	e.success = e.resp.Status >= 200 && e.resp.Status < 300
	return e
}

func (c *queued) answered(w *world, t *task, e ending) {
	switch {
	case !e.success:
		c.unanswered(w, t)
	case !t.copy:
		c.forget()
	}
}

// unanswered runs a task again after a backoff, until its attempts are used
// up. One that was deleted meanwhile does not come again.
func (c *queued) unanswered(w *world, t *task) {
	if t.copy || c.deleted {
		return
	}
	now := time.Now() //wtsim:clock the bubble's clock
	c.Attempts = t.attempt
	setDefault(&c.first, now)
	at := now.Add(backoff(c.queue.MinBackoff, c.queue.MaxBackoff, t.attempt, c.queue.Doublings))
	if !c.retries(t.attempt) || c.queue.RetryFor > 0 && at.Sub(c.first) > c.queue.RetryFor {
		w.happens(t, "give up", "is given up", fmt.Sprintf("after %d attempts", t.attempt))
		c.forget()
		return
	}
	w.dispatch(&task{name: t.name + retrySuffix, root: t.root, fn: t.fn, attempt: t.attempt + 1, cause: t.cause}, at)
}

package broker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/probe"
)

// AddQueue adds a queue.
func (b *Broker) AddQueue(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queues[name] = []probe.QueuedTask{}
}

// Enqueue gives a task to a queue, which keeps it for ever.
func (b *Broker) Enqueue(_ *probe.Call, queue string, t probe.QueuedTask) (probe.QueuedTask, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	tasks, ok := b.queues[queue]
	if !ok {
		return t, probe.ErrNotFound
	}
	if t.Name == "" {
		b.counter++
		t.Name = fmt.Sprintf("%08d", b.counter)
	}
	if b.used[queue+"/"+t.Name] {
		return t, probe.ErrExists
	}
	b.used[queue+"/"+t.Name] = true
	tasks = append(tasks, t)
	slices.SortFunc(tasks, func(x, y probe.QueuedTask) int { return strings.Compare(x.Name, y.Name) })
	b.queues[queue] = tasks
	return t, nil
}

// Dequeue takes a task out of its queue.
func (b *Broker) Dequeue(_ *probe.Call, queue, name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.queues[queue], func(t probe.QueuedTask) bool { return t.Name == name })
	if at < 0 {
		return probe.ErrNotFound
	}
	b.queues[queue] = slices.Delete(b.queues[queue], at, at+1)
	return nil
}

// Queued returns a queue's tasks.
func (b *Broker) Queued(queue string) ([]probe.QueuedTask, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	tasks, ok := b.queues[queue]
	if !ok {
		return nil, probe.ErrNotFound
	}
	return slices.Clone(tasks), nil
}

var _ probe.Platform = (*Broker)(nil)

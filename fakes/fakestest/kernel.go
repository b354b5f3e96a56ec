package fakestest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
)

// Kernel is a run without functions and without a scheduler, for tests of
// services: what falls due does so by timers, what is handed to a function
// instance gets there at once, and what has no function to invoke is
// remembered. Inside a bubble its time is virtual.
type Kernel struct {
	begun    time.Time
	deployed cloud.Deployment
	backends []cloud.Backend

	sync.Mutex // the services'

	mu        sync.Mutex // guards what follows
	timers    map[entry]*time.Timer
	handing   map[*cloud.Task]int // what is on its way to an instance, by the number of its handing
	hands     int
	invoked   []*cloud.Task
	happened  []string
	lacking   []string
	counts    map[string]int
	calls     int
	instances int
}

// entry is something that falls due.
type entry struct {
	at   int64
	name string
}

// NewKernel returns a run of some services, which it opens in their order. The
// error is theirs.
func NewKernel(services ...cloud.Service) (*Kernel, error) {
	k := &Kernel{
		begun: time.Now(), deployed: cloud.Deployment{Services: services},
		timers: map[entry]*time.Timer{}, handing: map[*cloud.Task]int{}, counts: map[string]int{},
	}
	for _, s := range services {
		if c, ok := s.(cloud.Checker); ok {
			if err := c.Check(k.deployed); err != nil {
				return nil, err
			}
		}
	}
	for _, s := range services {
		b, err := s.Open(k)
		if err != nil {
			return nil, err
		}
		k.backends = append(k.backends, b)
	}
	return k, nil
}

// Deploy adds functions, by name, that queued tasks may be for. Call it before
// there are any.
func (k *Kernel) Deploy(functions ...string) {
	k.deployed.Functions = append(k.deployed.Functions, functions...)
}

// Now is the time.
func (k *Kernel) Now() time.Time { return time.Now() }

// Span is a year from the kernel's making.
func (k *Kernel) Span() (epoch, horizon time.Time) {
	return k.begun, k.begun.Add(365 * 24 * time.Hour)
}

// Deployment has the services, and the functions of [Kernel.Deploy].
func (k *Kernel) Deployment() *cloud.Deployment { return &k.deployed }

// Backends are those of the services.
func (k *Kernel) Backends() []cloud.Backend { return k.backends }

// Origin is the function instance that makes a call; of a call that no tap has
// seen, one that is nowhere else.
func (k *Kernel) Origin(c *probe.Call) *cloud.Origin {
	if c != nil {
		if o, ok := c.Ref.(*cloud.Origin); ok {
			return o
		}
	}
	return k.origin(k.instance())
}

// origin is that of an instance's next call. Calls are numbered in the order in
// which they begin.
func (k *Kernel) origin(i *cloud.Instance) *cloud.Origin {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	return cloud.NewOrigin(cloud.Named("f(test)"), k.calls, "test", i, k.count)
}

// instance makes a function instance.
func (k *Kernel) instance() *cloud.Instance {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.instances++
	return &cloud.Instance{ID: fmt.Sprint("i-", k.instances), Function: "f"}
}

func (k *Kernel) count(label string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts[label]++
	return k.counts[label]
}

// At calls do by a timer.
func (k *Kernel) At(at time.Time, name string, do func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.timers[entry{at.UnixNano(), name}] = time.AfterFunc(time.Until(at), do)
}

// NotAt stops the timer of an entry.
func (k *Kernel) NotAt(at time.Time, name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := entry{at.UnixNano(), name}
	if t := k.timers[e]; t != nil {
		t.Stop()
		delete(k.timers, e)
	}
}

// Invoke remembers a task: there is no function.
func (k *Kernel) Invoke(t *cloud.Task, _ time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.invoked = append(k.invoked, t)
}

// Invoked returns the tasks that were to start, in their order.
func (k *Kernel) Invoked() []*cloud.Task {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.invoked)
}

// Hand hands a task over, as soon as the lock is free.
func (k *Kernel) Hand(t *cloud.Task) {
	k.mu.Lock()
	k.hands++
	number := k.hands
	k.handing[t] = number
	k.mu.Unlock()
	go func() {
		if deliver := k.handOver(t, number); deliver != nil {
			deliver()
		}
	}()
}

// handOver hands a task over that nobody has recalled since. Before that, as a
// run does whenever all is quiet, services look at what instances have left
// behind.
func (k *Kernel) handOver(t *cloud.Task, number int) (deliver func()) {
	k.Lock()
	defer k.Unlock()
	for _, b := range k.backends {
		if s, ok := b.(cloud.Settler); ok {
			s.Settle()
		}
	}
	k.mu.Lock()
	still := k.handing[t] == number
	if still {
		delete(k.handing, t)
	}
	k.mu.Unlock()
	if !still {
		return nil
	}
	return t.Cause.(cloud.Handed).HandOver(t, false)
}

// Recall takes a task back.
func (k *Kernel) Recall(t *cloud.Task) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.handing, t)
	k.invoked = slices.DeleteFunc(k.invoked, func(x *cloud.Task) bool { return x == t })
}

// Replace is never asked for: First changes no order.
func (k *Kernel) Replace(_, _ *cloud.Task) {}

// Waiting returns what Invoked does.
func (k *Kernel) Waiting() []*cloud.Task { return k.Invoked() }

// First keeps the order.
func (k *Kernel) First(string, []*cloud.Task, string) int { return 0 }

// Happens remembers it in words.
func (k *Kernel) Happens(t *cloud.Task, name, what, status string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.happened = append(k.happened, name+" "+t.Name.Text+": "+what+" ("+status+")")
}

// Lacks remembers what a service does not have.
func (k *Kernel) Lacks(what string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lacking = append(k.lacking, what)
}

// Lacking returns what services do not have and were asked for.
func (k *Kernel) Lacking() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.lacking)
}

// Happened returns what has happened without being decided.
func (k *Kernel) Happened() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.happened)
}

package fakestest

import (
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
	deployed cloud.Deployment
	instance *cloud.Instance

	sync.Mutex
	backends []cloud.Backend

	mu       sync.Mutex // guards what follows
	timers   map[string]*time.Timer
	recalled map[*cloud.Task]bool
	invoked  []*cloud.Task
	happened []string
	counts   map[string]int
	origins  map[*probe.Call]*cloud.Origin
	calls    int
}

// NewKernel returns a run of some services, which it opens in their order. The
// error is theirs.
func NewKernel(services ...cloud.Service) (*Kernel, error) {
	k := &Kernel{
		deployed: cloud.Deployment{Services: services}, instance: &cloud.Instance{ID: "i-1", Function: "f"},
		timers: map[string]*time.Timer{}, recalled: map[*cloud.Task]bool{}, counts: map[string]int{}, origins: map[*probe.Call]*cloud.Origin{},
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

// Span is from the beginning of time to its end.
func (k *Kernel) Span() (epoch, horizon time.Time) {
	return time.Time{}, time.Now().Add(365 * 24 * time.Hour)
}

// Deployment has the services, and the functions of [Kernel.Deploy].
func (k *Kernel) Deployment() *cloud.Deployment { return &k.deployed }

// Backends are those of the services.
func (k *Kernel) Backends() []cloud.Backend { return k.backends }

// Origin numbers calls in the order in which they are asked about.
func (k *Kernel) Origin(c *probe.Call) *cloud.Origin {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.origins[c] == nil {
		k.calls++
		k.origins[c] = cloud.NewOrigin("f(test)", k.calls, "test", k.instance, k.count)
	}
	return k.origins[c]
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
	k.timers[name] = time.AfterFunc(time.Until(at), do)
}

// NotAt stops the timer of an entry.
func (k *Kernel) NotAt(_ time.Time, name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t := k.timers[name]; t != nil {
		t.Stop()
		delete(k.timers, name)
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
	return k.invoked
}

// Hand hands a task over, as soon as the lock is free.
func (k *Kernel) Hand(t *cloud.Task) {
	k.mu.Lock()
	delete(k.recalled, t)
	k.mu.Unlock()
	go func() {
		k.Lock()
		k.mu.Lock()
		gone := k.recalled[t]
		k.mu.Unlock()
		if gone {
			k.Unlock()
			return
		}
		deliver := t.Cause.(cloud.Handed).HandOver(t, false)
		k.Unlock()
		deliver()
	}()
}

// Recall takes a task back.
func (k *Kernel) Recall(t *cloud.Task) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.recalled[t] = true
	for i, x := range k.invoked {
		if x == t {
			k.invoked = append(k.invoked[:i:i], k.invoked[i+1:]...)
			break
		}
	}
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

// Happened returns what has happened without being decided.
func (k *Kernel) Happened() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.happened
}

// Settle lets the services look at what clients have left behind, as a run
// does whenever all is quiet.
func (k *Kernel) Settle() {
	k.Lock()
	defer k.Unlock()
	for _, b := range k.backends {
		if s, ok := b.(cloud.Settler); ok {
			s.Settle()
		}
	}
}

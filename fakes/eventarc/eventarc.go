// Package eventarc is Eventarc in process: it routes the events of other
// services, such as Cloud Storage, to the functions whose triggers match.
//
// A scenario declares it with [New], and says at a function which events
// invoke it:
//
//	sim.Function{Name: "thumb", Triggers: eventarc.On("google.cloud.storage.object.v1.finalized", "bucket", "photos"), ...}
//
// The events of Pub/Sub's topics are triggers of package pubsub.
//
// Not supported: channels and events of the scenario's own, transports that
// are not told apart.
package eventarc

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/delivery"
	"github.com/wtsim/wtsim/probe"
)

// DefaultName is the name of the Eventarc that triggers are of by default.
const DefaultName = "eventarc"

// Service declares an Eventarc.
type Service struct {
	name    string
	merges  bool
	retries bool
}

// New declares an Eventarc under a name, usually "eventarc".
func New(name string) *Service { return &Service{name: name, retries: true} }

// Merging returns the service with one in which two events of one thing may
// become one, as no service of Google Cloud's does.
func (s *Service) Merging() *Service {
	out := *s
	out.merges = true
	return &out
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short what it is.
func (s *Service) String() string { return "Eventarc" }

// Trigger is events that invoke a function.
type Trigger struct {
	From string // the service's name; default "eventarc"
	// Event is the type of the events, e.g.
	// "google.cloud.storage.object.v1.finalized". Match restricts them by their
	// attributes ("bucket", say); a value may hold * for a part of a path and
	// ** for any number of them.
	// https://docs.cloud.google.com/eventarc/docs/event-providers-targets
	Event string
	Match map[string]string
	gcp.Policy
}

// On is one trigger: events of a type, whose attributes match the names and
// values that follow by turns.
func On(eventType string, match ...string) []cloud.Trigger {
	t := Trigger{Event: eventType}
	for i := 0; i+1 < len(match); i += 2 {
		if t.Match == nil {
			t.Match = map[string]string{}
		}
		t.Match[match[i]] = match[i+1]
	}
	return []cloud.Trigger{t}
}

// Service is the name of the service that it is of.
func (t Trigger) Service() string {
	if t.From == "" {
		return DefaultName
	}
	return t.From
}

// String tells people what it is.
func (t Trigger) String() string {
	what := "events " + t.Event
	for _, name := range slices.Sorted(maps.Keys(t.Match)) {
		what += fmt.Sprintf(", %s = %s", name, t.Match[name])
	}
	return what + "; " + t.policy().String()
}

// Check returns the first thing that is wrong with it.
func (t Trigger) Check() error {
	switch {
	case t.Event == "":
		return errors.New("wanted an event's type")
	case t.Filter != "" || t.Ordered:
		return errors.New("an event has no push subscription, filter or order, wanted a topic's trigger for these")
	}
	return t.policy().Check()
}

// Topics are those that it mentions.
func (t Trigger) Topics() []string { return []string{t.DeadLetter} }

func (t Trigger) policy() gcp.Policy { return t.OrElse(gcp.Eventarc()) }

// matches reports whether an event is for the trigger.
func (t *Trigger) matches(e *gcp.Occurrence) bool {
	if e.Type != t.Event {
		return false
	}
	for name, pattern := range t.Match { //wtsim:order all must match
		value := e.Attributes[name]
		switch name {
		case "source":
			value = e.Source
		case "subject":
			value = e.Subject
		}
		if !matchPath(pattern, value) {
			return false
		}
	}
	return true
}

// matchPath is Eventarc's path pattern: * for a part of one element, ** for
// any number of elements.
// https://docs.cloud.google.com/eventarc/docs/path-patterns
func matchPath(pattern, value string) bool {
	before, after, many := strings.Cut(pattern, "**")
	if !many {
		ok, err := path.Match(pattern, value)
		return ok && err == nil
	}
	for i := range len(value) + 1 {
		if ok, _ := path.Match(before, value[:i]); !ok {
			continue
		}
		for j := i; j <= len(value); j++ {
			if matchPath(after, value[j:]) {
				return true
			}
		}
	}
	return false
}

// Open starts it for a run.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	b := &Backend{kernel: k}
	for _, x := range k.Deployment().Of(s.name) {
		t := x.Trigger.(Trigger)
		policy := t.policy()
		policy.Once = policy.Once || !s.retries
		b.triggers = append(b.triggers, bound{t, &delivery.Subscription{
			Name: x.Name, Policy: policy, Kernel: k, Function: x.Function, Merges: s.merges, Bury: b.bury,
		}})
	}
	return b, nil
}

// Backend is Eventarc during one run.
type Backend struct {
	kernel   cloud.Kernel
	triggers []bound
	happened map[string]int // of each kind and subject, for people
}

type bound struct {
	Trigger
	sub *delivery.Subscription
}

// Route gives an event to the triggers that it matches.
func (b *Backend) Route(cause *probe.Call, e gcp.Occurrence) {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	o := b.kernel.Origin(cause)
	label := o.Task.With(fmt.Sprintf(".%s %s", delivery.Kind(e.Type), delivery.About(e.Subject))).Each(cloud.Mask)
	if b.happened == nil {
		b.happened = map[string]int{}
	}
	kind := e.Type + " " + e.Subject
	b.happened[kind]++
	m := &delivery.Message{Message: gcp.Message{Data: e.Data}, Root: o.Root, Number: b.happened[kind], Event: &e}
	m.Named(cloud.Numbered(label, o.Count(label.Text), 1), b.kernel.Now())
	for i := range b.triggers {
		if b.triggers[i].matches(&e) {
			b.triggers[i].sub.Queue(m)
		}
	}
}

// bury brings an event to a dead-letter topic.
func (b *Backend) bury(d *delivery.Delivery, t *cloud.Task) bool {
	topics, ok := cloud.Find[delivery.Undertaker](b.kernel)
	return ok && topics.Bury(d, t)
}

// Contents returns nothing.
func (b *Backend) Contents() []cloud.Content { return nil }

// Close does nothing.
func (b *Backend) Close() {}

// retries is the guarantee that an event comes again.
const retries = "eventarc/retries"

// Guarantees lists what can be taken away.
func (s *Service) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{{Name: retries, Without: "an event whose invocation fails does not come again, and may be lost",
		Source: "https://docs.cloud.google.com/eventarc/docs/retry-events",
		Used: func(u cloud.Usage) bool {
			for _, b := range u.Deployment.Of(s.name) {
				if !b.Trigger.(Trigger).Once {
					return true
				}
			}
			return false
		}}}
}

// Without returns the service without a guarantee.
func (s *Service) Without(name string) cloud.Service {
	out := *s
	out.retries = out.retries && name != retries
	return &out
}

// Map returns the ways from the services whose events they are to functions.
func (s *Service) Map(d cloud.Deployment) (parts []cloud.Part, edges []cloud.Edge) {
	for _, b := range d.Of(s.name) {
		t := b.Trigger.(Trigger)
		for _, v := range d.Services {
			if teller, ok := v.(gcp.Tells); ok && teller.TellsOf(t.Event) {
				edges = append(edges, cloud.Edge{From: cloud.Part{Kind: "service", Name: v.Name()}, To: cloud.Part{Kind: "function", Name: b.Function}, Label: delivery.Kind(t.Event)})
			}
		}
	}
	return nil, edges
}

// Way is none: no function calls it.
func (s *Service) Way(string, *event.Operation) (cloud.Edge, bool) { return cloud.Edge{}, false }

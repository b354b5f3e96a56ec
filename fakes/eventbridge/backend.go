package eventbridge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/async"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/fakes/internal/push"
	"github.com/wtsim/wtsim/fakes/internal/schedule"
	"github.com/wtsim/wtsim/probe"
)

// Backend is EventBridge during one run. The kernel's lock guards it.
type Backend struct {
	*awswire.Wire
	kernel  cloud.Kernel
	service *Service
	rules   []*rule
	made    int                    // events, for people
	fates   map[*probe.Call]string // deviations of calls
}

// rule is one during a run.
type rule struct {
	Rule
	compiled
	targets []*target
}

func (r *rule) arn() string { return aws.RuleARN(r.Bus, r.Name) }

// target is one during a run: a queue or a topic, or a function.
type target struct {
	Target
	binding cloud.Binding // of a function
	http    bool          // that is called
	retries int
	maxAge  time.Duration
	id      string
	input   *input
}

// occurrence is an event.
type occurrence struct {
	bus    string
	text   []byte
	value  any // the same
	about  cloud.Subject
	root   string
	what   string // it is, for people
	number int
	at     time.Time // when it came
}

func (b *Backend) find(name string) *rule {
	for _, r := range b.rules {
		if r.Name == name {
			return r
		}
	}
	return nil
}

func (b *Backend) has(bus string) bool {
	for _, name := range b.service.buses {
		if name == bus {
			return true
		}
	}
	return false
}

// Start plans the ticks of rules with a schedule.
func (b *Backend) Start() {
	for _, r := range b.rules {
		if r.Schedule == "" {
			continue
		}
		schedule.Ticks(b.kernel, r.Name, r.due, r.Ticks, func(root string, at time.Time) {
			text := schedule.Event(r.Name, root, at)
			e := &occurrence{bus: r.Bus, text: text, value: read(text), about: cloud.About(cloud.Named(root)), root: root, what: "a tick of " + r.Name, at: at}
			b.made++
			e.number = b.made
			b.bring(e, r)
		})
	}
}

// told is an event as it is told.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
type told struct {
	Version   string          `json:"version"`
	ID        string          `json:"id"`
	Type      string          `json:"detail-type"`
	Source    string          `json:"source"`
	Account   string          `json:"account"`
	Time      string          `json:"time"`
	Region    string          `json:"region"`
	Resources []string        `json:"resources"`
	Detail    json.RawMessage `json:"detail"`
}

// put takes an event, brings it to the targets of the rules that it matches, and
// returns its id.
func (b *Backend) put(bus string, e told, about cloud.Subject, root string, twice bool) string {
	e.Version, e.Account, e.Region, e.ID = "0", aws.Account, aws.Region, aws.ID("event "+about.Text)
	if e.Resources == nil {
		e.Resources = []string{}
	}
	text := []byte(encode(e))
	b.made++
	o := &occurrence{bus: bus, text: text, value: read(text), about: about, root: root, what: "the event " + e.Type, number: b.made, at: b.kernel.Now()}
	for _, r := range b.rules {
		if r.pattern == nil || r.Bus != bus || !r.pattern.Matches(o.value) {
			continue
		}
		b.bring(o, r)
		if twice {
			again := *o
			again.about.Label = o.about.Again(cloud.Dup)
			b.bringQueued(&again, r)
		}
	}
	return e.ID
}

// Receive takes what another service sends to a bus: its source and type, and
// what has happened in JSON.
func (b *Backend) Receive(arn string, s aws.Sent) bool {
	bus, ok := strings.CutPrefix(arn, aws.BusARN(""))
	if !ok || !b.has(bus) || s.Type == "" || s.Source == "" || !json.Valid([]byte(s.Body)) {
		return false
	}
	b.put(bus, told{Type: s.Type, Source: s.Source, Time: b.kernel.Now().UTC().Format(time.RFC3339), Resources: s.Resources, Detail: json.RawMessage(s.Body)}, s.About, s.Root, false)
	return true
}

// bring brings an event to the targets of a rule.
func (b *Backend) bring(e *occurrence, r *rule) {
	for _, t := range r.targets {
		if t.binding.Function == "" {
			continue
		}
		about := cloud.Subject{Label: e.about.With("." + r.Name), No: e.about.No}
		if t.http {
			b.push(e, r, t, about)
			continue
		}
		d := &delivery{bus: e.bus, Event: &async.Event{
			Kernel: b.kernel, Binding: t.binding.Name, Function: t.binding.Function, Subject: about, Root: e.root, Payload: t.input.of(e, r),
			What: e.what, By: e.counted(),
		}}
		d.Send(d)
	}
	b.bringQueued(e, r)
}

func (e *occurrence) counted() cloud.InvokedBy {
	return cloud.InvokedBy{Kind: "event", Number: e.number, Of: e.bus}
}

// bringQueued brings an event to the queues and topics of a rule.
func (b *Backend) bringQueued(e *occurrence, r *rule) {
	for _, t := range r.targets {
		if t.binding.Function != "" {
			continue
		}
		about := cloud.Subject{Label: e.about.With("." + r.Name + "/" + t.Queue + t.Topic), No: e.about.No}
		out := aws.Sent{About: about, Root: e.root, Body: string(t.input.of(e, r)), Group: t.Group}
		if aws.Deliver(b.kernel, t.arn(), out) {
			continue
		}
		what := "is dropped"
		if b.bury(e, r, t, out.Body, "INVALID_PARAMETER", "", 0) {
			what = "is dead-lettered"
		}
		b.kernel.Happens(&cloud.Task{Name: cloud.NameOnly("", about), Root: e.root, Attempt: 1}, "give up", what, "the target does not take it")
	}
}

// bury brings an event to the dead letters of a target, with what has become of
// it.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html#eb-dlq-perms
func (b *Backend) bury(e *occurrence, r *rule, t *target, body, code, condition string, attempts int) bool {
	dead := t.DeadLetter
	if dead == "" {
		return false
	}
	attributes := map[string]aws.Attribute{"RULE_ARN": aws.Text(r.arn()), "TARGET_ARN": aws.Text(t.destination()), "ERROR_CODE": aws.Text(code), "ERROR_MESSAGE": aws.Text(code)}
	if condition != "" {
		attributes["EXHAUSTED_RETRY_CONDITION"], attributes["RETRY_ATTEMPTS"] = aws.Text(condition), aws.Text(fmt.Sprint(attempts-1))
	}
	return aws.Deliver(b.kernel, aws.QueueARN(dead), aws.Sent{About: cloud.About(e.about.With("." + r.Name + ".dead")), Root: e.root, Body: body, Attributes: attributes})
}

// destination is the ARN of what a target is.
func (t *target) destination() string {
	switch {
	case t.http:
		return "arn:aws:events:" + aws.Region + ":" + aws.Account + ":api-destination/" + t.binding.Function + "/" + aws.ID("destination "+t.id)
	case t.binding.Function != "":
		return aws.FunctionARN(t.binding.Function)
	}
	return t.arn()
}

// delivery is an event on its way to a function.
type delivery struct {
	*async.Event
	bus string
}

// From is the bus.
func (d *delivery) From() cloud.Part { return busPart(d.bus) }

// Double is of no account to the bus.
func (d *delivery) Double() {}

// Twice says that it comes twice.
func (d *delivery) Twice() string { return "the event is delivered twice" }

// push calls an endpoint with an event.
func (b *Backend) push(e *occurrence, r *rule, t *target, about cloud.Subject) {
	body := string(t.input.of(e, r))
	p := &push.Request{
		Kernel: b.kernel, Policy: t.policy(b.kernel, b.service.lacks(retries)), Binding: t.binding.Name, Function: t.binding.Function, Subject: about, Root: e.root,
		What: e.what, By: e.counted(), Source: busPart(e.bus),
		Request: cloud.Request{Method: http.MethodPost, Path: "/", Body: body, Header: map[string]string{"Content-Type": "application/json; charset=utf-8", "User-Agent": "Amazon/EventBridge/ApiDestinations"}},
		Bury: func(last *cloud.Task, why string) bool {
			condition := ""
			switch {
			case last.Attempt > t.retries:
				condition = "MaximumRetryAttempts"
			case last.Attempt > 1:
				condition = "MaximumEventAgeInSeconds"
			}
			return b.bury(e, r, t, body, strings.ToUpper(strings.ReplaceAll(why, " ", "_")), condition, last.Attempt)
		},
	}
	p.Send()
}

// Contents returns nothing: a bus keeps no event.
func (b *Backend) Contents() []cloud.Content { return nil }

// Touches reports false: an event goes where the bus's name does not tell.
func (b *Backend) Touches(*event.Operation) bool { return false }

// Reaches are the services that events are brought to.
func (b *Backend) Reaches(op *event.Operation) []string {
	if op.Access == event.Reads {
		return nil
	}
	return aws.Receivers(b.kernel)
}

// Deviations are an event that comes twice to queues and topics, and the last of
// a put that is not taken. (A function gets its event asynchronously, and twice by
// itself.)
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func (b *Backend) Deviations(c *probe.Call) []string {
	if c.Op.Method != "PutEvents" {
		return nil
	}
	out := []string{cloud.Partial}
	for _, r := range b.rules {
		if len(r.Targets) > 0 && r.pattern != nil && strings.Contains(" "+c.Op.Resource+" ", " "+r.Bus+" ") {
			return append(out, cloud.Duplicate)
		}
	}
	return out
}

// Deviate lets it be so, of the call that comes next.
func (b *Backend) Deviate(c *probe.Call, kind string) { b.fates[c] = kind }

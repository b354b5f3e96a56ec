package sim_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// The platform does nothing that its documentation excludes: random scenarios
// run under random schedules, and the trace is held against rules that know
// nothing of the simulator but the identities of its steps.
func TestLegality(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		compiled, err := sim.Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		r := compiled.Run(scheduler.NewRandom(rapid.Uint64().Draw(t, "seed")))
		if err := legal(compiled.Scenario(), r); err != nil {
			t.Fatalf("%v\nplan: %v\n%s", err, r.Record.Plan, trace(r))
		}
	})
}

// The rules notice what they are there for: a platform that breaks one is
// simulated by editing a legal trace.
func TestLegalityNotices(t *testing.T) {
	s := compile(t, example(t, "keys"))
	legalRun := s.Run(scheduler.Benign{})
	if err := legal(s.Scenario(), legalRun); err != nil {
		t.Fatal(err)
	}
	at := func(steps []sim.Step, identity string) int {
		for i := range steps {
			if steps[i].Identity == identity {
				return i
			}
		}
		t.Fatalf("no step %q", identity)
		return 0
	}
	for name, c := range map[string]struct {
		edit func([]sim.Step) []sim.Step
		want string
	}{
		"lost": {func(steps []sim.Step) []sim.Step { return steps[:at(steps, "start work(send(alice/2).mail/1)")] }, "is neither"},
		"again": {func(steps []sim.Step) []sim.Step {
			again := steps[at(steps, "start work(send(alice/3).mail/1)")]
			again.Identity += "~retry"
			return append(steps, again)
		}, "after it has succeeded"},
		"order": {func(steps []sim.Step) []sim.Step {
			early := steps[at(steps, "start work(send(alice/2).mail/1)")]
			return append([]sim.Step{early}, steps...)
		}, "overtakes"},
		"too soon": {func(steps []sim.Step) []sim.Step {
			i := at(steps, "start work(send(alice/1).mail/1)~retry")
			steps[i].Time = steps[i].Time.Add(-5 * time.Second)
			return steps
		}, "after only"},
	} {
		broken := *legalRun
		broken.Steps = c.edit(append([]sim.Step{}, legalRun.Steps...))
		if err := legal(s.Scenario(), &broken); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// drawScenario draws up to three subscribers with policies of their own, and
// one or two clients that publish up to four messages each.
func drawScenario(t *rapid.T) sim.Scenario {
	parts := []any{publishes("send", "mail")}
	for i := range rapid.IntRange(1, 3).Draw(t, "functions") {
		parts = append(parts, drawFunction(t, fmt.Sprintf("f%d", i)))
	}
	for _, client := range []string{"alice", "bob"}[:rapid.IntRange(1, 2).Draw(t, "clients")] {
		var requests []string
		for range rapid.IntRange(1, 4).Draw(t, "requests") {
			requests = append(requests, fmt.Sprintf("send/%d?key=%s", rapid.IntRange(0, 9).Draw(t, "data"), rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "key")))
		}
		parts = append(parts, calls(client, requests...))
	}
	s := scenario(parts...)
	put(&s, pubsub.New("pubsub").Topics("dead"))
	s.Faults.Most = rapid.IntRange(1, 4).Draw(t, "most")
	return s
}

func drawFunction(t *rapid.T, name string) sim.Function {
	p := gcp.Policy{Ordered: rapid.Bool().Draw(t, "ordered"), Once: rapid.IntRange(0, 3).Draw(t, "once") == 0, KeepFor: time.Hour}
	if !p.Once && rapid.Bool().Draw(t, "dead letter") {
		p.DeadLetter, p.MaxAttempts = "dead", rapid.IntRange(5, 6).Draw(t, "attempts")
	}
	failures := rapid.SampledFrom([]uint64{0, 30, 100}).Draw(t, "failures")
	takes := rapid.SampledFrom([]time.Duration{0, time.Second, 20 * time.Second}).Draw(t, "takes")
	f := on(name, func(k *kit) cloud.Handler {
		return gcp.OnMessage(func(ctx context.Context, m gcp.Message) error {
			time.Sleep(takes)
			k.redis.Incr(ctx, name)
			if h := fnv.New64a(); failures > 0 {
				_, _ = fmt.Fprint(h, name, m.ID, m.Attempt)
				if h.Sum64()%100 < failures {
					return errors.New("no")
				}
			}
			return nil
		})
	}, pubsub.Trigger{Topic: "mail", Policy: p})
	f.MaxInstances = rapid.IntRange(1, 3).Draw(t, "instances")
	f.Concurrency = rapid.IntRange(1, 2).Draw(t, "concurrency")
	return f
}

var deliveryName = regexp.MustCompile(`^(start|end|late end|timeout|drop|dead-letter|give up|refuse) (f\d|work)\((.*)\)((?:~retry|~dup)*)$`)

// fate is what a trace tells of one message at one function.
type fate struct {
	function, message string
	key               string
	first             int // step
	settled           int // step after which nothing of it is owed; -1 if none is
	succeeded         bool
	attempts          int
	failedAt          map[string]time.Time // by attempt's suffix
}

// legal holds a run against the rules.
func legal(s sim.Scenario, r *sim.Result) error {
	if r.Verdict != sim.Held {
		return fmt.Errorf("the run is %s: %s", r.Verdict, r.Why)
	}
	faults := countFaults(r)
	if faults > s.Faults.Most {
		return fmt.Errorf("%d faults, of %d", faults, s.Faults.Most)
	}
	fates, order, err := readFates(s, r)
	if err != nil {
		return err
	}
	for _, f := range order {
		if f.settled < 0 {
			return fmt.Errorf("%s of %s is neither taken, dropped, dead-lettered nor given up", f.message, f.function)
		}
		p := policy(s, f.function)
		if p.DeadLetter != "" && f.attempts > p.MaxAttempts {
			return fmt.Errorf("%s of %s has %d attempts, of %d", f.message, f.function, f.attempts, p.MaxAttempts)
		}
		if err := ordered(p, f, order); err != nil {
			return err
		}
	}
	return everyMessage(s, r, fates)
}

func policy(s sim.Scenario, function string) gcp.Policy {
	for _, f := range s.Functions {
		if f.Name == function {
			return f.Triggers[0].(pubsub.Trigger).OrElse(gcp.Eventarc())
		}
	}
	return gcp.Policy{}
}

// ordered: the first delivery of a message comes after all that is owed of
// earlier ones of its key.
func ordered(p gcp.Policy, f *fate, all []*fate) error {
	if !p.Ordered || f.key == "" {
		return nil
	}
	for _, earlier := range all {
		if earlier == f {
			return nil
		}
		if earlier.function == f.function && earlier.key == f.key && f.first < earlier.settled {
			return fmt.Errorf("%s of %s overtakes %s of the same key", f.message, f.function, earlier.message)
		}
	}
	return nil
}

// readFates follows every message through the trace; the fates stand in the
// order of publication.
func readFates(s sim.Scenario, r *sim.Result) (map[string]*fate, []*fate, error) {
	byName := map[string]*fate{}
	var order []*fate
	for _, m := range published(r) {
		for _, f := range s.Functions[1:] {
			x := &fate{function: f.Name, message: m, key: keyOf(s, m), settled: -1, first: 1 << 30, failedAt: map[string]time.Time{}}
			byName[f.Name+"("+m+")"] = x
			order = append(order, x)
		}
	}
	excused := excuses(r)
	for i := range r.Steps {
		step := &r.Steps[i]
		m := deliveryName.FindStringSubmatch(step.Identity)
		if m == nil {
			continue
		}
		f := byName[m[2]+"("+m[3]+")"]
		if f == nil {
			return nil, nil, fmt.Errorf("%s: no such message was published", step.Identity)
		}
		if err := f.step(policy(s, f.function), m[1], m[4], i, step, excused); err != nil {
			return nil, nil, err
		}
	}
	return byName, order, nil
}

// step is one step of a message.
func (f *fate) step(p gcp.Policy, what, suffix string, i int, step *sim.Step, excused map[string]bool) error {
	name := f.function + "(" + f.message + ")"
	switch what {
	case "start":
		f.first = min(f.first, i)
		f.attempts = max(f.attempts, 1+strings.Count(suffix, "~retry"))
		if f.succeeded && !excused[name] {
			return fmt.Errorf("%s starts after it has succeeded", step.Identity)
		}
		if before, retried := strings.CutSuffix(suffix, "~retry"); retried {
			if waited := step.Time.Sub(f.failedAt[before]); waited < p.MinBackoff {
				return fmt.Errorf("%s starts after only %v", step.Identity, waited)
			}
		}
		switch step.Outcome.String() {
		case "crash at-start":
			f.failedAt[suffix] = step.Time
		case cloud.Drop:
			f.settled = i
		}
	case "timeout", "refuse":
		f.failedAt[suffix] = step.Time
	case "end":
		switch {
		case !f.failedAt[suffix].IsZero(): // its time was up before
		case step.Status == "ok" && (step.Outcome.Do == "" || step.Outcome.Do == cloud.Reap):
			f.succeeded, f.settled = true, i
		default:
			f.failedAt[suffix] = step.Time
		}
	case "drop", "dead-letter", "give up":
		f.settled = i
	}
	return nil
}

// excuses are the deliveries that may come again after a success, by the plan.
func excuses(r *sim.Result) map[string]bool {
	out := map[string]bool{}
	for _, d := range r.Record.Plan {
		switch d.Do {
		case cloud.Duplicate, cloud.Redeliver, cloud.Timeout, cloud.Crash, cloud.Stall, cloud.LateEffect:
			_, name, _ := strings.Cut(d.At, " ")
			name, _, _ = strings.Cut(name, ":")
			out[strings.NewReplacer("~retry", "", "~dup", "").Replace(name)] = true
		}
	}
	return out
}

// published lists the messages that the trace says were published, in order.
func published(r *sim.Result) []string {
	var out []string
	for i := range r.Steps {
		s := &r.Steps[i]
		task, op, ok := strings.Cut(s.Identity, ":pubsub.publish mail/")
		if ok && s.Operation != nil && s.Operation.Result.OK {
			out = append(out, strings.TrimPrefix(task, "new ")+".mail/"+strings.TrimSuffix(strings.TrimSuffix(op, " resumed"), " late"))
		}
	}
	return out
}

// keyOf is the ordering key of a message, as the request says that led to it.
func keyOf(s sim.Scenario, message string) string {
	var client string
	var n int
	root := strings.NewReplacer("send(", "", "~retry", "", ").", " ", "/", " ").Replace(message)
	if _, err := fmt.Sscan(root, &client, &n); err != nil {
		return ""
	}
	client = strings.Fields(root)[0]
	for _, c := range s.Clients {
		if c.Name == client {
			_, key, _ := strings.Cut(c.Requests[n-1].Path, "key=")
			return key
		}
	}
	return ""
}

// everyMessage: nothing is lost unless the plan drops it.
func everyMessage(s sim.Scenario, r *sim.Result, fates map[string]*fate) error {
	dropped := map[string]bool{}
	for _, d := range r.Record.Plan {
		dropped[strings.TrimPrefix(d.At, "start ")] = dropped[strings.TrimPrefix(d.At, "start ")] || d.Do == cloud.Drop
	}
	for name, f := range fates {
		p := policy(s, f.function)
		if f.succeeded || dropped[name] || p.Once || p.DeadLetter != "" {
			continue
		}
		last := r.Steps[f.settled].Identity
		if !strings.HasPrefix(last, "give up ") {
			return fmt.Errorf("%s of %s is lost: %s", f.message, f.function, last)
		}
	}
	return nil
}

package report

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/sim"
)

// FirstDifference says in words where two runs of one plan part, and what
// may be the cause: "invocation charge #1: third operation was store GET
// cart:1, then store GET cart:2; likely map iteration, math/rand or a
// goroutine race in charge". It is empty if they are the same.
func FirstDifference(a, b *sim.Result) string {
	d, differ := part(a, b)
	if !differ {
		return ""
	}
	return d.text + "; " + d.likely(a.Runtime)
}

// Parted is [FirstDifference] of runs that are not meant to be the same: it names
// no cause.
func Parted(a, b *sim.Result) string {
	d, _ := part(a, b)
	return d.text
}

// difference is the first place at which two runs part.
type difference struct {
	text     string
	kind     differenceKind
	function string
	service  string // whose answers differ
	// What differs there, as each run has it, for [growing].
	first, second string
	place         place
}

// differenceKind says in what two steps differ.
type differenceKind int

const (
	otherStep   differenceKind = iota // another operation, none, another end
	otherOrder                        // the same operations, in another order
	otherValue                        // the same operation with another argument
	otherAnswer                       // the same operation with another answer
	otherTime                         // the same, sooner or later
	otherJudge                        // the same steps, another verdict
	otherFate                         // one of them has ended its process, and left no steps
)

// place is where a task does something: its n-th step, from 0.
type place struct {
	task cloud.Label
	n    int
}

// part finds the first difference of two runs. Of the two steps that part
// them it is about the task of the earlier one: what that task does next in
// either run.
func part(a, b *sim.Result) (difference, bool) {
	if (len(a.Steps) == 0) != (len(b.Steps) == 0) {
		return difference{kind: otherFate, text: fmt.Sprintf("the run was %s, then %s", judged(a), judged(b))}, true
	}
	x, y := hashed(a, true), hashed(b, true)
	i := parting(x, y)
	if i == len(x) && i == len(y) { // not by what functions do
		x, y = hashed(a, false), hashed(b, false)
		i = parting(x, y)
	}
	switch {
	case i < len(x) || i < len(y):
	case a.Verdict != b.Verdict:
		return difference{kind: otherJudge, text: fmt.Sprintf("the same steps were judged %s, then %s", judged(a), judged(b))}, true
	default:
		return difference{}, false
	}
	subject := earlier(x[i:], y[i:])
	p, q := next(x[i:], subject.Task), next(y[i:], subject.Task)
	d := difference{function: subject.Function, place: place{subject.Task, count(x[:i], subject.Task)}}
	c := comparison{p: p, q: q, before: x[:i], difference: &d}
	c.compare(x, y)
	d.text = c.subject(subject) + d.text
	return d, true
}

func judged(r *sim.Result) string {
	switch {
	case r.Violation != nil:
		return fmt.Sprintf("%s (%q)", r.Verdict, r.Violation.Property)
	case r.Why != "":
		return fmt.Sprintf("%s (%s)", r.Verdict, r.Why)
	}
	return string(r.Verdict)
}

// hashed are the steps that the trace hash sees, or those of functions alone:
// what is printed is no part of it.
func hashed(r *sim.Result, functions bool) []*sim.Step {
	out := make([]*sim.Step, 0, len(r.Steps))
	for i := range r.Steps {
		if s := &r.Steps[i]; !s.Prints() && (!functions || s.Function != "") {
			out = append(out, s)
		}
	}
	return out
}

// parting is the index of the first step that differs, or of both ends.
func parting(x, y []*sim.Step) int {
	i := 0
	for i < len(x) && i < len(y) && x[i].Same(y[i]) {
		i++
	}
	return i
}

// sameCall reports whether two operations have one name.
func sameCall(a, b *event.Operation) bool {
	return a.Service == b.Service && a.Method == b.Method && a.Resource == b.Resource
}

// earlier is the earlier of the steps at which two runs part.
func earlier(x, y []*sim.Step) *sim.Step {
	switch {
	case len(x) == 0:
		return y[0]
	case len(y) == 0:
		return x[0]
	case y[0].Time.Before(x[0].Time):
		return y[0]
	}
	return x[0]
}

// next is a task's first step, or nil.
func next(steps []*sim.Step, task cloud.Label) *sim.Step {
	for _, s := range steps {
		if s.Task == task {
			return s
		}
	}
	return nil
}

func count(steps []*sim.Step, task cloud.Label) int {
	n := 0
	for _, s := range steps {
		if s.Task == task {
			n++
		}
	}
	return n
}

// comparison is what one task did in two runs, when they part.
type comparison struct {
	p, q   *sim.Step   // at least one is not nil
	before []*sim.Step // what both runs did before
	*difference
}

func (c *comparison) subject(s *sim.Step) string {
	switch {
	case s.Function == "":
		return ""
	case s.Number == 0:
		return s.Function + ", between invocations: "
	}
	return "invocation " + who(s) + ": "
}

// compare says in words how the two steps differ. x and y are all steps of
// the runs.
func (c *comparison) compare(x, y []*sim.Step) {
	p, q := c.p, c.q
	switch {
	case p == nil || q == nil || p.Kind != q.Kind || p.Operation == nil && p.Identity != q.Identity:
		c.differ(otherStep, fmt.Sprintf("%s was %s, then %s", c.ordinal(), stepWords(p), stepWords(q)), stepWords(p), stepWords(q))
	case p.SameButTime(q):
		c.timing()
	case p.Operation == nil:
		c.ending()
	case !sameCall(p.Operation, q.Operation):
		c.differ(otherStep, fmt.Sprintf("%s was %s, then %s", c.ordinal(), stepWords(p), stepWords(q)), stepWords(p), stepWords(q))
	default:
		c.operation()
		return
	}
	if c.kind == otherStep && p != nil && q != nil && swapped(x, y, p, q) {
		c.kind = otherOrder
	}
}

func (c *comparison) differ(k differenceKind, text, first, second string) {
	c.kind, c.text, c.first, c.second = k, text, first, second
}

// swapped reports whether either run does both operations, so that it is their
// order that differs.
func swapped(x, y []*sim.Step, p, q *sim.Step) bool {
	has := func(steps []*sim.Step, want *sim.Step) bool {
		return want.Operation != nil && slices.ContainsFunc(steps, func(s *sim.Step) bool {
			return s.Task == want.Task && s.Operation != nil && sameCall(s.Operation, want.Operation)
		})
	}
	return has(x, q) && has(y, p)
}

// ordinal names the place: "third operation".
func (c *comparison) ordinal() string {
	s := c.p
	if s == nil || s.Operation == nil && c.q != nil && c.q.Operation != nil {
		s = c.q
	}
	if s.Operation == nil {
		return "what came next"
	}
	n := 1
	for _, b := range c.before {
		if b.Task == s.Task && b.Operation != nil && b.Outcome.Do != cloud.Stall && b.Outcome.Do != cloud.LateEffect { // held: it is told again
			n++
		}
	}
	return ordinal(n) + " operation"
}

func ordinal(n int) string {
	words := []string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"}
	if n <= len(words) {
		return words[n-1]
	}
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		suffix = []string{"th", "st", "nd", "rd", "th", "th", "th", "th", "th", "th"}[n%10]
	}
	return fmt.Sprintf("%d%s", n, suffix)
}

// stepWords names a step: "store GET cart:1", "the end, with 200".
func stepWords(s *sim.Step) string {
	switch {
	case s == nil:
		return "none"
	case s.Operation != nil:
		return sim.OperationWords(s.Operation)
	case s.Kind == sim.KindEnd:
		return "the end of the invocation, with " + s.Status
	}
	return s.What
}

// operation compares two calls of one label: what was sent, then what came
// back, then what was made of it.
func (c *comparison) operation() {
	p, q := c.p, c.q
	name := fmt.Sprintf("%s, %s,", c.ordinal(), sim.OperationWords(p.Operation))
	what, first, second := payloadDifference(&p.Operation.Request, &q.Operation.Request)
	switch {
	case what != "":
		c.differ(otherValue, fmt.Sprintf("%s had %s %s, then %s", name, what, clip(first, second), clip(second, first)), first, second)
	case p.Outcome != q.Outcome || p.Status != q.Status:
		c.service = p.Operation.Service
		first, second = strings.TrimSpace(p.Status+" "+p.Outcome.String()), strings.TrimSpace(q.Status+" "+q.Outcome.String())
		c.differ(otherAnswer, fmt.Sprintf("%s was answered %s, then %s", name, clip(first, second), clip(second, first)), first, second)
	case p.EventsText() != q.EventsText():
		c.events("after its " + name)
	default:
		c.differ(otherStep, fmt.Sprintf("%s was %q, then %q", c.ordinal(), p.Identity, q.Identity), p.Identity, q.Identity)
	}
}

func (c *comparison) events(name string) {
	if name == "" {
		name = "when it " + c.p.What + ","
	}
	first, second := c.p.EventsText(), c.q.EventsText()
	c.differ(otherValue, fmt.Sprintf("%s the events were %s, then %s", name, clip(first, second), clip(second, first)), first, second)
}

// ending compares two steps of one name that are no operations: the ends of an
// invocation, mostly.
func (c *comparison) ending() {
	p, q := c.p, c.q
	switch {
	case p.Status != q.Status:
		c.differ(otherStep, fmt.Sprintf("it %s with %s, then with %s", p.What, clip(p.Status, q.Status), clip(q.Status, p.Status)), p.Status, q.Status)
	case p.Outcome != q.Outcome:
		c.differ(otherStep, fmt.Sprintf("it %s, %s, then %s", p.What, benignWord(p.Outcome.String()), benignWord(q.Outcome.String())), p.Outcome.String(), q.Outcome.String())
	default:
		c.events(map[sim.StepKind]string{sim.KindStart: "after its start", sim.KindEnd: "at its end"}[p.Kind])
	}
}

func benignWord(outcome string) string {
	if outcome == "" {
		return "as planned"
	}
	return outcome
}

// timing compares the times of two steps that are equal otherwise.
func (c *comparison) timing() {
	since := c.before
	from := "the run began"
	if c.p.Task.Text != "" {
		since = slices.DeleteFunc(slices.Clone(since), func(s *sim.Step) bool { return s.Task != c.p.Task })
		from = "its step before"
	}
	at, after := func(t time.Time) string { return t.Format(time.RFC3339Nano) }, ""
	if len(since) > 0 {
		last := since[len(since)-1].Time
		at, after = func(t time.Time) string { return t.Sub(last).String() }, " after "+from
	}
	name := "what came next, " + stepWords(c.p) + ","
	if c.p.Operation != nil {
		name = fmt.Sprintf("%s, %s,", c.ordinal(), sim.OperationWords(c.p.Operation))
	}
	first, second := at(c.p.Time), at(c.q.Time)
	c.differ(otherTime, fmt.Sprintf("%s came %s, then %s%s", name, first, second, after), first, second)
}

// payloadDifference finds the first part in which two requests differ, and
// names it.
func payloadDifference(p, q *event.Payload) (what, first, second string) {
	for i := range max(len(p.Words), len(q.Words)) {
		if a, b := at(p.Words, i), at(q.Words, i); a != b {
			return "the argument", a, b
		}
	}
	if p.Target != q.Target {
		return "the target", p.Target, q.Target
	}
	if !bytes.Equal(p.Body, q.Body) {
		return "the data", string(p.Body), string(q.Body)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Header)) {
		if a, b := p.Header[name], q.Header[name]; a != b {
			return "the header " + name, a, b
		}
	}
	if len(p.Header) != len(q.Header) {
		return "the headers", fmt.Sprint(len(p.Header)), fmt.Sprint(len(q.Header))
	}
	return "", "", ""
}

func at(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return ""
}

// clip quotes a text; of a long one, where it differs from another.
func clip(s, other string) string {
	const most, context = 60, 20
	if len(s) <= most {
		return fmt.Sprintf("%q", s)
	}
	from := 0
	for from < len(s) && from < len(other) && s[from] == other[from] {
		from++
	}
	from = max(0, from-context)
	cut := fmt.Sprintf("%q", strings.ToValidUTF8(s[from:min(len(s), from+most)], ""))
	if from > 0 {
		cut = "..." + cut
	}
	if from+most < len(s) {
		cut += "..."
	}
	return cut
}

package cloud

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Cause is why a task exists: what invokes its function, and who is told how
// that ended. There is one for each way to invoke a function: a client's
// request, a delivery (of a message or event), a tick of a job, a queued
// task, a call of another function, and the start of a minimum instance.
//
// Its methods are called on the run's goroutine, but for Invoke.
type Cause interface {
	// Words tell the start of an attempt: "gets a message of orders".
	Words(attempt int) string
	// Limit is how long who invokes waits for the answer; zero for as long
	// as the function may take.
	Limit() time.Duration
	// Line is the queue that it stands in, nil for none: what leaves a queue
	// out of turn is reordered.
	Line() any
	// Platform says whether the platform itself invokes, and may do so twice,
	// or lose the answer; else a caller does.
	Platform() bool
	// Invoke calls the handler, on the invocation's goroutine.
	Invoke(ctx context.Context, h Handler, attempt int) Ending
	// Answered tells who invoked how it ended, and Unanswered that no answer
	// comes: the instance has died, or the answer was lost.
	Answered(*Task, Ending)
	Unanswered(*Task)
}

// Dropper is a cause that the platform may lose.
type Dropper interface {
	Cause
	Drops() bool
	Dropped()
}

// Insistent is a cause that comes again when its answer is lost.
type Insistent interface {
	Cause
	Retries(attempt int) bool
}

// Throttled is a cause of which only so many may run at the same time.
type Throttled interface {
	Cause
	Busy() bool
	Began()
	Finished()
}

// Single is a cause that the platform may not bring twice of itself.
type Single interface {
	Cause
	Single() bool
}

// Doubled is a cause that wants to know when the platform brings it twice.
type Doubled interface {
	Cause
	// Double is told before the second task is made.
	Double()
	// Twice says it in words: "the message is delivered twice".
	Twice() string
}

// Mergeable is a cause that the platform may merge with a later one of the
// same thing, where it does such things.
type Mergeable interface {
	Cause
	Dropper
	// Newer reports whether a later one waits.
	Newer(*Task) bool
}

// Cancelled is a cause that may have been taken back before it falls due.
type Cancelled interface {
	Cause
	Cancelled() bool
}

// Handed is a cause whose task is no invocation: a function instance that
// waits for it gets it, in one step.
type Handed interface {
	Cause
	// To is the instance.
	To() *Instance
	// Arrange returns the task that goes in the place of t, mostly t itself;
	// step is the identity of t's start, for [Kernel.First].
	Arrange(t *Task, step string) *Task
	// MayDouble reports whether it may be handed out twice.
	MayDouble() bool
	// HandOver makes it the instance's. Its result is called, without the lock,
	// to tell the one who waits.
	HandOver(t *Task, twice bool) (deliver func())
}

// Ending is how an invocation has ended.
type Ending struct {
	Status   string // for people: "200", "ok", "error: ..."
	Success  bool
	Response Response
	Aborted  bool // the caller gets no answer
	Late     bool // the time limit has passed
	Panic    *Panic
}

// Panic is one of a handler, or of its constructor.
type Panic struct {
	Value any
	Stack string
}

// Returned is the ending of a function that returns an error.
func Returned(err error) Ending {
	if err != nil {
		return Ending{Status: "error: " + err.Error()}
	}
	return Ending{Status: "ok", Success: true}
}

// Task is what wants to go on because of a cause: one attempt.
type Task struct {
	Name    TaskName
	Root    string // the client's request, or the tick, that it follows from
	Attempt int    // 1 for the first
	Cause   Cause
	Copy    bool // a duplicate, whose end concerns nobody
	// Own says that it is what an instance does by itself, for none of its
	// invocations.
	Own bool
	Ref any // the run's own
}

// Next is the next attempt of what a task is about.
func (t *Task) Next() *Task {
	return &Task{Name: t.Name.Again(Retry), Root: t.Root, Attempt: t.Attempt + 1, Cause: t.Cause}
}

// Second is the same attempt once more: a duplicate.
func (t *Task) Second() *Task {
	return &Task{Name: t.Name.Again(Dup), Root: t.Root, Attempt: t.Attempt, Cause: t.Cause}
}

// Again is a reason for which something comes again.
type Again string

// The reasons, as they stand in names.
const (
	Retry Again = "~retry"
	Dup   Again = "~dup"
)

// TaskName tells a task by what it is about, so that it does not depend on
// how many tasks there were before. It prints as
//
//	place-order(alice/1)                  a client's request
//	charge(place-order(alice/1).orders/1) the delivery of a message
//	...~retry, ...~dup                    delivered again, and why
//
// The zero value is the name of nothing.
type TaskName struct {
	Function string
	Subject  Subject
	Label

	again Label // for which it exists besides the first delivery: "~dup~retry"
	copy  Label // of this, up to the newest duplicate: "~dup"
}

// Subject is what a task is about: a request, a message, a tick. Its label is
// such as "place-order(alice/1).orders/1".
type Subject struct {
	Label
	No string // which of several that are alike; empty for the only one
}

// About is the subject of a name, the only one of its kind.
func About(name Label) Subject { return Subject{Label: name} }

// Numbered is the subject of a name that ends with the number k among those of
// one label, and n among those of one call; see [Origin.Next].
func Numbered(of Label, k, n int) Subject {
	number, no := fmt.Sprintf("/%d", k), fmt.Sprint(k)
	if n > 1 {
		number = fmt.Sprintf("%s.%d", number, n)
		no = strings.TrimPrefix(fmt.Sprintf("%d.%d", k, n), "1.")
	}
	if no == "1" {
		no = ""
	}
	return Subject{of.With(number), no}
}

// NameTask names the first delivery of a subject to a function.
func NameTask(function string, subject Subject) TaskName {
	return TaskName{Function: function, Subject: subject, Label: subject.Within(function+"(", ")")}
}

// NameOnly is the name of what no function was invoked for.
func NameOnly(function string, subject Subject) TaskName {
	return TaskName{Function: function, Subject: subject, Label: subject.Label}
}

// Copy tells the copies of a delivery apart, each of which may be tried again:
// "~dup" for one of the first attempt, "" for the delivery itself.
func (n TaskName) Copy() Label { return n.copy }

// Doubled reports whether the newest reason is a duplicate.
func (n TaskName) Doubled() bool { return n.copy.Text != "" && n.copy == n.again }

// Again names one that comes again.
func (n TaskName) Again(why Again) TaskName {
	n.Label, n.again = n.Label.Again(why), n.again.Again(why)
	if why == Dup {
		n.copy = n.again
	}
	return n
}

// For is the name with another function in it, for people.
func (n TaskName) For(function string) TaskName {
	n.Function = function
	return n
}

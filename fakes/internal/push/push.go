// Package push is how services of AWS call HTTP endpoints by themselves: at least
// once, again after what may pass, until it has succeeded, or else to the dead
// letters. The endpoints are functions of the scenario with an HTTP front.
package push

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
)

// Policy is how a service calls.
type Policy struct {
	Limit time.Duration // of the wait for an answer
	// Again returns when an attempt is followed by another, by its number and its
	// answer's status, 0 for none; false if it is the last.
	Again func(attempt, status int) (after time.Duration, more bool)
}

// Request is one that a service makes of a function: the cause of its attempts.
type Request struct {
	Kernel   cloud.Kernel
	Policy   *Policy
	Binding  string // the name of what the function is bound by
	Function string
	Subject  cloud.Subject
	Root     string // the client's request that it follows from
	What     string // it is, for people: "a message of orders"
	By       cloud.InvokedBy
	Source   cloud.Part
	cloud.Request
	// Bury brings it to the dead letters, and reports whether there are any. why
	// tells how the last attempt ended.
	Bury func(t *cloud.Task, why string) bool
}

// Send makes the first attempt.
func (r *Request) Send() {
	t := &cloud.Task{Name: cloud.NameTask(r.Binding, r.Subject), Root: r.Root, Attempt: 1, Cause: r}
	t.Name.Function = r.Function
	r.Kernel.Invoke(t, time.Time{})
}

// Words tell the start of an attempt.
func (r *Request) Words(attempt int) string {
	s := "gets " + r.What + " by HTTP"
	if attempt > 1 {
		s += fmt.Sprintf(", attempt %d", attempt)
	}
	return s
}

// InvokedBy tells it from others of its kind.
func (r *Request) InvokedBy() cloud.InvokedBy { return r.By }

// From is where it comes from.
func (r *Request) From() cloud.Part { return r.Source }

// Limit is how long the service waits.
func (r *Request) Limit() time.Duration { return r.Policy.Limit }

// Line is what the function is bound by: requests of it are in no order.
func (r *Request) Line() any { return r.Binding }

// Platform is true.
func (r *Request) Platform() bool { return true }

// Retries reports whether it comes again if its answer is lost.
func (r *Request) Retries(attempt int) bool {
	_, more := r.Policy.Again(attempt, 0)
	return more
}

// Double is of no account to the service.
func (r *Request) Double() {}

// Twice says that it comes twice.
func (r *Request) Twice() string { return r.What + " comes twice" }

// Invoke calls the function.
func (r *Request) Invoke(ctx context.Context, h cloud.Handler, _ int) cloud.Ending {
	e := r.Call(ctx, h)
	e.Success = e.Response.OK()
	return e
}

// Answered ends what has succeeded, or comes again.
func (r *Request) Answered(t *cloud.Task, e cloud.Ending) {
	switch status := e.Response.Status; {
	case t.Copy || e.Success:
	case e.Late || e.Aborted:
		r.again(t, 0)
	default:
		r.again(t, status)
	}
}

// Unanswered comes again.
func (r *Request) Unanswered(t *cloud.Task) {
	if !t.Copy {
		r.again(t, 0)
	}
}

func (r *Request) again(t *cloud.Task, status int) {
	if after, more := r.Policy.Again(t.Attempt, status); more {
		r.Kernel.Invoke(t.Next(), r.Kernel.Now().Add(after))
		return
	}
	why := "no answer"
	if status != 0 {
		why = fmt.Sprint(status, " ", http.StatusText(status))
	}
	what := "is dropped"
	if r.Bury != nil && r.Bury(t, why) {
		what = "is dead-lettered"
	}
	r.Kernel.Happens(t, "give up", what, why+", after "+cloud.Times(t.Attempt, "attempt", "attempts"))
}

package sim

import (
	"fmt"
	"strings"

	"github.com/wtsim/wtsim/cloud"
)

// How people call an invocation: by what has invoked it, never by how it came
// to that.
//
//	api POST /welcome (task 2 of mail, from visitor2/1)
//	charge (message 1 of orders, from alice/1)
//	register POST /users (from ann/1)

// Trigger is what has invoked a function, for people: no two of a run are alike.
type Trigger struct {
	Route   string // of a request: "POST /welcome"
	From    string // "task 2 of mail, from visitor2/1"
	Source  string // the topic, the object, the queue; empty if it has none
	Attempt int    // from 1
	Again   bool   // it is a duplicate
}

// triggerOf tells what a task is there for.
func triggerOf(t *cloud.Task) Trigger {
	x := cloud.InvokedBy{}
	if c, ok := t.Cause.(cloud.Telling); ok {
		x = c.InvokedBy()
	} else {
		x.Kind = t.Cause.Words(1)
	}
	var from []string
	if x.Kind != "" {
		from = append(from, x.String())
	}
	if !x.First {
		from = append(from, "from "+t.Root)
	}
	return Trigger{Route: x.Route, From: strings.Join(from, ", "), Source: x.Of, Attempt: t.Attempt, Again: t.Name.Doubled()}
}

// Of names the invocation of a function, whatever the attempt.
func (t Trigger) Of(function string) string {
	if t.Route != "" {
		return function + " " + t.Route + " (" + t.From + ")"
	}
	return function + " (" + t.From + ")"
}

// String tells it without the function.
func (t Trigger) String() string {
	if t.Route != "" {
		return t.Route + " (" + t.From + ")" + t.attempt()
	}
	return t.From + t.attempt()
}

// attempt tells it apart from other deliveries of the same thing.
func (t Trigger) attempt() (s string) {
	if t.Attempt > 1 {
		s = fmt.Sprintf(", attempt %d", t.Attempt)
	}
	if t.Again {
		s += ", again"
	}
	return s
}

// who is people's name of the task.
func (t *task) who() string {
	if t.Own {
		return t.fn.Name + " in the background (on " + t.inst.ID + ")"
	}
	return triggerOf(t.Task).Of(t.fn.Name)
}

// which is who, told apart from other deliveries and attempts.
func (t *task) which() string {
	if t.Own {
		return t.who()
	}
	return which(t.Task, t.fn.Name)
}

func which(t *cloud.Task, function string) string {
	x := triggerOf(t)
	return x.Of(function) + x.attempt()
}

package cloud

import (
	"fmt"
	"net/http"
	"time"
)

// Platform is where functions run: the rules of function instances. Every
// number has its page where the platform is declared. Functions may differ
// from it one by one.
type Platform struct {
	Name string // "gcp"

	Timeout      time.Duration // of an invocation
	Concurrency  int           // invocations that a function instance serves at the same time
	MostAtOnce   int           // what a function may ask for, of these
	MaxInstances int           // of a function
	QueueFor     time.Duration // how long an invocation waits for an instance before it is refused with 429
	IdleFor      time.Duration // how long an instance without invocations is kept
	Grace        time.Duration // between SIGTERM and the end of an instance
	MostErrors   int           // answers of 5xx in a row that an instance may give
	// LongestRetry is a little more than the longest pause before a trigger
	// tries again: as long an operation may be held.
	LongestRetry time.Duration
	// Abandoned is what a caller is told whose function's instance has died.
	Abandoned int
	// Variables are those that the environment of a process has, as "NAME=value".
	Variables []string
	// Container is what the environment of a function's process has besides, where
	// ${function} and ${port} stand for the function's name and for the port at
	// which it is called.
	Container []string
	// StartWithin is how long a program may take until it listens there; zero for
	// as long as an invocation may.
	StartWithin time.Duration
	// Absent are hosts of the platform's own that clients look for, to find out
	// where they run: they find nobody there, and that is no call of the
	// application's.
	Absent []string
	// Domain is that of the platform's services. Clients connect to their hosts
	// before they call, and that alone is no call either.
	Domain string
	// Metadata answers there where a function is a program: what the platform
	// tells a process of where it runs, and who it is. Nil if nobody does.
	Metadata http.Handler
}

// Within returns the platform with another time limit for invocations of
// functions that have none of their own.
func (p Platform) Within(limit time.Duration) Platform {
	p.Timeout = limit
	return p
}

// Check returns the first thing that is missing, in a sentence.
func (p *Platform) Check() error {
	switch {
	case p.Name == "":
		return fmt.Errorf("it names no Platform, wanted where its functions run, such as gcp.CloudRun()")
	case min(p.Timeout, p.QueueFor, p.IdleFor, p.Grace, p.LongestRetry) <= 0 || min(p.Concurrency, p.MostAtOnce, p.MaxInstances, p.MostErrors, p.Abandoned) <= 0:
		return fmt.Errorf("platform %q lacks a number, wanted all of cloud.Platform's", p.Name)
	}
	return nil
}

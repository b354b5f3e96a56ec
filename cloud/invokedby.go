package cloud

import "fmt"

// InvokedBy is what invokes a function, as people tell it from others of its
// kind: "message 3 of jobs", "task 2 of mail" that asks for "POST /welcome".
type InvokedBy struct {
	Kind   string // "message"; empty of a client's own request
	Number int    // among those of its kind and origin, from 1; 0 if they are not counted
	Of     string // its origin: a topic, a queue, a job
	Route  string // of a request: "POST /welcome"
	First  bool   // nothing has caused it: what it follows from is itself
}

// Telling is a cause that tells people what it is; of one that does not, people
// are told its words.
type Telling interface {
	Cause
	InvokedBy() InvokedBy
}

// String is what it is, without its route.
func (i InvokedBy) String() string {
	s := i.Kind
	if i.Number > 0 {
		s += fmt.Sprintf(" %d", i.Number)
	}
	if i.Of != "" {
		s += " of " + i.Of
	}
	return s
}

package event

import "time"

// Access tells how an operation touches its resource.
type Access uint8

// The accesses. An operation that does both, such as INCR, is Reads|Writes.
const (
	Reads Access = 1 << iota
	Writes
)

// Caller tells who made a call.
type Caller struct {
	Function   string // the function's name
	Instance   string // the function instance, e.g. "i-7"
	Invocation string // empty where the call belongs to the instance as such
}

// Operation is one call to the outside: one attempt, as it passes the seam.
type Operation struct {
	Caller   Caller
	Service  string // e.g. "redis", "gcs", "payments.example"
	Method   string // e.g. "GET", "objects.insert", "POST"
	Resource string // what the call touches, e.g. "cart:1", "orders/o-1.json"
	Access   Access
	Try      int     // the client's own attempt, from 2, where it reveals it; else 0
	Request  Payload // what was sent
	// Attributes are those of a span that the operation is made of: what its
	// sender says of it. There are none at a seam of ours.
	Attributes Data
	Fails      []string // how the service may refuse it before an effect: "503", "refused", ...

	Result   Result    // what the service answered
	Deadline time.Time // when the caller gives up; zero if the seam does not see one
}

// Payload is what a call sent, in the canonical form that the trace hash and
// the rules see.
type Payload struct {
	Words  []string          // RESP words, for Redis
	Target string            // path and sorted query, for HTTP
	Header map[string]string // the headers that matter: preconditions, idempotency keys
	Body   []byte            // decoded body
	JSON   bool              // the body is known to be JSON, without spaces around it: nobody need look
}

// Result is what the service answered.
type Result struct {
	Status string // e.g. "200", "OK", "(nil)"; empty if there was no answer
	Body   []byte // the decoded answer
	Wire   []byte // the answer as it was sent, where Body has it in another form and a recording is kept; else nil
	// Stream is the number of a stream of messages that come after the answer, in a recording; else 0.
	Stream uint64
	OK     bool // the service accepted the call
	Header map[string]string
}

package stream

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/wtsim/wtsim/monitor"
)

// Commit is what a worker appends to its shard's commits: how far it has read,
// and what was found since the last one.
type Commit struct {
	Shard    int               `json:"shard"`
	Owner    string            `json:"owner"`
	Epoch    uint64            `json:"epoch"` // of the claim that it rests on
	N        uint64            `json:"n"`     // its number
	Offset   uint64            `json:"offset"`
	Chain    string            `json:"chain"` // see worker.chain, after Offset
	Verdicts uint64            `json:"verdicts"`
	Found    []json.RawMessage `json:"found,omitempty"` // violation objects with their ids
	// Undecided are instances that may be violated, and may not: as check tells
	// them, the first of many.
	Undecided []json.RawMessage `json:"undecided,omitempty"`
	States    []StateRef        `json:"states,omitempty"`
	Totals    Totals            `json:"totals"`
	Claim     bool              `json:"claim,omitempty"`
	Free      bool              `json:"free,omitempty"` // its owner has let go
	Watermark time.Time         `json:"watermark,omitzero"`
	Newest    time.Time         `json:"newest,omitzero"` // the newest time of an event
}

// StateRef names a state in the store: what a worker can take up after an
// offset.
type StateRef struct {
	Name   string `json:"name"`
	Offset uint64 `json:"offset"`
	Sum    string `json:"sum"` // SHA-256
	Bytes  int    `json:"bytes"`
	Plans  int    `json:"plans,omitempty"` // records that had changed the properties
}

// oldest is the older one of two states.
func (c *Commit) oldest() (ref StateRef, ok bool) {
	if n := len(c.States); n > 1 {
		return c.States[n-1], true
	}
	return ref, false
}

// Totals count what a shard has seen since the beginning.
type Totals struct {
	Events     int  `json:"events"`
	Violations int  `json:"violations"`
	Malformed  int  `json:"malformed"`
	Late       int  `json:"late"`
	Missing    int  `json:"missing"` // gaps in the sequences of sources
	Duplicates int  `json:"duplicates"`
	Expired    int  `json:"expired,omitempty"`
	Undecided  int  `json:"undecided,omitempty"`
	Instances  int  `json:"instances"`       // that can still be violated
	Lost       int  `json:"lost,omitempty"`  // blocks that the log has lost or damaged
	Lossy      bool `json:"lossy,omitempty"` // some source may keep events to itself
}

// Add adds the totals of another shard.
func (t *Totals) Add(u Totals) {
	t.Events += u.Events
	t.Violations += u.Violations
	t.Malformed += u.Malformed
	t.Late += u.Late
	t.Missing += u.Missing
	t.Duplicates += u.Duplicates
	t.Expired += u.Expired
	t.Undecided += u.Undecided
	t.Instances += u.Instances
	t.Lost += u.Lost
	t.Lossy = t.Lossy || u.Lossy
}

// sub takes off what engines have counted.
func (t *Totals) sub(u Totals) {
	t.Events -= u.Events
	t.Late -= u.Late
	t.Duplicates -= u.Duplicates
	t.Malformed -= u.Malformed
	t.Expired -= u.Expired
	t.Undecided -= u.Undecided
}

// Encode is what a log holds of it.
func (c *Commit) Encode() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic("stream: a commit is made of texts, numbers and JSON: " + err.Error())
	}
	return b
}

// DecodeCommit reads a commit.
func DecodeCommit(data []byte) (*Commit, error) {
	c := &Commit{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("not a commit: %w", err)
	}
	if c.Owner == "" || c.Epoch == 0 || c.Shard < 0 {
		return nil, errors.New("not a commit: it has no owner, or no epoch")
	}
	return c, nil
}

// ID is the name of a violation, see [monitor.Violation.ID].
type ID [16]byte

// ParseID reads an ID from its hexadecimal digits.
func ParseID(text string) (id ID, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("%q is not the id of a violation, wanted %d hexadecimal digits", text, 2*len(id))
	}
	return ID(b), nil
}

// String returns the hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IDOf reads the ID of a violation object.
func IDOf(object []byte) (ID, error) {
	n, err := NameOf(object)
	return n.ID, err
}

// Name is what a violation object is about.
type Name struct {
	ID       ID
	Property string
	Time     time.Time // of the event
}

// NameOf reads what a violation object is about.
func NameOf(object []byte) (n Name, err error) {
	var x struct {
		ID, Property string
		Time         time.Time
	}
	if err := json.Unmarshal(object, &x); err != nil {
		return n, err
	}
	n.Property, n.Time = x.Property, x.Time
	n.ID, err = ParseID(x.ID)
	return n, err
}

// mostUndecided is how many undecided instances a commit has; all are counted.
const mostUndecided = 200

// maxObject bounds a violation object in a commit.
const maxObject = 256 << 10

// Object is a violation as a verdict log has it: what check prints, and its id.
func Object(v monitor.Violation) []byte {
	id, err := ParseID(v.ID())
	if err != nil {
		panic("stream: " + err.Error())
	}
	return object(v, id)
}

// object is a violation as it is told: what check prints, and its id.
func object(v monitor.Violation, id ID) []byte {
	b := marshal(v)
	if len(b) > maxObject { // a slice that nobody reads
		v.Witness, v.Counter = ends(v.Witness), nil
		b = marshal(v)
	}
	const head = `{"kind":"violation"`
	if !bytes.HasPrefix(b, []byte(head)) {
		panic("stream: a violation object begins with its kind: " + string(b))
	}
	out := append(make([]byte, 0, len(b)+len(id)*2+8), head...)
	out = append(append(append(out, `,"id":"`...), id.String()...), '"')
	return append(out, b[len(head):]...)
}

func marshal(v monitor.Violation) []byte {
	b, err := v.MarshalJSON()
	if err != nil {
		panic("stream: violations are made of texts and numbers: " + err.Error())
	}
	return b
}

// ends cuts the middle out of a witness.
func ends(w []monitor.WitnessEvent) []monitor.WitnessEvent {
	const most = 50
	if len(w) <= 2*most {
		return nil
	}
	cut := monitor.WitnessEvent{Type: fmt.Sprintf("... %d events ...", len(w)-2*most), To: w[len(w)-most-1].To}
	return append(append(w[:most:most], cut), w[len(w)-most:]...)
}

package aws

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/wtsim/wtsim/cloud"
)

// Change is a record of a stream.
type Change struct {
	Number  int64 // of the stream's, from 1
	At      time.Time
	Subject cloud.Subject // of what follows from it
	Root    string
	Item    string          // what it is about: changes of one item stay in order
	ID      string          // its sequence number
	Event   json.RawMessage // as a function is given it
}

// Streamed is a service whose tables have streams.
type Streamed interface {
	cloud.Service
	// Streams are the names of the tables that have one, as a scenario declares them.
	Streams() []string
}

// HasStream reports whether a scenario declares a table with a stream.
func HasStream(d *cloud.Deployment, table string) bool {
	return slices.ContainsFunc(d.Services, func(s cloud.Service) bool {
		t, ok := s.(Streamed)
		return ok && slices.Contains(t.Streams(), table)
	})
}

// Changes is a backend whose tables have streams of one shard. Its method is
// called on the run's goroutine, when all is quiet.
type Changes interface {
	cloud.Backend
	// Changes returns the records of a table's stream after a number, at most so
	// many, oldest first, of those that are kept; false if there is no stream.
	Changes(table string, after int64, most int) ([]Change, bool)
}

package stream

import (
	"context"
	"errors"
	"io"
)

// Record is what a log holds at one place.
type Record struct {
	Seq  uint64
	Data []byte
}

// Log is a durable sequence of records, the first of which has number 1. What
// Append has answered for is there after a crash.
//
// The logs of a verdict log's shards share their numbers: those of one are
// ascending, and no more.
type Log interface {
	// Append adds a record. After an error it may be there, or not, or come
	// there later.
	Append(ctx context.Context, data []byte) (seq uint64, err error)
	// AppendIf adds a record if the last one has a number, 0 if there is none;
	// else the error is ErrConflict. After any other error see Append.
	AppendIf(ctx context.Context, data []byte, last uint64) (seq uint64, err error)
	// Read returns records in order, the first at a number or after it; none
	// if there are none yet. It does not return more than some bytes, but for
	// the first.
	Read(ctx context.Context, from uint64, bytes int) ([]Record, error)
	// Last returns the last record; ok is false if there is none.
	Last(ctx context.Context) (r Record, ok bool, err error)
	// Forget removes the records before a number. Those after keep theirs.
	Forget(ctx context.Context, before uint64) error
}

// Store keeps states by name. A name is written once.
type Store interface {
	// Put answers when the state is durable.
	Put(ctx context.Context, name string, state []byte) error
	// Get returns a state; the error is ErrNoState if there is none.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// Delete removes a state, if it is there.
	Delete(ctx context.Context, name string) error
	// List returns the names that there are.
	List(ctx context.Context) ([]string, error)
}

var (
	// ErrConflict says that the last record is not the expected one.
	ErrConflict = errors.New("the log has another last record than expected")
	// ErrNoState says that a state is not in the store.
	ErrNoState = errors.New("the state is not there")
	// ErrFenced says that another worker has taken the shard over.
	ErrFenced = errors.New("another worker has taken the shard over")
)

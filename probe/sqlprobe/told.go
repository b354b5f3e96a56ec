package sqlprobe

import (
	"context"
	"database/sql/driver"
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Told is the statements of one connection, for who sees them pass in another way than
// by database/sql, once they are over. Its tap is passive.
type Told struct{ s session }

// NewTold returns the statements of a connection to the database that rules call
// service.
func NewTold(tap probe.Tap, service string) *Told {
	return &Told{session{seam: newSeam(tap, service)}}
}

// Asks tells whether anybody wants to be told of a statement, and of its answer.
func (t *Told) Asks(text string) (told, answer bool) {
	if t.s.asker == nil {
		return true, true
	}
	var op event.Operation
	describe(&op, t.s.parsed(text))
	if Setup(op.Method) {
		return false, false
	}
	op.Service = t.s.service
	_, answer = t.s.asker.Bodies(&op)
	return t.s.asker.Wants(&op), answer
}

// Ended tells of a statement, that has ended with an error or with an answer (see
// [Answer]). What a transaction writes is told when it is committed, as by database/sql.
func (t *Told) Ended(text string, args []driver.NamedValue, answer []byte, err error) {
	ctx := context.Background()
	if x, gone := t.s.enter(ctx, t.s.parsed(text), args); gone == nil {
		_ = t.s.leave(ctx, x, answer, err) // of a passive tap
	}
}

// Closed tells that the connection has ended: what a transaction has not committed is
// undone.
func (t *Told) Closed() { t.s.undo(0, rollsBack) }

// Setup tells whether a statement sets its session up, by its method: such a one is no
// operation to a server's seam, for drivers send them by themselves.
func Setup(method string) bool { return slices.Contains(setup, method) }

var setup = []string{"", "SET", "SHOW", "RESET", "DISCARD", "DEALLOCATE", "PREPARE"}

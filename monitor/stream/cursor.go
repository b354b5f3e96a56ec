package stream

import (
	"context"
	"fmt"
	"strconv"
)

// Cursor is how many violations of the verdict log a publisher has told. Who
// dies between telling and noting so tells again: at least once.
type Cursor struct {
	log  Log
	told int
	last uint64
}

// OpenCursor reads how far a publisher is: the log's last record says.
func OpenCursor(ctx context.Context, log Log) (*Cursor, error) {
	r, ok, err := log.Last(ctx)
	if err != nil || !ok {
		return &Cursor{log: log}, err
	}
	told, err := strconv.Atoi(string(r.Data))
	if err != nil || told < 0 {
		return nil, fmt.Errorf("a publisher's cursor is %q, wanted a number", r.Data)
	}
	return &Cursor{log, told, r.Seq}, nil
}

// Told is how many violations are told.
func (c *Cursor) Told() int { return c.told }

// Advance notes that more are told. After an error open it anew: another
// publisher may have told them too.
func (c *Cursor) Advance(ctx context.Context, told int) error {
	seq, err := c.log.AppendIf(ctx, []byte(strconv.Itoa(told)), c.last)
	if err == nil {
		c.told, c.last = told, seq
	}
	return err
}

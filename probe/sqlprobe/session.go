package sqlprobe

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// session is the seam of one connection. database/sql does one thing at a time
// with it.
type session struct {
	*seam
	texts   map[string]*statement
	spare   probe.Call // of a passive tap, used again
	request []byte     // the body of spare's request, and of its answer
	answer  []byte
	skipped *turn // at the tap already: the driver wants it to be prepared
	gone    bool  // the connection is broken

	open   bool // a transaction
	failed bool // a statement of it has, in PostgreSQL
	held   held
	saved  []savepoint
}

// savepoint is how much was held when it was set.
type savepoint struct {
	name string
	held int
}

// A connection remembers what so many statements say, of so many bytes each.
const (
	mostTexts = 256
	mostText  = 8 << 10
)

func (s *session) parsed(text string) *statement {
	if st := s.texts[text]; st != nil {
		return st
	}
	st := parse(text)
	if len(text) > mostText {
		return st
	}
	if len(s.texts) >= mostTexts || s.texts == nil {
		s.texts = map[string]*statement{}
	}
	s.texts[text] = st
	return st
}

// turn is a statement on its way.
type turn struct {
	st     *statement
	call   *probe.Call // nil if nobody wants to know
	fate   probe.Fate
	answer bool // it is looked into
}

// enter waits at the tap. An error is what the caller sees: nothing has happened.
func (s *session) enter(ctx context.Context, st *statement, args []driver.NamedValue) (turn, error) {
	if s.skipped = nil; s.gone {
		return turn{}, driver.ErrBadConn
	}
	t := turn{st: st, answer: true}
	c := s.call()
	describe(&c.Op, st)
	c.Op.Service = s.service
	request := true
	if s.asker != nil {
		if !s.asker.Wants(&c.Op) {
			return t, nil
		}
		request, t.answer = s.asker.Bodies(&c.Op)
	}
	if request {
		s.request = appendRequest(s.request[:0], st, args)
		c.Op.Request.Body, c.Op.Request.JSON = s.owned(s.request), true
	}
	t.call, c.GiveUp = c, ctx.Done()
	c.Op.Deadline, c.Timed = ctx.Deadline()
	t.fate = s.tap.Enter(c)
	switch t.fate.Action {
	case probe.Refuse, probe.Cut:
		return t, s.reset()
	case probe.GaveUp:
		return t, t.fate.GaveUpWith(ctx)
	}
	return t, nil
}

// call is one that is the session's, unless the tap may keep it.
func (s *session) call() *probe.Call {
	if !s.through {
		return &probe.Call{}
	}
	s.spare = probe.Call{}
	return &s.spare
}

// owned are bytes that belong to a call.
func (s *session) owned(b []byte) []byte {
	if s.through {
		return b
	}
	return slices.Clone(b)
}

// reset breaks the connection off.
func (s *session) reset() error {
	s.gone = true
	probe.Depart(s.tap)
	return probe.ErrReset("read")
}

// below is the context of what carries the statement out; in production nobody asks.
func (s *session) below(ctx context.Context, t turn) context.Context {
	if s.through || t.call == nil {
		return ctx
	}
	return probe.WithCall(ctx, t.call)
}

// skip remembers a statement that the driver has not looked at: database/sql will
// prepare it.
func (s *session) skip(t turn) {
	if t.call != nil {
		s.skipped = &t
	}
}

// resume is enter for a prepared statement.
func (s *session) resume(ctx context.Context, st *statement, args []driver.NamedValue) (turn, error) {
	if t := s.skipped; t != nil && t.st.text == st.text {
		s.skipped = nil
		return *t, nil
	}
	return s.enter(ctx, st, args)
}

// leave tells the tap how a statement has ended: by err, or with an answer, nil if
// nobody looks into it. It returns what the caller sees instead; nil for just that.
func (s *session) leave(ctx context.Context, t turn, answer []byte, err error) (instead error) {
	r := event.Result{Status: "OK", OK: true, Body: answer}
	for _, e := range t.st.effects {
		if e.kind == commits && s.failed && err == nil { // PostgreSQL does not, and that is no error
			e.kind, r = rollsBack, event.Result{Status: rollsBack}
		}
		s.take(e, err)
	}
	if errors.Is(err, driver.ErrBadConn) {
		return nil
	}
	if err != nil {
		code := sqlState(err)
		s.failed = s.failed || s.open && code != ""
		r = event.Result{Status: cmp.Or(code, "error"), Body: []byte(err.Error())}
	}
	if t.call == nil {
		return nil
	}
	if t.call.Op.Result = r; s.through && s.open && t.st.writes && r.OK {
		s.hold(t.call)
		return nil
	}
	if dead := s.tap.Leave(t.call); dead != nil {
		return dead
	}
	switch {
	case t.fate.Action != probe.Lose:
		return nil
	case t.fate.With == "timeout":
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return s.reset()
}

// sqlState is the code of an error as the SQL standard has them; empty if its
// driver does not tell.
func sqlState(err error) string {
	if coded := (interface{ SQLState() string })(nil); errors.As(err, &coded) {
		return coded.SQLState()
	}
	return ""
}

// hold keeps a statement that has written until its transaction ends.
func (s *session) hold(c *probe.Call) {
	place := 0
	if n := len(s.saved); n > 0 {
		place = s.saved[n-1].held
	}
	s.held.add(c, place)
}

// take does to what is held what a statement does to its transaction.
func (s *session) take(e effect, err error) {
	switch {
	case e.kind == commits && err == nil:
		held := s.held
		s.over()
		held.happened(s.tap)
	case e.kind == commits:
		s.undo(0, cmp.Or(sqlState(err), "error"))
		s.over()
	case e.kind == rollsBack:
		s.undo(0, rollsBack)
		s.over()
	case err != nil:
	case e.kind == begins:
		s.over()
		s.open = true
	case e.kind == saves:
		s.saved = append(s.saved, savepoint{e.name, len(s.held.all)})
	default:
		s.goBack(e)
	}
}

// goBack does what ROLLBACK TO and RELEASE do: of several savepoints of a name the
// last one counts.
func (s *session) goBack(e effect) {
	for i, p := range slices.Backward(s.saved) {
		if p.name != e.name {
			continue
		}
		if s.saved = s.saved[:i]; e.kind == rollsBackTo {
			s.failed = false
			s.undo(p.held, rollsBack)
			s.saved = append(s.saved, p)
		}
		return
	}
}

// over says that there is no transaction.
func (s *session) over() {
	s.open, s.failed, s.held, s.saved = false, false, held{}, nil
}

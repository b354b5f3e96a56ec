package postgres

import (
	"cmp"
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/pgprobe"
	"github.com/wtsim/wtsim/probe/sqlprobe"
)

// operation is a statement on its way: a text of the simple protocol, or a portal.
type operation struct {
	text     string // as the client has written it
	lacks    string
	args     []driver.NamedValue
	messages []byte // that carry it out
	until    until
	columns  *columns
	changes  bool // it may change what the database holds
	whole    bool // and more than rows
	advisory int  // by how many it changes the session's advisory locks

	call   *probe.Call // nil if it is none for the tap
	lost   bool        // the client does not see the answer
	victim bool        // it was cancelled to end a deadlock
	expiry string      // the timeout that has ended it
	answer
}

// told is a statement that has written, in a transaction that is not over.
type told struct {
	call   *probe.Call
	result event.Result
	point  string // or a savepoint
}

// harmless are those that change at most what tables hold.
var harmless = []string{"SELECT", "VALUES", "TABLE", "BEGIN", "COMMIT", "ROLLBACK", "ROLLBACK TO", "SAVEPOINT", "RELEASE", "EXPLAIN", "FETCH", "MOVE", "DECLARE", "CLOSE",
	"LOCK", "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY", "EXECUTE", "LISTEN", "UNLISTEN", "NOTIFY"}

// operate waits at the tap, then does what the tap says. With b.mu held, but not
// while it waits.
func (t *talk) operate(o *operation) error {
	b := t.b
	if t.copying != nil {
		return errBroken
	}
	call := &probe.Call{}
	sqlprobe.Describe(&call.Op, o.text, o.args)
	op := &call.Op
	op.Service = b.name
	words := wordsOf(o.text)
	t.timed = t.timed || mentions(words, heeded...)
	if o.lacks != "" {
		b.kernel.Lacks("PostgreSQL's " + o.lacks)
		return t.refuse(o, "0A000", "wtsim does not have "+o.lacks)
	}
	if sqlprobe.Setup(op.Method) && !mentions(words, "constraints") {
		t.isolate(words)
		return t.perform(o)
	}
	o.call = call
	t.describe(op, words)
	call.GiveUp = t.waits()
	fate := t.enter(call)
	if err := t.over(); err != nil {
		return err
	}
	switch fate.Action {
	case probe.Refuse:
		if fate.With != probe.Reset {
			return t.refuse(o, fate.With, "could not serialize access due to read/write dependencies among transactions")
		}
		return reset()
	case probe.Cut:
		return reset()
	case probe.GaveUp:
		t.wantsAgain()
		return t.refuse(o, "57014", "canceling statement due to user request")
	}
	o.lost = fate.Action == probe.Lose
	t.isolate(words)
	o.weigh(b, words)
	return t.perform(o)
}

// describe completes what an operation is: what a transaction does when it ends, and
// how it may fail.
func (t *talk) describe(op *event.Operation, words []piece) {
	switch op.Method {
	case "COMMIT", "ROLLBACK", "ROLLBACK TO":
		if op.Access = event.Reads; t.wrote {
			op.Access |= event.Writes
		}
	case "LISTEN", "UNLISTEN":
		op.Access = event.Reads
	}
	if calls(words, t.b.acts) {
		op.Access |= event.Writes
	}
	if i := slices.Index([]string{"LISTEN", "NOTIFY"}, op.Method); i >= 0 && len(words) > 1 {
		op.Resource = words[1].name()
	}
	serial := t.serial || t.serialNext || slices.Contains([]string{"BEGIN"}, op.Method) && mentions(words, "serializable")
	if serial && op.Method != "BEGIN" && !strings.HasPrefix(op.Method, "ROLLBACK") && t.status != 'E' {
		op.Fails = []string{probe.Reset, "40001"}
	}
}

// isolate notes how transactions are isolated.
func (t *talk) isolate(words []piece) {
	switch {
	case !mentions(words, "isolation", "default_transaction_isolation"):
	case mentions(words[:1], "begin", "start"), len(words) > 1 && mentions(words[:2], "transaction"):
		t.serial = mentions(words, "serializable")
	default:
		t.serialNext = mentions(words, "serializable")
	}
}

// enter waits at the tap.
func (t *talk) enter(call *probe.Call) (fate probe.Fate) {
	t.parked = call
	t.b.outside(func() { fate = t.tap.Enter(call) })
	t.parked = nil
	return fate
}

// outside does something that others may come between.
func (b *Backend) outside(f func()) {
	b.mu.Unlock()
	defer b.mu.Lock() // also where the run is over, and f ends the goroutine
	f()
}

func wordsOf(text string) []piece {
	return slices.DeleteFunc(pieces(text), func(p piece) bool { return p.kind == ' ' })
}

func mentions(words []piece, names ...string) bool {
	return slices.ContainsFunc(words, func(p piece) bool { return slices.Contains(names, p.name()) })
}

// calls reports whether one of some functions is called.
func calls(words []piece, functions map[string]bool) bool {
	for i, p := range words {
		if i+1 < len(words) && words[i+1].kind == '(' && functions[p.name()] {
			return true
		}
	}
	return false
}

// weigh finds out what a statement may change, before it does.
func (o *operation) weigh(b *Backend, words []piece) {
	o.advisory = advisories(words)
	altered := slices.ContainsFunc(words, func(p piece) bool { return strings.HasPrefix(p.name(), "lo_") && p.kind != 's' }) // large objects are no rows
	for _, m := range strings.Fields(strings.ReplaceAll(o.call.Op.Method, "ROLLBACK TO", "ROLLBACK")) {
		altered = altered || !slices.Contains(harmless, m) && !sqlprobe.Setup(m)
		o.whole = o.whole || m == "TRUNCATE"
		o.changes = o.changes || !slices.Contains([]string{"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"}, m)
	}
	o.whole = o.whole || altered
	o.changes = o.changes && o.call.Op.Access&event.Writes != 0 && !(onlyLocks(&o.call.Op, o.text) && !calls(words, b.acts))
	b.database.altered = b.database.altered || altered
}

// perform carries a statement out, and has the client see the answer.
func (t *talk) perform(o *operation) error {
	if t.changed, t.whole = t.changed || o.changes, t.whole || o.whole; o.whole {
		t.b.forgetPositions() // a transaction that sees the past would be waited for, or see too little
	}
	b, answers, synced := t.stamp(o)
	b = append(append(b, t.pending...), o.messages...)
	if o.until == complete {
		b = append(b, 'H', 0, 0, 0, 4)
	}
	if t.pending, t.answers, t.begun = nil, 0, true; o.until == ready {
		t.owed++
	}
	err := t.session.send(b)
	if err == nil {
		err = t.stamped(answers, synced)
	}
	if err != nil {
		return err
	}
	return t.goOn(o)
}

// goOn reads the answer, up to where the client has to say more.
func (t *talk) goOn(o *operation) error {
	t.copying = nil
	if err := t.relay(o, o.until); err != nil {
		return err
	}
	if t.copying != nil {
		return nil
	}
	return t.finish(o)
}

// copyIn takes the rows that the client sends.
func (t *talk) copyIn(m message) error {
	if t.copying == nil { // it has failed already
		return nil
	}
	if err := t.session.send(m.raw); err != nil {
		return err
	}
	if m.kind == 'd' {
		return nil
	}
	return t.goOn(t.copying)
}

// finish tells the tap how a statement has ended.
func (t *talk) finish(o *operation) error {
	b := t.b
	b.look()
	if o.call == nil {
		return nil
	}
	op := &o.call.Op
	b.used++
	t.listens = t.listens || op.Method == "LISTEN"
	if t.used = b.used; o.code == "" {
		t.advisory = max(t.advisory+o.advisory, 0)
	}
	writes := op.Access&event.Writes != 0
	b.database.written = b.database.written || writes
	r := o.result()
	if writes && r.OK && t.status != 'I' || t.begun && o.until == complete {
		t.wrote = t.wrote || writes
	}
	op.Result = r
	if writes && r.OK && (t.status == 'T' || o.until == complete) && !onlyLocks(op, o.text) {
		t.told = append(t.told, told{call: o.call, result: r})
		op.Result.OK = false // nothing has happened before it is committed
	}
	if op.Method == "SAVEPOINT" || op.Method == "ROLLBACK TO" || op.Method == "RELEASE" {
		t.point(op.Method, o)
	}
	if err := t.tap.Leave(o.call); err != nil {
		return err
	}
	if o.lost {
		return reset()
	}
	return nil
}

// onlyLocks reports whether a query locks rows, and changes nothing.
func onlyLocks(op *event.Operation, text string) bool {
	return op.Method == "SELECT" && !mentions(wordsOf(text), "insert", "delete", "merge", "set", "into")
}

// point keeps savepoints: what was written after one can be undone alone.
func (t *talk) point(method string, o *operation) {
	if o.code != "" {
		return
	}
	words := slices.DeleteFunc(wordsOf(o.text), func(p piece) bool { return p.kind == ';' })
	name := words[len(words)-1].name()
	at := -1
	for i, x := range t.told {
		if x.call == nil && x.point == name {
			at = i
		}
	}
	switch {
	case method == "SAVEPOINT":
		t.told = append(t.told, told{point: name})
	case at >= 0 && method == "ROLLBACK TO":
		t.told = t.told[:at+1]
	case at >= 0:
		t.told = slices.Delete(t.told, at, at+1)
	}
}

// over ends a transaction: what it has written has happened, if it was committed.
func (t *talk) settle(committed bool) {
	all, changed, whole := t.told, t.changed, t.whole
	t.told, t.wrote, t.serial, t.changed, t.whole = nil, false, false, false, false
	if !committed {
		return
	}
	if whole && t.b.database.altered {
		t.b.learn()
	}
	if changed {
		t.b.collect(t)
		t.b.committed(whole || t.b.standby == synchronous && t.waitsForStandby)
	}
	for _, x := range all {
		if x.call != nil {
			x.call.Op.Result = x.result
			_ = t.tap.Leave(x.call) // who has died is told with what has ended the transaction
		}
	}
}

// result is how a statement has ended, as rules see it.
func (o *operation) result() event.Result {
	if o.code != "" {
		return event.Result{Status: o.code, Body: []byte(o.message)}
	}
	r := event.Result{Status: "OK", OK: true, Body: sqlprobe.Answer(pgprobe.Affected(o.tag), o.names(), o.rows)}
	if o.call.Op.Method == "COMMIT" && o.tag == "ROLLBACK" {
		r.Status, r.OK = "ROLLBACK", false
	}
	return r
}

// refuse has the server say no, so that its transaction fails too; a COMMIT that fails
// ends it.
func (t *talk) refuse(o *operation, code, text string) error {
	t.pending, t.answers, t.described = nil, 0, nil
	ends := o.call != nil && o.call.Op.Method == "COMMIT"
	t.mute = ends || o.until != ready // the client has not asked yet whether the server is ready
	err := t.say(o, "DO $wtsim$ BEGIN RAISE EXCEPTION USING ERRCODE = "+quote(code)+", MESSAGE = "+quote(text)+"; END $wtsim$")
	if t.mute = o.until != ready; ends && err == nil {
		err = t.say(nil, "ROLLBACK")
	}
	t.failed, t.mute = t.mute, false
	if err != nil || o.call == nil {
		return err
	}
	t.b.look()
	o.call.Op.Result = event.Result{Status: cmp.Or(o.code, code)}
	return nil
}

// say carries out a statement of ours; of its answer the client sees an error, and that
// the server is ready.
func (t *talk) say(o *operation, sql string) error {
	t.owed++
	t.begun = true
	if err := t.session.send(queryMessage(sql)); err != nil {
		return err
	}
	for {
		m, err := t.session.next()
		if err != nil {
			return reset()
		}
		if m.kind == 'A' {
			t.hear(m)
			continue
		}
		if m.kind == 'E' && o != nil {
			m = t.mend(o, m)
		}
		if m.kind == 'Z' && !t.mute {
			t.handOn()
		}
		if m.kind == 'E' || m.kind == 'Z' && !t.mute {
			t.answer(m.raw)
		}
		if t.note(nil, m); m.kind == 'Z' {
			return nil
		}
	}
}

package postgres

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe/pgprobe"
	"github.com/wtsim/wtsim/probe/sqlprobe"
)

// answer is what the server has said to a statement.
type answer struct {
	tag     string // "UPDATE 3"
	code    string // of an error
	message string
	fields  []pgproto3.FieldDescription
	rows    [][]driver.Value
	size    int // bytes of the rows
}

func (a *answer) names() []string {
	var out []string
	for _, f := range a.fields {
		out = append(out, string(f.Name))
	}
	return out
}

// relay gives the client what the server says.
func (t *talk) relay(o *operation, until until) error {
	for {
		if err := t.expect(o); err != nil {
			return err
		}
		m, err := t.session.next()
		if err != nil {
			return reset()
		}
		switch {
		case m.kind == 'A':
			t.hear(m)
			continue
		case m.kind == 'E':
			m = t.mend(o, m)
		case m.kind == 'Z' && !t.mute:
			t.handOn()
		}
		if !(t.mute && m.kind == 'Z') {
			t.answer(m.raw)
		}
		t.note(o, m)
		switch m.kind {
		case 'Z':
			return nil
		case 'E':
			if until != ready {
				return t.aborted()
			}
		case 'C', 'I', 's':
			if until == complete {
				return nil
			}
		case 'G', 'W':
			if t.copying = o; o != nil {
				return nil
			}
		case '1', '2', '3', 'n', 'T', 't':
			if until == anything {
				return nil
			}
		}
	}
}

// aborted waits until the server has undone what has failed: it tells so when it is
// ready, for which the client has not asked yet.
func (t *talk) aborted() error {
	t.mute = true
	t.owed++
	err := t.session.send([]byte{'S', 0, 0, 0, 4})
	if err == nil {
		err = t.relay(nil, ready)
	}
	t.mute, t.failed = false, true
	return err
}

// note takes down what the server says.
func (t *talk) note(o *operation, m message) {
	switch m.kind {
	case 'Z':
		t.owed--
		t.begun, t.failed, t.described, t.status = false, false, nil, m.body()[0]
		if t.status == 'I' {
			t.settle(!t.erred && t.tag != "ROLLBACK")
		}
		t.erred = false
	case 'E':
		t.erred, t.ending = true, false
	case 'C':
		t.tag = string(bytes.TrimRight(m.body(), "\x00"))
		if o != nil {
			o.tag = t.tag
			if len(o.fields) == 0 {
				o.fields = o.columns.fields
			}
		}
	case 't':
		var d pgproto3.ParameterDescription
		if len(t.described) > 0 && d.Decode(bytes.Clone(m.body())) == nil {
			t.described[0].parameters = d.ParameterOIDs
		}
	case 'T':
		t.noteFields(o, m)
	case 'n':
		if len(t.described) > 0 {
			t.described = t.described[1:]
		}
	case 'D':
		if o != nil && o.call != nil {
			t.noteRow(o, m)
		}
	}
}

func (t *talk) noteFields(o *operation, m message) {
	var d pgproto3.RowDescription
	if d.Decode(bytes.Clone(m.body())) != nil {
		return
	}
	if len(t.described) > 0 {
		t.described[0].fields = d.Fields
		t.described = t.described[1:]
	} else if o != nil {
		o.columns.fields, o.rows = d.Fields, nil // of several statements, the last
	}
}

func (t *talk) noteRow(o *operation, m message) {
	o.fields = o.columns.fields
	if o.size += len(m.raw); o.size > sqlprobe.MostRead {
		o.rows = nil
		return
	}
	var d pgproto3.DataRow
	if d.Decode(bytes.Clone(m.body())) != nil || len(d.Values) != len(o.fields) {
		return
	}
	row := make([]driver.Value, len(d.Values))
	for i, v := range d.Values {
		row[i] = pgprobe.Value(t.b.types, o.fields[i].DataTypeOID, pgprobe.Format(o.columns.formats, i, o.fields[i].Format), v)
	}
	o.rows = append(o.rows, row)
}

// mend makes an error of the server what it stands for: of a deadlock that we have
// found, of a time that we keep, of what is not simulated.
func (t *talk) mend(o *operation, m message) message {
	e := errorOf(m)
	changed := false
	switch {
	case o != nil && o.victim && e.Code == "57014":
		e.Code, e.Message, e.Detail, changed = "40P01", "deadlock detected", "Sessions wait for each other; this one was chosen to end it.", true
	case o != nil && o.expiry != "" && e.Code == "57014":
		e.Message, changed = "canceling statement due to "+o.expiry, true
		if o.expiry == "lock timeout" {
			e.Code = "55P03"
		}
	case e.Code == "WT001":
		t.b.kernel.Lacks("PostgreSQL's " + strings.TrimPrefix(e.Message, "wtsim does not have "))
	}
	if o != nil {
		o.code, o.message = e.Code, e.Message
	}
	if changed {
		if raw, err := e.Encode(nil); err == nil {
			return message{'E', raw}
		}
	}
	return m
}

// stamp tells the session what time it is, and what the statement draws its chance
// from: with messages to which the server gives so many answers, and whether it is
// ready then. A transaction that has failed does not care.
func (t *talk) stamp(o *operation) (b []byte, answers int, ready bool) {
	if t.status == 'E' || t.failed {
		return nil, 0, false
	}
	now := t.b.kernel.Now()
	if t.status == 'I' && !t.begun {
		t.since = now
	}
	seed := ""
	if o.call != nil {
		from := t.b.kernel.Origin(o.call)
		h := fnv.New64a()
		fmt.Fprintf(h, "%s %s %d", from.Task.Text, cloud.Mask(o.text), from.Number)
		seed = strconv.FormatUint(h.Sum64(), 16)
	}
	at := strings.Join([]string{micros(t.since), micros(now), seed, strconv.Itoa(t.number), t.database}, "|")
	texts := []string{"SET wtsim.at = " + quote(at)}
	if t.timed {
		texts = append(texts, "SHOW wtsim.lock_timeout", "SHOW wtsim.statement_timeout", "SHOW wtsim.synchronous_commit")
	}
	for _, text := range texts {
		b = appendAll(b, &pgproto3.Parse{Name: "wtsim", Query: text}, &pgproto3.Bind{DestinationPortal: "wtsim", PreparedStatement: "wtsim"},
			&pgproto3.Execute{Portal: "wtsim"}, &pgproto3.Close{ObjectType: 'P', Name: "wtsim"}, &pgproto3.Close{ObjectType: 'S', Name: "wtsim"})
	}
	if !t.begun {
		b = append(b, 'S', 0, 0, 0, 4)
	}
	return b, 5 * len(texts), !t.begun
}

// stamped reads what the server says to a stamp.
func (t *talk) stamped(answers int, synced bool) error {
	var shown []string
	defer func() { t.heed(shown) }()
	for answers > 0 || synced {
		m, err := t.session.next()
		switch {
		case err != nil:
			return err
		case m.kind == 'E':
			return fmt.Errorf("postgres: the time cannot be told: %w", failure(m))
		case m.kind == 'Z':
			return nil
		case m.kind == 'D':
			shown = append(shown, texts(m)[0])
		case m.kind == 'A':
			t.hear(m)
		case m.kind == '1' || m.kind == '2' || m.kind == '3' || m.kind == 'C':
			answers--
		}
	}
	return nil
}

// heed takes what the settings are that we keep, in the order in which a stamp asks.
func (s *settings) heed(shown []string) {
	s.timeouts, s.waitsForStandby = nil, true
	if len(shown) == 3 {
		s.timeouts = []time.Duration{duration(shown[0]), duration(shown[1])}
		s.waitsForStandby = !slices.Contains([]string{"off", "local", "false", "no", "0"}, strings.ToLower(shown[2]))
	}
}

// duration reads a timeout, as PostgreSQL writes it: "5s", "100".
func duration(s string) time.Duration {
	s = strings.ReplaceAll(strings.ReplaceAll(s, " ", ""), "min", "m")
	if n, err := strconv.Atoi(s); err == nil {
		return time.Duration(n) * time.Millisecond
	}
	d, _ := time.ParseDuration(s) // what it is not the server would refuse
	return d
}

func micros(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func appendAll(b []byte, messages ...pgproto3.FrontendMessage) []byte {
	for _, m := range messages {
		var err error
		if b, err = m.Encode(b); err != nil {
			panic("postgres: a message of ours is too long: " + err.Error()) // it is not
		}
	}
	return b
}

func queryMessage(sql string) []byte { return appendAll(nil, &pgproto3.Query{String: sql}) }

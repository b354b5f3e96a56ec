package pgprobe

import (
	"bytes"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/wtsim/wtsim/probe/sqlprobe"
)

var (
	errBroken = errors.New("it is none of PostgreSQL's, as far as the protocol's version 3 goes")
	errOther  = errors.New("a request to cancel, or for encryption")
)

const greeting = 0 // the kind of a client's first message, which has none

// watch follows one connection. It knows what the server owes answers to, in order.
// https://www.postgresql.org/docs/current/protocol-flow.html
type watch struct {
	told       *sqlprobe.Told
	types      *pgtype.Map
	out, in    stream
	first      bool // the client has said nothing yet
	never      bool // of the server's messages none lacks its kind
	statements map[string]*statement
	portals    map[string]*portal
	owed       []*owed
	ended      []*owed // statements that are over, since the server was ready
	within     bool    // a transaction, when it was
	skips      bool    // after an error, until the client's next Sync
}

// statement is one that is prepared.
type statement struct {
	text       string
	parameters []uint32
	fields     []pgproto3.FieldDescription
}

// portal is a statement with its arguments.
type portal struct {
	of     *statement
	bind   pgproto3.Bind
	fields []pgproto3.FieldDescription
}

// owed is a message of the client's that the server has not answered yet.
type owed struct {
	kind   byte
	of     *statement // described
	portal *portal    // described, or executed
	text   string     // that is carried out
	wanted bool       // somebody wants to be told
	look   bool       // at its answer too

	tag    string
	fields []pgproto3.FieldDescription
	rows   [][]driver.Value
	size   int
	err    error
}

func newWatch(told *sqlprobe.Told) *watch {
	return &watch{told: told, types: pgtype.NewMap(), first: true, statements: map[string]*statement{}, portals: map[string]*portal{}}
}

// sent takes what the client sends.
func (w *watch) sent(b []byte) error { return w.out.cut(b, &w.first, w.client) }

// received takes what the server sends.
func (w *watch) received(b []byte) error { return w.in.cut(b, &w.never, w.server) }

func (w *watch) client(kind byte, body []byte) error {
	if w.skips && kind != 'S' && kind != 'X' {
		return nil
	}
	o := &owed{kind: kind}
	switch kind {
	case greeting:
		if len(body) < 4 || binary.BigEndian.Uint32(body)>>16 != 3 {
			return errOther
		}
	case 'Q':
		o.carries(w, string(bytes.TrimRight(body, "\x00")))
	case 'P':
		var p pgproto3.Parse
		if err := p.Decode(body); err != nil {
			return err
		}
		w.statements[p.Name] = &statement{text: p.Query, parameters: append([]uint32(nil), p.ParameterOIDs...)}
	case 'B':
		p := &portal{}
		if err := p.bind.Decode(bytes.Clone(body)); err != nil {
			return err
		}
		if p.of = w.statements[p.bind.PreparedStatement]; p.of == nil {
			p.of = &statement{}
		}
		w.portals[p.bind.DestinationPortal] = p
	case 'D':
		w.describes(o, body)
	case 'E':
		name, _, _ := strings.Cut(string(body), "\x00")
		if o.portal = w.portals[name]; o.portal != nil {
			o.carries(w, o.portal.of.text)
		}
	case 'C':
		w.closes(body)
	case 'S':
		w.skips = false
	case 'F':
	default: // passwords, rows of COPY, Flush, the end
		return nil
	}
	w.owed = append(w.owed, o)
	return nil
}

func (o *owed) carries(w *watch, text string) {
	o.text = text
	o.wanted, o.look = w.told.Asks(text)
}

// describes is what a description is of.
func (w *watch) describes(o *owed, body []byte) {
	if len(body) == 0 {
		return
	}
	name := bytes.TrimRight(body[1:], "\x00")
	if body[0] == 'S' {
		o.of = w.statements[string(name)]
	} else {
		o.portal = w.portals[string(name)]
	}
}

func (w *watch) closes(body []byte) {
	if len(body) == 0 {
		return
	}
	if name := string(bytes.TrimRight(body[1:], "\x00")); body[0] == 'S' {
		delete(w.statements, name)
	} else {
		delete(w.portals, name)
	}
}

// server takes a message of the server's.
func (w *watch) server(kind byte, body []byte) error {
	switch kind {
	case 'R', 'K', 'N', 'A', 'S', 'v', 'd', 'c', 'G', 'H', 'W': // signing in, notices, COPY
		return nil
	}
	if len(w.owed) == 0 {
		return errBroken
	}
	o := w.owed[0]
	switch kind {
	case 'Z':
		switch o.kind {
		case greeting, 'S', 'F':
		case 'Q':
			w.ended = append(w.ended, o)
		default:
			return errBroken
		}
		w.over()
		w.ready(len(body) == 1 && body[0] != 'I')
	case 'E':
		return w.failed(o, body)
	case 't':
		var d pgproto3.ParameterDescription
		if err := d.Decode(body); err == nil && o.of != nil {
			o.of.parameters = append([]uint32(nil), d.ParameterOIDs...)
		}
	case 'T':
		w.fields(o, body)
	case 'D':
		w.row(o, body)
	case '1', '2', '3', 'n', 'V':
		w.over()
	case 'C', 'I', 's':
		if o.tag = string(bytes.TrimRight(body, "\x00")); kind != 'C' {
			o.tag = ""
		}
		if o.kind == 'E' {
			w.ended = append(w.ended, o)
			w.over()
		}
	default:
		return errBroken
	}
	return nil
}

// over is the end of what is owed first.
func (w *watch) over() { w.owed = w.owed[1:] }

// failed notes an error: what the client sends until the next Sync is not looked at.
func (w *watch) failed(o *owed, body []byte) error {
	var e pgproto3.ErrorResponse
	if err := e.Decode(body); err != nil {
		return err
	}
	o.err = &failure{e.Code, e.Message}
	switch o.kind {
	case 'Q': // the server is ready then
		return nil
	case 'E':
		w.ended = append(w.ended, o)
	}
	for w.skips = true; len(w.owed) > 0; w.over() {
		if w.owed[0].kind == 'S' {
			w.skips = false
			break
		}
	}
	return nil
}

// ready tells of the statements that are over: outside of a transaction those of one
// pipeline are one, which an error undoes.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
func (w *watch) ready(within bool) {
	undone := !w.within && !within && slices.ContainsFunc(w.ended, func(o *owed) bool { return o.err != nil })
	last := len(w.ended)
	for i, o := range slices.Backward(w.ended) {
		if !undone || o.tag == "COMMIT" || o.tag == "ROLLBACK" {
			break
		}
		last = i
	}
	for i, o := range w.ended {
		if i >= last && o.err == nil {
			o.err = &failure{"ROLLBACK", "its pipeline has failed"}
		}
		w.tell(o)
	}
	w.ended, w.within = nil, within
}

// failure is an error of the server's.
type failure struct{ code, message string }

func (f *failure) Error() string    { return f.message }
func (f *failure) SQLState() string { return f.code }

func (w *watch) fields(o *owed, body []byte) {
	var d pgproto3.RowDescription
	if d.Decode(bytes.Clone(body)) != nil {
		return
	}
	switch {
	case o.kind == 'Q':
		o.fields, o.rows, o.size = d.Fields, nil, 0 // of several statements, the last
		return
	case o.of != nil:
		o.of.fields = d.Fields
	case o.portal != nil:
		o.portal.fields = d.Fields
	}
	w.over()
}

// row notes a row of an answer.
func (w *watch) row(o *owed, body []byte) {
	if !o.look {
		return
	}
	if o.size += len(body) + 5; o.size > sqlprobe.MostRead {
		o.rows = nil
		return
	}
	var formats []int16
	if o.portal != nil {
		if formats = o.portal.bind.ResultFormatCodes; o.portal.fields == nil {
			o.portal.fields = o.portal.of.fields
		}
		o.fields = o.portal.fields
	}
	var d pgproto3.DataRow
	if d.Decode(bytes.Clone(body)) != nil || len(d.Values) != len(o.fields) {
		return
	}
	row := make([]driver.Value, len(d.Values))
	for i, raw := range d.Values {
		row[i] = Value(w.types, o.fields[i].DataTypeOID, Format(formats, i, o.fields[i].Format), raw)
	}
	o.rows = append(o.rows, row)
}

// tell tells of a statement that is over.
func (w *watch) tell(o *owed) {
	var args []driver.NamedValue
	var answer []byte
	if o.wanted && o.portal != nil {
		args = Arguments(w.types, &o.portal.bind, o.portal.of.parameters)
		if o.fields == nil {
			o.fields = o.portal.of.fields
		}
	}
	if o.wanted && o.err == nil {
		answer = sqlprobe.Answer(Affected(o.tag), namesOf(o.fields), o.rows)
	}
	w.told.Ended(o.text, args, answer, o.err)
}

func namesOf(fields []pgproto3.FieldDescription) []string {
	var out []string
	for _, f := range fields {
		out = append(out, string(f.Name))
	}
	return out
}

// Affected is how many rows a command's tag tells; negative if it tells none.
func Affected(tag string) int64 {
	n, err := strconv.ParseInt(tag[strings.LastIndexByte(tag, ' ')+1:], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// Format is the format of a column: of all, of its own, or else.
func Format(formats []int16, i int, otherwise int16) int16 {
	switch {
	case len(formats) == 1:
		return formats[0]
	case i < len(formats):
		return formats[i]
	}
	return otherwise
}

// Value is one that was sent, as database/sql has it.
func Value(types *pgtype.Map, oid uint32, format int16, raw []byte) driver.Value {
	if raw == nil {
		return nil
	}
	if kind, ok := types.TypeForOID(oid); ok {
		if v, err := kind.Codec.DecodeDatabaseSQLValue(types, oid, format, raw); err == nil {
			return v
		}
	}
	if format == pgtype.TextFormatCode {
		return string(raw)
	}
	return raw
}

// Arguments are those that a portal is bound to.
func Arguments(types *pgtype.Map, bind *pgproto3.Bind, parameters []uint32) []driver.NamedValue {
	var out []driver.NamedValue
	for i, raw := range bind.Parameters {
		oid := uint32(0)
		if i < len(parameters) {
			oid = parameters[i]
		}
		format := Format(bind.ParameterFormatCodes, i, pgtype.TextFormatCode)
		out = append(out, driver.NamedValue{Ordinal: i + 1, Value: Value(types, oid, format, raw)})
	}
	return out
}

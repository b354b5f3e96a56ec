package sqlprobe

import (
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/wtsim/wtsim/event"
)

// Describe tells what operation a statement is, but its service: for who sees
// statements in another way, such as a server.
func Describe(op *event.Operation, text string, args []driver.NamedValue) {
	st := parse(text)
	describe(op, st)
	op.Request.Body, op.Request.JSON = appendRequest(nil, st, args), true
}

// Answer is what a statement was answered, as rules see it, for who sees statements in
// another way: how many rows are affected, if that is not negative, and the rows of a
// query.
func Answer(affected int64, columns []string, rows [][]driver.Value) []byte {
	o := object{}
	if affected >= 0 {
		o.name("rowsAffected")
		o.b = strconv.AppendInt(o.b, affected, 10)
	}
	if len(columns) > 0 {
		o.name("rows")
		o.b = append(o.b, '[')
		for i, values := range rows {
			if i > 0 {
				o.b = append(o.b, ',')
			}
			row := object{b: o.b}
			for k, v := range values {
				row.name(columns[k])
				row.b = appendValue(row.b, v)
			}
			o.b = row.end()
		}
		o.b = append(o.b, ']')
	}
	return o.end()
}

func describe(op *event.Operation, st *statement) {
	op.Method, op.Resource, op.Access, op.Fails = st.method, st.resource, st.access, fails
}

// fails: what a client sees of a database that does not answer is its connection.
var fails = []string{"reset"}

// object writes a JSON object.
type object struct {
	b     []byte
	begun bool
}

func (o *object) name(s string) {
	if o.b = append(o.b, ','); !o.begun {
		o.b[len(o.b)-1], o.begun = '{', true
	}
	o.b = append(appendText(o.b, s), ':')
}

func (o *object) end() []byte {
	if !o.begun {
		o.b = append(o.b, '{')
	}
	return append(o.b, '}')
}

// appendRequest is a statement with its arguments, as rules see it.
func appendRequest(b []byte, st *statement, args []driver.NamedValue) []byte {
	o := object{b: b}
	o.name("statement")
	o.b = appendText(o.b, st.text)
	if len(args) > 0 && args[0].Name == "" {
		o.name("args")
		for i := range args {
			o.b = appendValue(append(o.b, opening(i)), args[i].Value)
		}
		o.b = append(o.b, ']')
	} else if len(args) > 0 {
		o.name("named")
		named := object{b: o.b}
		for i := range args {
			named.name(args[i].Name)
			named.b = appendValue(named.b, args[i].Value)
		}
		o.b = named.end()
	}
	if len(st.tables) > 0 {
		o.name("tables")
		for i, t := range st.tables {
			o.b = appendText(append(o.b, opening(i)), t)
		}
		o.b = append(o.b, ']')
	}
	if len(st.rows) > 0 {
		o.name("rows")
		for i, row := range st.rows {
			o.b = appendFields(append(o.b, opening(i)), row, args)
		}
		o.b = append(o.b, ']')
	}
	if len(st.set) > 0 {
		o.name("set")
		o.b = appendFields(o.b, st.set, args)
	}
	if len(st.where) > 0 {
		o.name("where")
		o.b = appendFields(o.b, st.where, args)
	}
	return o.end()
}

// opening is what stands before the i-th element of an array.
func opening(i int) byte {
	if i == 0 {
		return '['
	}
	return ','
}

func appendFields(b []byte, fields []field, args []driver.NamedValue) []byte {
	o := object{b: b}
	for _, f := range fields {
		v, ok := f.value.of(args)
		switch {
		case f.value.literal != "":
			o.name(f.column)
			o.b = append(o.b, f.value.literal...)
		case ok:
			o.name(f.column)
			o.b = appendValue(o.b, v)
		}
	}
	return o.end()
}

// of is the argument that a parameter stands for.
func (v *value) of(args []driver.NamedValue) (driver.Value, bool) {
	for i := range args {
		if args[i].Name == v.name && v.name != "" || args[i].Name == "" && v.ordinal == i+1 {
			return args[i].Value, true
		}
	}
	return nil, false
}

// appendAnswer is what Exec answers.
func appendAnswer(b []byte, r driver.Result) []byte {
	o := object{b: b}
	if n, err := r.RowsAffected(); err == nil {
		o.name("rowsAffected")
		o.b = strconv.AppendInt(o.b, n, 10)
	}
	if n, err := r.LastInsertId(); err == nil {
		o.name("lastInsertId")
		o.b = strconv.AppendInt(o.b, n, 10)
	}
	return o.end()
}

func appendValue(b []byte, v driver.Value) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case bool:
		return strconv.AppendBool(b, v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return appendText(b, strconv.FormatFloat(v, 'g', -1, 64))
		}
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case string:
		if isDocument(v) {
			return append(b, v...)
		}
		return appendText(b, v)
	case []byte:
		if s := string(v); isDocument(s) {
			return append(b, s...)
		} else if utf8.ValidString(s) {
			return appendText(b, s)
		}
		return appendText(b, base64.StdEncoding.EncodeToString(v))
	case time.Time:
		return appendText(b, v.UTC().Format(time.RFC3339Nano))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, text...)
}

// isDocument tells whether a text is an object or an array of JSON.
func isDocument(s string) bool {
	return s != "" && (s[0] == '{' || s[0] == '[') && json.Valid([]byte(s))
}

// appendText writes a JSON string.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			text, err := json.Marshal(s)
			if err != nil {
				panic("sqlprobe: a string is JSON: " + err.Error())
			}
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

package event

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Decode reads one CloudEvent from a line of JSON. The error says what is
// missing or wrong and what was wanted.
func Decode(line []byte) (Event, error) {
	var e Event
	err := DecodeInto(&e, string(line))
	if err != nil {
		return Event{}, err
	}
	return e, nil
}

// DecodeInto is Decode for many lines: the event's strings are parts of the
// line where they can be, and its Data is overwritten in place. After an
// error the event is of no use.
//
// A name that occurs twice, where two readers could take different values, is
// an error. So is what JSON allows and no event is.
func DecodeInto(e *Event, line string) error {
	if !utf8.ValidString(line) {
		return errors.New("not UTF-8, wanted a CloudEvent in JSON")
	}
	d := decoder{scanner: scanner{s: line}, e: e}
	*e = Event{Data: e.Data[:0]}
	if err := d.attributes(); err != nil {
		return err
	}
	if d.next(); d.i < len(line) {
		return fmt.Errorf("not a CloudEvent in JSON: %w", d.unexpected("the end of the line"))
	}
	return d.complete()
}

// decoder reads one CloudEvent.
type decoder struct {
	scanner
	e     *Event
	seen  [len(attributes)]bool
	data  bool                  // data is there and not null
	given [len(attributes)]bool // as a string
	texts [len(attributes)]string
	lossy bool // is there
}

// attributes are the names that an event has; data is read apart. Those
// before sequence are required.
var attributes = [...]string{"specversion", "id", "source", "type", "time", "sequence", "invocation"}

const required = 5

func (d *decoder) attributes() error {
	var wrong error // what is well-formed JSON, but no event
	err := d.each(func(name string) error {
		if name == "data" {
			return d.readData(&wrong)
		}
		if name == "lossy" {
			return d.readLossy(&wrong)
		}
		i := slices.Index(attributes[:], name)
		if i < 0 {
			_, err := d.value()
			return err
		}
		if d.seen[i] && wrong == nil {
			wrong = twice(name)
		}
		d.seen[i] = true
		v, err := d.value()
		switch {
		case err != nil:
			return err
		case v.kind == String:
			d.given[i], d.texts[i] = true, v.text
		case v.kind != Null && wrong == nil:
			wrong = fmt.Errorf("%s is %s, wanted a string", name, v.text)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("not a CloudEvent in JSON: %w", err)
	}
	return wrong
}

func (d *decoder) readLossy(wrong *error) error {
	v, err := d.value()
	if err != nil {
		return err
	}
	if d.lossy && *wrong == nil {
		*wrong = twice("lossy")
	}
	d.lossy = true
	switch {
	case v.kind == Null:
	case v.text == "true" || v.text == "false":
		d.e.Lossy = v.text == "true"
	case *wrong == nil:
		*wrong = fmt.Errorf("lossy is %s, wanted true or false", v.text)
	}
	return nil
}

func twice(name string) error { return fmt.Errorf("%q occurs twice, wanted each name once", name) }

func (d *decoder) readData(wrong *error) error {
	if d.data && *wrong == nil {
		*wrong = twice("data")
	}
	if d.next() != '{' {
		v, err := d.value()
		if err == nil && v.kind != Null && *wrong == nil {
			*wrong = errors.New("data is not an object")
		}
		return err
	}
	d.data = true
	sorted := true
	err := d.each(func(name string) error {
		v, err := d.value()
		if n := len(d.e.Data); n > 0 && d.e.Data[n-1].Name >= name {
			sorted = false
		}
		d.e.Data = append(d.e.Data, Field{name, v})
		return err
	})
	if !sorted {
		slices.SortFunc(d.e.Data, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
		for i := range d.e.Data[1:] {
			if name := d.e.Data[i].Name; name == d.e.Data[i+1].Name && *wrong == nil {
				*wrong = twice("data." + name)
			}
		}
	}
	return err
}

// complete checks the attributes and moves them to the event.
func (d *decoder) complete() error {
	if v := d.texts[0]; d.given[0] && v != "1.0" {
		return fmt.Errorf("specversion is %q, wanted \"1.0\"", v)
	}
	for i, name := range attributes[:required] {
		if d.texts[i] == "" {
			return fmt.Errorf("%s is missing, wanted a non-empty string", name)
		}
	}
	at, err := parseTime(d.texts[4])
	if err != nil {
		return err
	}
	e := d.e
	e.ID, e.Source, e.Type, e.Time = d.texts[1], d.texts[2], d.texts[3], at
	e.Sequence, e.Invocation = d.texts[5], d.texts[6]
	if d.given[5] && !isDecimal(e.Sequence) {
		return fmt.Errorf("sequence is %q, wanted a decimal string", e.Sequence)
	}
	switch {
	case !d.data:
		e.Data = nil
	case e.Data == nil:
		e.Data = Data{}
	}
	return nil
}

// parseTime reads RFC 3339: what time.Parse takes, and T and Z in lower case;
// not a comma for the point, nor more than nine decimals. All of a leap second,
// which no day of 86400 seconds has, is the last nanosecond before it: so it
// comes after what came before, and before what comes after. Events in it have
// the order of the file, or of their source.
func parseTime(s string) (time.Time, error) {
	bad := func() (time.Time, error) { return time.Time{}, fmt.Errorf("time is %q, wanted RFC 3339", s) }
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' || s[16] != ':' {
		return bad()
	}
	year, ok := number(s[:4], 9999)
	month, ok1 := number(s[5:7], 12)
	day, ok2 := number(s[8:10], 31)
	hour, ok3 := number(s[11:13], 23)
	minute, ok4 := number(s[14:16], 59)
	second, ok5 := number(s[17:19], 60)
	if !(ok && ok1 && ok2 && ok3 && ok4 && ok5) || month < 1 || day < 1 || day > daysIn(year, month) {
		return bad()
	}
	nano, rest := 0, s[19:]
	if rest[0] == '.' {
		n := 1
		for ; n < len(rest) && rest[n] >= '0' && rest[n] <= '9'; n++ {
			if n > 9 {
				return time.Time{}, fmt.Errorf("time %q has more than nine decimals", s)
			}
			nano = nano*10 + int(rest[n]-'0')
		}
		if n == 1 {
			return bad()
		}
		for i := n; i < 10; i++ {
			nano *= 10
		}
		rest = rest[n:]
	}
	offset, ok := zone(rest)
	if !ok {
		return bad()
	}
	leap := second == 60
	if leap {
		second, nano = 59, 1e9-1
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nano, time.UTC)
	if offset != 0 {
		t = t.Add(-time.Duration(offset) * time.Minute)
	}
	if next := t.Add(1); leap && (next.Day() != 1 || next.Hour() != 0 || next.Minute() != 0 || next.Second() != 0) {
		return time.Time{}, fmt.Errorf("time is %q, a leap second that there is not, wanted one at the end of a month in UTC", s)
	}
	return t, nil
}

// zone reads the end of a time: the minutes that it is ahead of UTC.
func zone(s string) (minutes int, ok bool) {
	if len(s) == 1 {
		return 0, s[0]|0x20 == 'z'
	}
	if len(s) != len("+00:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	h, ok := number(s[1:3], 23)
	m, ok2 := number(s[4:6], 59)
	if minutes = h*60 + m; s[0] == '-' {
		minutes = -minutes
	}
	return minutes, ok && ok2
}

// number reads digits only, as a number up to a limit.
func number(s string, limit int) (n int, ok bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n <= limit
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

func isDecimal(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

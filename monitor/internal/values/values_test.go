package values

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/codec"
)

func number(t *testing.T, text string) event.Value {
	t.Helper()
	v, err := event.Num(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Equal values have one canonical number, however they are written; what was
// written comes back, after a sweep and after a restart too.
func TestTable(t *testing.T) {
	table := &Table{}
	one, spelt := table.Symbol(number(t, "1")), table.Symbol(number(t, "1.0"))
	text := table.Symbol(event.Str("1"))
	if one == spelt || spelt&Spelt == 0 || table.Canonical(spelt) != one || table.Canonical(text) == one {
		t.Errorf("got %d, %d, %d", one, spelt, text)
	}
	var all []Symbol
	for i := range 5000 {
		all = append(all, table.Symbol(event.Str(fmt.Sprint("value-", i))))
	}
	live := make([]bool, len(table.Known))
	for i := 0; i < len(all); i += 3 {
		live[all[i]] = true
	}
	live[one], live[spelt&^Spelt] = true, true
	moved := table.Sweep(live)
	for i := 0; i < len(all); i += 3 {
		if v := event.Str(fmt.Sprint("value-", i)); table.Symbol(v) != moved[all[i]] || !table.Value(moved[all[i]]).Equal(v) {
			t.Fatalf("%d is another value after a sweep", i)
		}
	}
	if s := table.Symbol(number(t, "1.0")); table.Value(s).Text() != "1.0" || table.Canonical(s) != table.Symbol(number(t, "1")) {
		t.Errorf("got %q", table.Value(s).Text())
	}
}

// Lists of numbers come back, and those of no value do not.
func TestEncode(t *testing.T) {
	table := &Table{}
	all := []Symbol{table.Symbol(event.Str("a")), table.Symbol(event.Boolean(true))}
	for want, list := range map[string][]Symbol{"": all, "damaged at byte 3: there is no such value": {0, 7}} {
		var saved bytes.Buffer
		e := codec.NewEncoder(&saved)
		EncodeSymbols(e, list)
		if err := e.Close(&saved); err != nil {
			t.Fatal(err)
		}
		d := codec.NewDecoder(&saved)
		got := DecodeSymbols(d, table, 2)
		if err := d.Close(); want == "" && (err != nil || got[0] != all[0] || got[1] != all[1]) || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("got %v, %v, want %q", got, err, want)
		}
	}
}

package codec

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
)

func written(t *testing.T) []byte {
	t.Helper()
	var saved bytes.Buffer
	e := NewEncoder(&saved)
	e.Uint(math.MaxUint64)
	e.Int(math.MinInt64)
	e.Count(300)
	e.Bits(1)
	e.Bool(true)
	e.Text(strings.Repeat("long", 50_000))
	if err := e.Close(&saved); err != nil {
		t.Fatal(err)
	}
	return saved.Bytes()
}

func read(b []byte) (ok bool, err error) {
	d := NewDecoder(bytes.NewReader(b))
	ok = d.Uint() == math.MaxUint64 && d.Int() == math.MinInt64 && d.Count() == 300 && d.Bits() == 1 && d.Bool() && len(d.Text()) == 200_000
	return ok, d.Close()
}

// What is written is read, and nothing else is: not with a byte changed, cut
// off or added.
func TestCodec(t *testing.T) {
	good := written(t)
	if ok, err := read(good); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for at := 0; at < len(good); at += 1 + at/40 {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		if _, err := read(bad); err == nil {
			t.Errorf("byte %d can be changed", at)
		}
		if _, err := read(good[:at]); err == nil {
			t.Errorf("it can end at byte %d", at)
		}
	}
	if _, err := read(append(good, 0)); err == nil {
		t.Error("something can follow")
	}
}

// The first error stays, with its place; afterwards everything is zero.
func TestFail(t *testing.T) {
	d := NewDecoder(bytes.NewReader([]byte{200, 1, 5}))
	if n := d.Below(100, "a place"); n != 0 || d.Err == nil || d.Err.Error() != "damaged at byte 2: a place is 200, wanted less than 100" {
		t.Errorf("got %d, %v", n, d.Err)
	}
	first := d.Err
	if d.Uint() != 0 || d.Text() != "" || d.Bool() || !errors.Is(d.Close(), first) {
		t.Errorf("got %v", d.Err)
	}
}

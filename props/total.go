package props

import (
	"fmt"
	"math"
	"math/big"
	"strconv"

	"github.com/wtsim/wtsim/event"
)

// Total is an exact sum of numbers. The zero Total is 0.
type Total struct {
	n     int64 // times ten to the power of power, where far is nil
	power int
	far   *big.Int // instead of n
}

// Summable reports whether a value is a number that can be summed up: of less
// than a thousand digits, and a power of ten below that.
func Summable(v event.Value) bool {
	_, ok := read(v, maxDigits)
	return ok
}

// TotalOf returns a number as a sum; false if it is none, or far beyond what
// [Summable] numbers come to.
func TotalOf(v event.Value) (Total, bool) { return read(v, 10*maxDigits) }

func read(v event.Value, bound int) (Total, bool) {
	if v.Kind() != event.Number {
		return Total{}, false
	}
	text := v.Canonical().Text()
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Total{n: n}, true
	}
	t, ok := parseTenths(text, bound)
	return totalOf(t), ok
}

func totalOf(t tenths) Total {
	if t.n != nil && t.n.IsInt64() {
		return Total{n: t.n.Int64(), power: t.power}
	}
	return Total{power: t.power, far: t.n}
}

func (t Total) tenths() tenths {
	if t.far != nil {
		return tenths{t.far, t.power}
	}
	return tenths{big.NewInt(t.n), t.power}
}

// Plus returns the sum of two.
func (t Total) Plus(u Total) Total {
	if t.far == nil && u.far == nil && t.power == u.power {
		if sum := t.n + u.n; (sum > t.n) == (u.n > 0) {
			return Total{n: sum, power: t.power}
		}
	}
	return totalOf(t.tenths().plus(u.tenths()))
}

// Minus returns the difference of two.
func (t Total) Minus(u Total) Total {
	if u.far == nil && u.n > math.MinInt64 {
		return t.Plus(Total{n: -u.n, power: u.power})
	}
	return totalOf(t.tenths().minus(u.tenths()))
}

// Equal tells whether two sums are the same number.
func (t Total) Equal(u Total) bool { return t.Value().Equal(u.Value()) }

// Value returns the sum as a number.
func (t Total) Value() event.Value {
	if t.far == nil && t.power == 0 {
		return event.Int(t.n)
	}
	x := t.tenths()
	v, err := event.Num(fmt.Sprintf("%de%d", x.n, x.power))
	if err != nil {
		panic("props: a whole number with an exponent is a number: " + err.Error())
	}
	return v.Canonical()
}

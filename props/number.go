package props

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/wtsim/wtsim/event"
)

// Numbers of guards. A number that is whole and has 64 bits is CEL's int; any
// other is a number, which CEL takes for a double but which is exact. So two
// numbers that are equal are one value, in ==, in lists and as keys, as they
// are in bindings, and no others are.
//
// Sums, differences and products are exact too, as long as their digits and
// exponents are below a thousand. Quotients beyond 64 bits and of decimals are
// rounded as doubles are.

// number is the canonical text of one that is no int. Infinities and what is
// no number, which only arithmetic comes to, stay CEL's doubles.
type number string

// maxDigits bounds what arithmetic does exactly.
const maxDigits = 1000

// numberOf returns the number that a text of JSON is.
func numberOf(text string) ref.Val {
	v, err := event.Num(text)
	if err != nil {
		return types.NewErr("%s is no number", text)
	}
	return canonicalNumber(v.Canonical().Text())
}

func canonicalNumber(text string) ref.Val {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return types.Int(n)
	}
	return number(text)
}

func numberOfFloat(f float64) ref.Val {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return types.Double(f)
	}
	return numberOf(strconv.FormatFloat(f, 'g', -1, 64))
}

// ConvertToNative implements ref.Val.
func (n number) ConvertToNative(t reflect.Type) (any, error) {
	return types.Double(n.float()).ConvertToNative(t)
}

// ConvertToType implements ref.Val. An int is cut off after the point, as of a
// double.
func (n number) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.DoubleType:
		return n
	case types.StringType:
		return types.String(strconv.FormatFloat(n.float(), 'g', -1, 64))
	case types.IntType:
		if x, ok := parseDecimal(string(n)); ok {
			return x.whole()
		}
		return types.NewErr("%s is no int, wanted at most 64 bits", string(n))
	case types.TypeType:
		return types.DoubleType
	}
	return types.NewErr("type conversion error from 'double' to '%s'", t)
}

// Equal implements ref.Val.
func (n number) Equal(other ref.Val) ref.Val {
	m, ok := other.(number)
	return types.Bool(ok && m == n)
}

// Type implements ref.Val.
func (number) Type() ref.Type { return types.DoubleType }

// Value implements ref.Val.
func (n number) Value() any { return n.float() }

// Negate implements traits.Negater.
func (n number) Negate() ref.Val { return arithmetically(subtracting, types.Int(0), n) }

func (n number) float() float64 {
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		panic("props: a number is written as one: " + err.Error())
	}
	return f
}

// textOf returns the canonical text of a number; false for infinities and
// what is none.
func textOf(v ref.Val) (string, bool) {
	switch v := v.(type) {
	case types.Int:
		return strconv.FormatInt(int64(v), 10), true
	case number:
		return string(v), true
	}
	return "", false
}

func floatOf(v ref.Val) (float64, bool) {
	switch v := v.(type) {
	case types.Int:
		return float64(v), true
	case number:
		return v.float(), true
	case types.Double:
		return float64(v), true
	}
	return 0, false
}

// compareValues orders numbers, and what CEL orders.
func compareValues(a, b ref.Val) (order int, err ref.Val) {
	if x, ok := a.(types.Int); ok {
		if y, ok := b.(types.Int); ok {
			return cmp.Compare(x, y), nil
		}
	}
	x, isNumber := textOf(a)
	y, areNumbers := textOf(b)
	if isNumber && areNumbers {
		return decimalOfText(x).compare(decimalOfText(y)), nil
	}
	f, isNumber := floatOf(a)
	g, areNumbers := floatOf(b)
	switch {
	case isNumber && areNumbers && (math.IsNaN(f) || math.IsNaN(g)):
		return 0, types.False
	case isNumber && areNumbers: // one of them is infinite, which no number written is
		return cmp.Compare(infinity(a), infinity(b)), nil
	}
	c, ok := a.(traits.Comparer)
	if !ok {
		return 0, types.MaybeNoSuchOverloadErr(a)
	}
	n, ok := c.Compare(b).(types.Int)
	if !ok {
		return 0, types.MaybeNoSuchOverloadErr(b)
	}
	return int(n), nil
}

// infinity is 1, -1, or 0 for what is finite.
func infinity(v ref.Val) int {
	if f, ok := v.(types.Double); ok {
		return cmp.Compare(float64(f), 0)
	}
	return 0
}

// operation is one of arithmetic.
type operation struct {
	name   string
	ints   func(a types.Int, b ref.Val) ref.Val
	exact  func(a, b tenths) tenths // nil if there is none
	floats func(a, b float64) float64
}

var (
	adding      = operation{"add", types.Int.Add, tenths.plus, func(a, b float64) float64 { return a + b }}
	subtracting = operation{"subtract", types.Int.Subtract, tenths.minus, func(a, b float64) float64 { return a - b }}
	multiplying = operation{"multiply", types.Int.Multiply, tenths.times, func(a, b float64) float64 { return a * b }}
	dividing    = operation{"divide", types.Int.Divide, nil, func(a, b float64) float64 { return a / b }}
	ratio       = operation{"divide as doubles", nil, nil, func(a, b float64) float64 { return a / b }}
)

// arithmetically does an operation: on ints as ints, unless it leaves 64 bits.
func arithmetically(op operation, a, b ref.Val) ref.Val {
	x, isInt := a.(types.Int)
	y, areInts := b.(types.Int)
	if isInt && areInts && op.ints != nil {
		if r := op.ints(x, y); !types.IsError(r) || y == 0 {
			return r
		}
	}
	if op.exact != nil {
		if r, ok := exactly(op.exact, a, b); ok {
			return r
		}
	}
	f, isNumber := floatOf(a)
	g, areNumbers := floatOf(b)
	if !isNumber || !areNumbers {
		return types.MaybeNoSuchOverloadErr(a)
	}
	return numberOfFloat(op.floats(f, g))
}

func exactly(apply func(a, b tenths) tenths, a, b ref.Val) (ref.Val, bool) {
	x, isNumber := textOf(a)
	y, areNumbers := textOf(b)
	if !isNumber || !areNumbers {
		return nil, false
	}
	p, pFits := parseDecimal(x)
	q, qFits := parseDecimal(y)
	if !pFits || !qFits {
		return nil, false
	}
	return apply(p, q).number(), true
}

// tenths is a whole number times a power of ten.
type tenths struct {
	n     *big.Int
	power int
}

// parseDecimal reads a canonical text; false if it is too long for arithmetic.
func parseDecimal(text string) (tenths, bool) { return parseTenths(text, maxDigits) }

// parseTenths reads a canonical text with less digits, and a lesser power, than
// a bound.
func parseTenths(text string, bound int) (tenths, bool) {
	mantissa, exponent, _ := strings.Cut(text, "e")
	power := 0
	if exponent != "" {
		var err error
		if power, err = strconv.Atoi(exponent); err != nil {
			return tenths{}, false
		}
	}
	n, ok := new(big.Int).SetString(mantissa, 10)
	return tenths{n, power}, ok && len(mantissa) < bound && power > -bound && power < bound
}

func (t tenths) scaled(power int) *big.Int {
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.power-power)), nil)
	return ten.Mul(ten, t.n)
}

func (t tenths) plus(u tenths) tenths {
	power := min(t.power, u.power)
	return tenths{new(big.Int).Add(t.scaled(power), u.scaled(power)), power}
}

func (t tenths) minus(u tenths) tenths { return t.plus(tenths{new(big.Int).Neg(u.n), u.power}) }

func (t tenths) times(u tenths) tenths {
	return tenths{new(big.Int).Mul(t.n, u.n), t.power + u.power}
}

func (t tenths) number() ref.Val { return numberOf(fmt.Sprintf("%de%d", t.n, t.power)) }

// whole cuts off what is after the point.
func (t tenths) whole() ref.Val {
	n := t.n
	if t.power >= 0 {
		n = t.scaled(0)
	} else {
		n = new(big.Int).Quo(n, tenths{big.NewInt(1), -t.power}.scaled(0))
	}
	if !n.IsInt64() {
		return types.NewErr("%v is no int, wanted at most 64 bits", n)
	}
	return types.Int(n.Int64())
}

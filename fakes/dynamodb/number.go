package dynamodb

import (
	"encoding/binary"
	"math/big"
	"strconv"
	"strings"
)

// number is a decimal number, exact: 0.d1d2d3... times ten to the power of
// exp, where neither the first nor the last digit is zero. Zero has no digits.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
type number struct {
	digits   string
	exp      int
	negative bool
}

const mostDigits = 38

// parseNumber reads a number. The error is the service's.
func parseNumber(s string) (number, error) {
	if s == "" {
		return number{}, invalid("The parameter cannot be converted to a numeric value")
	}
	n, rest := number{}, s
	switch s[0] {
	case '-':
		n.negative, rest = true, s[1:]
	case '+':
		rest = s[1:]
	}
	mantissa, power := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		p, err := strconv.Atoi(rest[i+1:])
		if err != nil || len(rest[i+1:]) > 6 {
			return number{}, notNumeric(s)
		}
		mantissa, power = rest[:i], p
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return number{}, notNumeric(s)
	}
	n.digits, n.exp = whole+fraction, len(whole)+power
	return n.normal().within()
}

func notNumeric(s string) error {
	return invalid("The parameter cannot be converted to a numeric value: " + s)
}

// normal is the number without zeros at either end of its digits.
func (n number) normal() number {
	trimmed := strings.TrimLeft(n.digits, "0")
	n.exp -= len(n.digits) - len(trimmed)
	if n.digits = strings.TrimRight(trimmed, "0"); n.digits == "" {
		return number{}
	}
	return n
}

// within refuses what the service cannot store.
func (n number) within() (number, error) {
	switch {
	case len(n.digits) > mostDigits:
		return n, invalid("Attempting to store more than 38 significant digits in a Number")
	case n.digits != "" && n.exp-1 > 125:
		return n, invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case n.digits != "" && n.exp-1 < -130:
		return n, invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}
	return n, nil
}

// String writes it without an exponent, as the service does.
func (n number) String() string {
	sign := ""
	if n.negative {
		sign = "-"
	}
	switch {
	case n.digits == "":
		return "0"
	case n.exp <= 0:
		return sign + "0." + strings.Repeat("0", -n.exp) + n.digits
	case n.exp >= len(n.digits):
		return sign + n.digits + strings.Repeat("0", n.exp-len(n.digits))
	}
	return sign + n.digits[:n.exp] + "." + n.digits[n.exp:]
}

// compare is negative, zero or positive as n is less than, equal to or greater
// than m.
func (n number) compare(m number) int {
	if a, b := n.sign(), m.sign(); a != b {
		return a - b
	}
	c := n.exp - m.exp
	if n.digits == "" {
		c = 0
	} else if c == 0 {
		c = strings.Compare(n.digits, m.digits)
	}
	if n.negative {
		return -c
	}
	return c
}

func (n number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.negative:
		return -1
	}
	return 1
}

// scaled is the number as an integer times ten to the power of exp.
func (n number) scaled(exp int) *big.Int {
	v, _ := new(big.Int).SetString("0"+n.digits, 10)
	v.Mul(v, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n.exp-len(n.digits)-exp)), nil))
	if n.negative {
		v.Neg(v)
	}
	return v
}

// plus is the sum. The error is the service's, where it has no such number.
func (n number) plus(m number) (number, error) {
	switch {
	case n.digits == "":
		return m, nil
	case m.digits == "":
		return n, nil
	}
	exp := min(n.exp-len(n.digits), m.exp-len(m.digits))
	sum := new(big.Int).Add(n.scaled(exp), m.scaled(exp))
	out := number{negative: sum.Sign() < 0, digits: sum.Abs(sum).String()}
	out.exp = len(out.digits) + exp
	return out.normal().within()
}

// minus is the difference.
func (n number) minus(m number) (number, error) {
	m.negative = !m.negative && m.digits != ""
	return n.plus(m)
}

// ordered is a text that compares as the number does.
func (n number) ordered() string {
	if n.digits == "" {
		return "\x01"
	}
	b := binary.BigEndian.AppendUint16([]byte{2}, uint16(n.exp+1000))
	b = append(append(b, n.digits...), 0)
	if n.negative {
		for i := range b {
			b[i] = ^b[i]
		}
		b[0] = 0
	}
	return string(b)
}

// size is how many bytes it takes: a byte for two digits, and one more, and
// one for a minus.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (n number) size() int {
	size := 1 + (len(n.digits)+1)/2
	if n.negative {
		size++
	}
	return size
}

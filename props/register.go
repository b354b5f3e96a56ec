package props

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
)

// RegisterKind tells registers apart by what they hold.
type RegisterKind uint8

// The kinds of register, and what they hold before anything is written.
const (
	SetRegister     RegisterKind = iota // different values; none
	CounterRegister                     // a whole number; 0
	LastRegister                        // one value, or none; none
	WindowRegister                      // what happened within some time, up to now; nothing
	AmountRegister                      // an exact number; 0
	StackRegister                       // values one upon the other; none
)

// String returns the kind as property files write it: an amount is a counter
// that adds a parameter.
func (k RegisterKind) String() string { return kindNames[k] }

var kindNames = []string{"set", "counter", "last", "window", "counter", "stack"}

// Register is something that each instance of a property remembers beside its
// state. Transitions write it ([Step.Do]), guards look at it
// ([Letter.Given]). Declare it with [Quantifier.With].
type Register struct {
	name   string
	kind   RegisterKind
	length time.Duration // of a window; of a stack, how deep it may be

	distinct bool // a window holds values, see Distinct
}

// Set returns the register that holds a set of values, empty at first.
func Set(name string) Register { return Register{name: name, kind: SetRegister} }

// Counter returns the register that holds a whole number, 0 at first.
func Counter(name string) Register { return Register{name: name, kind: CounterRegister} }

// Amount returns the register that holds a number, 0 at first, to which
// parameters are added. It is exact.
func Amount(name string) Register { return Register{name: name, kind: AmountRegister} }

// Last returns the register that holds one value, none at first.
func Last(name string) Register { return Register{name: name, kind: LastRegister} }

// Window returns the register that holds what happened within a duration, up
// to the event that asks: occurrences that are less than the duration before
// it. None are there at first. Where clocks may differ, the distance between
// events of two sources is known as well as the clocks are; see package
// monitor.
func Window(name string, length time.Duration) Register {
	return Register{name: name, kind: WindowRegister, length: length}
}

// Distinct returns the window that holds the different values that a parameter
// had within a duration, up to the event that asks: those of events that are
// less than the duration before it. Its size is how many they are.
func Distinct(name string, length time.Duration) Register {
	return Register{name: name, kind: WindowRegister, length: length, distinct: true}
}

// Distinct reports whether the register is a window of different values.
func (r Register) Distinct() bool { return r.distinct }

// Name returns the register's name.
func (r Register) Name() string { return r.name }

// Kind returns what the register holds.
func (r Register) Kind() RegisterKind { return r.kind }

// Length returns how long a window is; 0 if it is none.
func (r Register) Length() time.Duration {
	if r.kind != WindowRegister {
		return 0
	}
	return r.length
}

// Update writes a register when a transition is taken.
type Update struct {
	register Register
	op       UpdateOp
	param    string
	by       int64
	from     string // the counter that is pushed
}

// UpdateOp tells updates apart.
type UpdateOp uint8

// The updates.
const (
	AddValue    UpdateOp = iota // a parameter's value to a set, or the event to a window
	RemoveValue                 // a parameter's value from a set
	StoreValue                  // a parameter's value in place of the last
	CountBy                     // a number to a counter, or an amount
	AddNumber                   // a parameter's value to an amount, as often as By says: 1 or -1
	Forget                      // back to what it held at first
	PushValue                   // a parameter's value on a stack
	PushCount                   // what the counter By holds on a stack
	PopValue                    // what is on top from a stack
	Renew                       // the event to a window, in place of all that it held
)

// Occur adds the event to a window.
func (r Register) Occur() Update { return Update{register: r, op: AddValue} }

// Add adds the value of a parameter to a set, or to a window of different
// values; or the event to a window, with
// the parameter as its part of the sum: a number of less than a thousand
// digits, or the event is malformed for the property.
func (r Register) Add(param string) Update {
	return Update{register: r, op: AddValue, param: param}
}

// Remove removes the value of a parameter from a set.
func (r Register) Remove(param string) Update {
	return Update{register: r, op: RemoveValue, param: param}
}

// Store puts the value of a parameter in place of the last value.
func (r Register) Store(param string) Update {
	return Update{register: r, op: StoreValue, param: param}
}

// Count adds a number to a counter. It stays within 64 bits: what would leave
// them stops at the end.
func (r Register) Count(by int64) Update { return Update{register: r, op: CountBy, by: by} }

// Plus adds the value of a parameter to an amount: a number of less than a
// thousand digits, or the event is malformed for the property.
func (r Register) Plus(param string) Update {
	return Update{register: r, op: AddNumber, param: param, by: 1}
}

// Minus subtracts the value of a parameter, as [Register.Plus] adds it.
func (r Register) Minus(param string) Update {
	return Update{register: r, op: AddNumber, param: param, by: -1}
}

// Clear makes the register hold what it held at first.
func (r Register) Clear() Update { return Update{register: r, op: Forget} }

// String returns the update for people.
func (u Update) String() string {
	switch u.op {
	case AddValue:
		return "adding " + cmp.Or(shownName(u.param), "it") + " to " + u.register.name
	case RemoveValue:
		return "removing " + shownName(u.param) + " from " + u.register.name
	case StoreValue:
		return "keeping " + shownName(u.param) + " as " + u.register.name
	case CountBy:
		return fmt.Sprintf("counting %s by %d", u.register.name, u.by)
	case PushValue, PushCount:
		return "putting " + cmp.Or(u.from, shownName(u.param)) + " on " + u.register.name
	case PopValue:
		return "taking the top from " + u.register.name
	case AddNumber:
		return fmt.Sprintf("counting %s by %s%s", u.register.name, []string{"minus ", "", ""}[u.by+1], u.param)
	}
	return "clearing " + u.register.name
}

// fits tells whether the update is one of its register's kind.
func (u Update) fits() bool {
	switch u.op {
	case AddValue:
		return u.register.kind == WindowRegister && !u.register.distinct || u.register.kind == SetRegister && u.param != "" || u.register.distinct && u.param != ""
	case RemoveValue:
		return u.register.kind == SetRegister && u.param != ""
	case StoreValue:
		return u.register.kind == LastRegister && u.param != ""
	case CountBy:
		return u.register.kind == CounterRegister || u.register.kind == AmountRegister
	case AddNumber:
		return u.register.kind == AmountRegister && u.param != ""
	case PushValue, PushCount:
		return u.register.kind == StackRegister && u.param+u.from != ""
	case PopValue:
		return u.register.kind == StackRegister
	}
	return true
}

// Memory is what a guard over registers sees: the registers as they were
// before the event, and the parameters of the event that it asked for.
type Memory interface {
	// Param returns a parameter of the event that the guard reads, and whether
	// the event has it.
	Param(name string) (event.Value, bool)
	// Last returns what a register of the kind holds, and whether there is
	// anything.
	Last(register string) (event.Value, bool)
	// Count returns what a counter holds.
	Count(register string) int64
	// Has reports whether a set, or a window of different values, holds a value.
	Has(register string, v event.Value) bool
	// Values returns what a set, or a window of different values, holds, in an order that depends on the values
	// alone.
	Values(register string) []event.Value
	// Top returns the value on top of a stack, and whether there is any.
	Top(register string) (event.Value, bool)
	// Size returns how many occurrences a window holds, or different values, or
	// how many values a stack.
	Size(register string) int64
	// Sum returns what the numbers of the occurrences in a window come to, or
	// what an amount is.
	Sum(register string) event.Value
}

// Compare compares two numbers by exact value, or two strings by their bytes;
// ok is false if they are neither both.
func Compare(a, b event.Value) (order int, ok bool) {
	switch {
	case a.Kind() == event.String && b.Kind() == event.String:
		return strings.Compare(a.Text(), b.Text()), true
	case a.Kind() != event.Number || b.Kind() != event.Number:
		return 0, false
	}
	return decimalOfText(a.Canonical().Text()).compare(decimalOfText(b.Canonical().Text())), true
}

// decimal is a number as sign, digits without zeros at their ends, and the
// place of the point: 0.digits times ten to the power of point.
type decimal struct {
	sign   int
	digits string
	point  int
	far    *big.Int // instead of point, where it has no 64 bits
}

// decimalOfText reads a number in canonical form.
func decimalOfText(text string) decimal {
	d := decimal{sign: 1}
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		d.sign, text = -1, rest
	}
	mantissa, exponent, _ := strings.Cut(text, "e")
	if mantissa == "0" {
		return decimal{}
	}
	d.digits = strings.TrimRight(mantissa, "0")
	if exponent == "" {
		exponent = "0"
	}
	if len(exponent) <= 18 {
		d.point, _ = strconv.Atoi(exponent) // a canonical exponent is a whole number
		d.point += len(mantissa)
		return d
	}
	d.far, _ = new(big.Int).SetString(exponent, 10)
	d.far.Add(d.far, big.NewInt(int64(len(mantissa))))
	return d
}

func (d decimal) compare(e decimal) int {
	switch {
	case d.sign != e.sign:
		return d.sign - e.sign
	case d.far != nil || e.far != nil:
		if c := d.place().Cmp(e.place()); c != 0 {
			return d.sign * c
		}
	case d.point != e.point:
		return d.sign * cmp.Compare(d.point, e.point)
	}
	return d.sign * strings.Compare(d.digits, e.digits)
}

func (d decimal) place() *big.Int {
	if d.far != nil {
		return d.far
	}
	return big.NewInt(int64(d.point))
}

// registerNamed returns the number of a register; -1 if there is none.
func registerNamed(all []Register, name string) int {
	return slices.IndexFunc(all, func(r Register) bool { return r.name == name })
}

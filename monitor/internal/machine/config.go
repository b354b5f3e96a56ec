package machine

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/order"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// An instance of a property with registers or deadlines is in more than a
// state of the automaton. What it is in is numbered, so that the rest of the
// engine sees states all the same:
//
//   - A configuration is a state of the automaton, what the registers hold,
//     and the deadline that is running. The first three numbers are those of
//     the automaton; what is dead has no memory.
//   - A letter is an event type, the guards passed that look at the event
//     alone, and the values that the type reads; with skew, where the type may
//     begin a deadline or be in a window, also the event's source, time and id. Events of one
//     letter then lead from each configuration to the same, which is what the
//     exchange of events rests on (package skew).
//   - With skew, the word that holds a set of states names a set of
//     configurations instead: those below 8 are the sets of the first three
//     states, as bits.
//
// Joins of such properties are always stored: whether writes commute is not
// looked at.

// Config is a configuration.
type Config struct {
	State   uint16
	memory  string // see configs.registers
	Running Running
}

// noState is the state of a number that is no configuration now.
const noState = ^uint16(0)

// Running is the deadline of a state that was entered; the zero value is none.
// It is an event of the source that began it. Its name is that event's, and
// how much later it is.
type Running struct {
	At     order.Instant
	Source int32
	ID     string
	After  time.Duration // since the event, over several deadlines in a row
}

func (r Running) On() bool { return r.After > 0 }

// Configs numbers the configurations of one property. Its many methods are what a
// letter can do to one, its fields the memory of each kind of answer.
type Configs struct {
	Store   *Machine
	symbols *values.Table
	sources *order.Sources
	of      *props.Automaton // whose registers these are: of some values (props.Some) the one that runs for each
	settled []bool           // by its state: nothing is remembered there
	Timed   bool
	Exact   bool // there is no skew
	All     []Config
	numbers map[Config]uint32
	free    []uint32
	limit   int // how many there may be before the unused are dropped

	fates map[string]uint32 // letters, by what they are
	Reads []reading         // by letter
	Arms  []bool            // by event type: may begin a deadline, or be in a window
	Due   int               // how many letters there may be before they are swept
	Sets  configSets

	begun uint32 // the configuration that it led to last

	windows     int
	history     history      // in exact order
	occurrences occurrences  // with skew
	holdings    holdings     // with skew
	adds        [][]addition // by event type: what is summed up of an event in a window, see occur
	alike       []grown      // by the event that is taken, in exact order, see happenAlike

	view   view
	buffer []byte
}

func newConfigs(s *Machine, t *values.Table, from *order.Sources, o Options) *Configs {
	c := &Configs{Store: s, of: s.Auto, settled: s.Dead, symbols: t, sources: from, Timed: s.Auto.Timed(), Exact: o.Exact, limit: o.Configs, Due: o.Letters,
		numbers: map[Config]uint32{}, fates: map[string]uint32{}, Sets: newConfigSets(o.Configs),
		occurrences: occurrences{due: o.Configs, least: o.Configs}, holdings: newHoldings(o.Configs)}
	if some := s.Auto.Some; some != nil {
		c.of, c.settled = some.Of(), DeadStates(some.Of())
	}
	c.windows, c.history = windows(c.of), newHistory(sums(c.of), o.Configs)
	for state := range uint16(props.StartState) {
		c.All = append(c.All, Config{State: state})
	}
	c.All = append(c.All, Config{State: StartState, memory: c.first()})
	for i := range c.All {
		c.numbers[c.All[i]] = uint32(i)
	}
	for i := range c.of.Events {
		c.Arms = append(c.Arms, c.of.Events[i].Arms(c.of))
		c.adds = append(c.adds, adds(&c.of.Events[i], c.of))
	}
	c.view.c = c
	return c
}

func windows(a *props.Automaton) (n int) {
	for _, r := range a.Registers {
		if r.Kind() == props.WindowRegister {
			n++
		}
	}
	return n
}

// sums tells whether a window adds up numbers.
func sums(a *props.Automaton) bool {
	return slices.ContainsFunc(a.Events, func(t props.EventType) bool { return len(t.Sums) > 0 })
}

// first is the memory before any event.
func (c *Configs) first() string {
	if some := c.Store.Auto.Some; some != nil {
		return c.written(c.noValues(len(some.Variables)))
	}
	return c.blank()
}

// blank is what registers hold at first.
func (c *Configs) blank() string {
	var b []byte
	for _, r := range c.of.Registers {
		switch r.Kind() {
		case props.CounterRegister:
			b = binary.LittleEndian.AppendUint64(b, 0)
		default:
			b = binary.LittleEndian.AppendUint32(b, 0)
		}
	}
	return string(b)
}

// register returns the part of a memory that is a register's: a counter's
// number; a last value's symbol + 1, or 0; a set's size and symbols,
// ascending; a stack's size and symbols + 1, from the bottom; a window's number
// (window.go).
func (c *Configs) register(memory string, register int) string {
	for i := range c.of.Registers {
		n := c.sizeOf(&c.of.Registers[i], memory)
		if i == register {
			return memory[:n]
		}
		memory = memory[n:]
	}
	panic("monitor: compile has seen that the register is declared")
}

// sizeOf is how much of a memory that begins with a register is that register's;
// of one that is too short, more than there is.
func (c *Configs) sizeOf(r *props.Register, memory string) int {
	switch kind := r.Kind(); {
	case kind == props.CounterRegister:
		return 8
	case len(memory) < 4:
	case kind == props.SetRegister || kind == props.StackRegister:
		return 4 + 4*int(word(memory))
	case kind == props.WindowRegister:
		return c.sizeOfWindow(r, memory)
	}
	return 4
}

// word reads the first four bytes of a text.
func word(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func count(s string) int64 { return int64(uint64(word(s)) | uint64(word(s[4:]))<<32) }

// number returns the number of a configuration.
func (c *Configs) number(x Config) uint32 {
	if c.Store.Dead[x.State] {
		x.memory, x.Running = "", Running{}
	}
	if c.single(&x) {
		if c.All[c.begun] != x {
			c.begun = c.add(x)
		}
		return c.begun
	}
	if n, ok := c.numbers[x]; ok {
		return n
	}
	n := c.add(x)
	c.numbers[x] = n
	return n
}

// single tells whether a configuration is not looked up by what it is. In
// exact order a deadline, or what is in a window, is that of one event, and
// nothing asks whether two instances are in one configuration.
func (c *Configs) single(x *Config) bool {
	return c.Exact && (x.Running.On() || c.windows > 0 && x.memory != "")
}

func (c *Configs) add(x Config) uint32 {
	n := uint32(len(c.All))
	if last := len(c.free) - 1; last >= 0 {
		n = c.free[last]
		c.free = c.free[:last]
		c.All[n] = x
	} else {
		c.All = append(c.All, x)
	}
	return n
}

// Next is the transition of a letter. In exact order by says which event has
// it; with skew that is a part of the letter.
func (c *Configs) Next(letter, from uint32, by *Stamp) uint32 {
	x := c.All[from]
	if c.Store.Dead[x.State] || !c.change(&x, letter, by) {
		return from // of what is dead nothing is known, and nothing asked
	}
	return c.number(x)
}

// change lets a configuration take a letter, and tells whether that changes it.
func (c *Configs) change(x *Config, letter uint32, by *Stamp) (changed bool) {
	if first, second, both := c.Store.Parts(letter); both {
		changed = c.change(x, first, by)
		return c.change(x, second, by) || changed
	}
	f, read := c.Store.Fates[letter], &c.Reads[letter]
	if !c.Exact {
		by = &read.stamp
	} else if c.windows > 0 {
		c.view.now = by.At
	}
	if c.Store.Auto.Some != nil {
		return c.changeValues(x, f, read, by)
	}
	c.view.t, c.view.memory, c.view.values = &c.Store.Auto.Events[f.Letter], x.memory, read.values
	move, ok := c.view.t.Take(int(x.State), f.Passed, &c.view)
	if !ok || !move.Entered && len(move.Writes) == 0 {
		return false
	}
	x.State = uint16(move.To)
	if len(move.Writes) > 0 {
		x.memory = c.write(x.memory, move.Writes, read, f.Letter, by)
	}
	if move.Entered {
		x.Running = Running{}
		if d := c.Store.Auto.Deadlines[move.To].After; d > 0 {
			x.Running = Running{by.At.Add(d), by.Source, by.ID, d}
		}
	}
	return true
}

// Expire is what the running deadline does.
func (c *Configs) Expire(from uint32) uint32 {
	x := c.All[from]
	c.expire(&x)
	return c.number(x)
}

func (c *Configs) expire(x *Config) {
	if c.Several() {
		c.expireValues(x, x.Running)
		return
	}
	c.view.t, c.view.memory, c.view.values = &noType, x.memory, ""
	to, writes := c.Store.Auto.Deadlines[x.State].Take(&c.view)
	if x.State = uint16(to); len(writes) > 0 {
		x.memory = c.write(x.memory, writes, &noReading, 0, nil)
	}
	if d := c.Store.Auto.Deadlines[x.State].After; d > 0 {
		x.Running.again(d)
	} else {
		x.Running = Running{}
	}
}

// noType is the type of the event that deadlines are to guards, and noReading
// what they read.
var (
	noType    props.EventType
	noReading reading
)

// write returns a memory with registers written, by an event of a type.
func (c *Configs) write(memory string, writes []props.Write, read *reading, letter int, by *Stamp) string {
	b := c.buffer[:0]
	for i, r := range c.of.Registers {
		part := c.register(memory, i)
		w := slices.IndexFunc(writes, func(w props.Write) bool { return w.Register == i })
		if w < 0 {
			b = append(b, part...)
			continue
		}
		switch kind := r.Kind(); {
		case c.listed(&r) && writes[w].Op != props.Forget:
			b = appendLatest(b, part, word(read.values[4*writes[w].Param:]), by.At, by.At.Add(-r.Length()))
		case kind == props.WindowRegister && writes[w].Op != props.Forget:
			b = binary.LittleEndian.AppendUint32(b, c.happen(word(part), &writes[w], read, letter, by))
		case kind == props.StackRegister:
			b = c.writeStack(b, memory, part, &writes[w], read.values)
		default:
			b = c.writeOne(b, kind, part, &writes[w], read.values)
		}
	}
	c.buffer = b
	return string(b)
}

func (c *Configs) writeOne(b []byte, kind props.RegisterKind, part string, w *props.Write, values string) []byte {
	var value uint32 // symbol + 1
	if w.Op == props.AddValue || w.Op == props.RemoveValue || w.Op == props.StoreValue {
		value = word(values[4*w.Param:])
	}
	if kind == props.AmountRegister && w.Op != props.Forget {
		return binary.LittleEndian.AppendUint32(b, c.added(word(part), w, values))
	}
	switch w.Op {
	case props.CountBy:
		return binary.LittleEndian.AppendUint64(b, uint64(saturated(count(part), w.By)))
	case props.StoreValue:
		return binary.LittleEndian.AppendUint32(b, value)
	case props.AddValue, props.RemoveValue:
		return changeSet(b, part, value, w.Op == props.AddValue)
	}
	if kind == props.CounterRegister {
		return binary.LittleEndian.AppendUint64(b, 0)
	}
	return binary.LittleEndian.AppendUint32(b, 0)
}

// added returns an amount with a number added, as a symbol + 1.
func (c *Configs) added(amount uint32, w *props.Write, values string) uint32 {
	sum, by := c.amount(amount), props.Total{}
	if w.Op == props.CountBy {
		by, _ = props.TotalOf(event.Int(w.By))
	} else {
		v, _ := c.view.value(word(values[4*w.Param:]))
		by, _ = props.TotalOf(v)
	}
	if w.Op == props.AddNumber && w.By < 0 {
		sum = sum.Minus(by)
	} else {
		sum = sum.Plus(by)
	}
	if sum.Equal(props.Total{}) {
		return 0 // as if nothing were added
	}
	return uint32(c.symbols.Canonical(c.symbols.Symbol(sum.Value()))) + 1
}

// amount is what a symbol + 1 stands for; 0 for 0.
func (c *Configs) amount(symbolAnd1 uint32) props.Total {
	if symbolAnd1 == 0 {
		return props.Total{}
	}
	total, _ := props.TotalOf(c.symbols.Value(values.Symbol(symbolAnd1 - 1)))
	return total
}

func saturated(n, by int64) int64 {
	switch sum := n + by; {
	case by > 0 && sum < n:
		return math.MaxInt64
	case by < 0 && sum > n:
		return math.MinInt64
	default:
		return sum
	}
}

// changeSet appends a set with or without a value.
func changeSet(b []byte, part string, value uint32, there bool) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint32(b, 0)
	items := part[4:]
	for ; len(items) > 0 && word(items) < value; items = items[4:] {
		b = append(b, items[:4]...)
	}
	if there {
		b = binary.LittleEndian.AppendUint32(b, value)
	}
	if len(items) > 0 && word(items) == value {
		items = items[4:]
	}
	b = append(b, items...)
	binary.LittleEndian.PutUint32(b[at:], uint32(len(b)-at)/4-1)
	return b
}

// view is what guards see of a configuration and a letter. It implements
// props.Memory.
type view struct {
	c      *Configs
	t      *props.EventType
	memory string
	values string
	now    order.Instant // in exact order, where there are windows
}

// Param returns a parameter that the letter's type reads.
func (v *view) Param(name string) (event.Value, bool) {
	i := slices.Index(v.t.Reads, name)
	if i < 0 {
		return event.Value{}, false
	}
	return v.value(word(v.values[4*i:]))
}

func (v *view) value(symbolAnd1 uint32) (event.Value, bool) {
	if symbolAnd1 == 0 {
		return event.Value{}, false
	}
	return v.c.symbols.Value(values.Symbol(symbolAnd1 - 1)), true
}

func (v *view) part(register string, kind props.RegisterKind) string {
	for i, r := range v.c.of.Registers {
		if r.Name() == register && r.Kind() == kind {
			return v.c.register(v.memory, i)
		}
	}
	return "\x00\x00\x00\x00\x00\x00\x00\x00"
}

// Last returns what a register holds.
func (v *view) Last(register string) (event.Value, bool) {
	return v.value(word(v.part(register, props.LastRegister)))
}

// Count returns what a counter holds.
func (v *view) Count(register string) int64 { return count(v.part(register, props.CounterRegister)) }

// Top returns what is on top of a stack.
func (v *view) Top(register string) (event.Value, bool) {
	part := v.part(register, props.StackRegister)
	if n := int(word(part)); n > 0 {
		return v.value(word(part[4*n:]))
	}
	return event.Value{}, false
}

// Has tells whether a set, or a window of values, holds a value.
func (v *view) Has(register string, x event.Value) bool {
	symbol, known := v.c.symbols.Find(x)
	for items := v.items(register); known && len(items) > 0; items = items[4:] {
		if word(items) == uint32(symbol)+1 {
			return true
		}
	}
	return false
}

func (v *view) items(register string) string {
	if n := v.distinct(register); n >= 0 {
		return v.different(n)
	}
	part := v.part(register, props.SetRegister)
	return part[4 : 4+4*int(word(part))]
}

// Values returns what a set holds.
func (v *view) Values(register string) []event.Value {
	var all []event.Value
	for items := v.items(register); len(items) > 0; items = items[4:] {
		x, _ := v.value(word(items))
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b event.Value) int { return strings.Compare(a.Key(), b.Key()) })
	return all
}

// reading is what the events of a letter have beside their type and guards.
type reading struct {
	values string // what the type reads, as symbols + 1
	stamp  Stamp  // with skew, of a letter that may begin a deadline or be in a window

	stamped bool   // has a stamp: is that of one event
	occurs  uint32 // of that event: its first number in windows, see occur
}

// Stamp says of an event what a deadline that it begins is named after.
type Stamp struct {
	At     order.Instant
	Source int32
	ID     string
}

// LetterOf returns the letter of an event, before its time is known.
func (c *Configs) LetterOf(letter int, passed uint64, e *event.Event) uint32 {
	b := letterKey(c.buffer[:0], letter, passed)
	from := len(b)
	for _, name := range c.Store.Auto.Events[letter].Reads {
		number := uint32(0)
		if v, ok := props.Read(e, name); ok {
			number = uint32(c.symbols.Canonical(c.symbols.Symbol(v))) + 1
		}
		b = binary.LittleEndian.AppendUint32(b, number)
	}
	c.buffer = b
	n, ok := c.fates[string(b)]
	if !ok {
		n = c.enter(b, fate{letter, passed}, reading{values: string(b[from:])})
	}
	return n
}

// Stamped returns the letter of an event at its time. With skew no two events
// have one, so that it is not looked up.
func (c *Configs) Stamped(letter uint32, at Stamp) uint32 {
	f := c.Store.Fates[letter]
	if c.Exact || !c.Arms[f.Letter] {
		return letter
	}
	n := uint32(len(c.Reads))
	c.Store.Fates, c.Reads = append(c.Store.Fates, f), append(c.Reads, reading{c.Reads[letter].values, at, true, c.occur(f.Letter, c.readByMachine(f.Letter, c.Reads[letter].values), &at)})
	return n
}

// letterKey begins the key of a letter; the values follow.
func letterKey(b []byte, letter int, passed uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(letter)), passed)
}

func (c *Configs) enter(key []byte, f fate, r reading) uint32 {
	n := uint32(len(c.Reads))
	c.Store.Fates, c.Reads = append(c.Store.Fates, f), append(c.Reads, r)
	c.fates[string(key)] = n
	return n
}

package machine

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/monitor/internal/codec"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// Of a property that some value of a variable must do for (props.Some), the
// memory is what each combination of values is in, as a tree: variable by
// variable, the outermost first, the values that have a branch of their own, and
// one branch for all others. What is in the same as all others is one of them,
// since nothing tells it from them any more; so a memory is the same whenever it
// says the same. As text, a variable is how many values there are, they
// themselves as symbols + 1, ascending, the branch of all others, and theirs; a
// leaf is a state of the machine that runs for each combination, its deadline if
// one runs, which the state's highest bit says, and what its registers hold, if
// anything hangs on them yet.

// branch is what the values of a variable, and of those after it, are in.
type branch struct {
	names []uint32
	kids  []branch // of all others, and of the names; none of a leaf
	leaf  leaf
}

// leaf is what a combination of values is in.
type leaf struct {
	state   int
	memory  string
	running Running
}

// noValues is the tree in which no event has named a value.
func (c *Configs) noValues(variables int) branch {
	if variables == 0 {
		return branch{leaf: leaf{state: StartState, memory: c.blank()}}
	}
	return branch{kids: []branch{c.noValues(variables - 1)}}
}

// treeIn reads a tree, and returns what follows it.
func (c *Configs) treeIn(memory string, variables int) (b branch, rest string) {
	if variables == 0 {
		state := word(memory)
		b.leaf.state, rest = int(state&^runs), memory[4:]
		if state&runs != 0 {
			b.leaf.running, rest = runningIn(rest)
		}
		n := 0
		for i := range c.of.Registers {
			if !c.settled[b.leaf.state] {
				n += c.sizeOf(&c.of.Registers[i], rest[n:])
			}
		}
		b.leaf.memory = rest[:n]
		return b, rest[n:]
	}
	n := int(word(memory))
	rest = memory[4*n+4:]
	b.names, b.kids = make([]uint32, n), make([]branch, n+1)
	for i := range b.names {
		b.names[i] = word(memory[4*i+4:])
	}
	for i := range b.kids {
		b.kids[i], rest = c.treeIn(rest, variables-1)
	}
	return b, rest
}

// tree reads a memory.
func (c *Configs) tree(memory string) branch {
	b, _ := c.treeIn(memory, len(c.Store.Auto.Some.Variables))
	return b
}

// written writes a tree.
func (c *Configs) written(b branch) string { return string(b.appendTo(nil)) }

func (b *branch) appendTo(text []byte) []byte {
	if len(b.kids) == 0 {
		return append(b.leaf.appendState(text), b.leaf.memory...)
	}
	text = binary.LittleEndian.AppendUint32(text, uint32(len(b.names)))
	for _, name := range b.names {
		text = binary.LittleEndian.AppendUint32(text, name)
	}
	for i := range b.kids {
		text = b.kids[i].appendTo(text)
	}
	return text
}

func (b *branch) equal(other *branch) bool {
	return b.leaf == other.leaf && slices.Equal(b.names, other.names) &&
		slices.EqualFunc(b.kids, other.kids, func(x, y branch) bool { return x.equal(&y) })
}

func (b *branch) clone() branch {
	d := *b
	d.names, d.kids = slices.Clone(b.names), slices.Clone(b.kids)
	for i := range d.kids {
		d.kids[i] = d.kids[i].clone()
	}
	return d
}

// changeValues is change.
func (c *Configs) changeValues(x *Config, f fate, read *reading, by *Stamp) (changed bool) {
	if x.State < StartState {
		return false
	}
	some, named, own := c.Store.Auto.Some, c.named(f.Letter, read.values), *read
	own.values = c.readByMachine(f.Letter, read.values)
	c.alike = c.alike[:0]
	before := c.tree(x.memory)
	if c.Exact && c.windows > 0 {
		before.each(c.dropOld)
	}
	after := before.clone()
	after.change(named, func(l *leaf) { c.changeLeaf(l, f, &own, by) })
	outlook := after.outlook(some, some.Every)
	if some.EachTime {
		if outlook == props.Lost {
			x.State = props.ViolatedState
			return true
		}
		after = before
		after.change(named, func(l *leaf) {
			if was := *l; some.Outlook(was.state) != props.Lost {
				if c.changeLeaf(l, f, &own, by); some.Outlook(l.state) == props.Lost {
					*l = was
				}
			}
		})
		outlook = after.outlook(some, some.Every)
	}
	return c.setValues(x, &after, outlook)
}

// setValues makes a configuration one of a tree, and tells whether it was
// another.
func (c *Configs) setValues(x *Config, tree *branch, o props.Outlook) (changed bool) {
	tree.trim()
	was := *x
	x.State, x.memory, x.Running = uint16(c.Store.Auto.Some.State(o)), c.written(*tree), c.firstRunning(tree)
	return *x != was
}

// named are the values that an event of a type names, by variable, as symbols
// + 1; 0 where it names none.
func (c *Configs) named(letter int, read string) (all []uint32) {
	for _, b := range c.Store.Auto.Events[letter].Some {
		name := uint32(0)
		if b != nil {
			name, read = word(read), read[4:]
		}
		all = append(all, name)
	}
	return all
}

// readByMachine is what the type of an event reads besides the values that it
// names.
func (c *Configs) readByMachine(letter int, read string) string {
	return read[len(read)-4*len(c.of.Events[letter].Reads):]
}

// dropOld leaves out what is too old for windows, in exact order: values whose
// windows hold nothing any more are in what all others are in again.
func (c *Configs) dropOld(l *leaf) {
	if l.memory == "" {
		return
	}
	b := c.buffer[:0]
	for i := range c.of.Registers {
		r, part := &c.of.Registers[i], c.register(l.memory, i)
		limit := c.view.now.Add(-r.Length())
		switch {
		case c.listed(r):
			b = appendYounger(b, part, limit)
		case r.Kind() == props.WindowRegister && c.history.size(word(part), limit) == 0:
			b = binary.LittleEndian.AppendUint32(b, 0)
		default:
			b = append(b, part...)
		}
	}
	c.buffer = b
	l.memory = string(b)
}

// each visits all leaves.
func (b *branch) each(visit func(*leaf)) {
	if len(b.kids) == 0 {
		visit(&b.leaf)
	}
	for i := range b.kids {
		b.kids[i].each(visit)
	}
}

// change lets a change happen to the leaves of the values that an event names, by
// variable; to those of all values where it names none.
func (b *branch) change(named []uint32, by func(*leaf)) {
	if len(named) == 0 {
		by(&b.leaf)
		return
	}
	if named[0] > 0 {
		i, known := slices.BinarySearch(b.names, named[0])
		if !known {
			b.names, b.kids = slices.Insert(b.names, i, named[0]), slices.Insert(b.kids, i+1, b.kids[0].clone())
		}
		b.kids[i+1].change(named[1:], by)
		return
	}
	for i := range b.kids {
		b.kids[i].change(named[1:], by)
	}
}

// changeLeaf lets a combination of values take an event.
func (c *Configs) changeLeaf(l *leaf, f fate, read *reading, by *Stamp) {
	if c.settled[l.state] {
		return
	}
	c.view.t, c.view.memory, c.view.values = &c.of.Events[f.Letter], l.memory, read.values
	move, ok := c.view.t.Take(l.state, f.Passed, &c.view)
	if !ok {
		return
	}
	if l.state = move.To; c.settled[l.state] {
		l.memory, l.running = "", Running{}
		return
	}
	if len(move.Writes) > 0 {
		l.memory = c.write(l.memory, move.Writes, read, f.Letter, by)
	}
	if move.Entered {
		l.running = Running{}
		if d := c.of.Deadlines[move.To].After; d > 0 {
			l.running = Running{by.At.Add(d), by.Source, by.ID, d}
		}
	}
}

// outlook is what is to be expected of all values, given of which variables all
// must do.
func (b *branch) outlook(some *props.Some, every []bool) props.Outlook {
	if len(b.kids) == 0 {
		return some.Outlook(b.leaf.state)
	}
	o := b.kids[0].outlook(some, every[1:])
	for i := range b.names {
		if kid := b.kids[i+1].outlook(some, every[1:]); every[0] {
			o = min(o, kid)
		} else {
			o = max(o, kid)
		}
	}
	return o
}

// trim leaves out the values that are in what all others are in.
func (b *branch) trim() {
	for i := range b.kids {
		b.kids[i].trim()
	}
	n := 0
	for i, name := range b.names {
		if !b.kids[i+1].equal(&b.kids[0]) {
			b.names[n], b.kids[n+1] = name, b.kids[i+1]
			n++
		}
	}
	if len(b.kids) > 0 {
		b.names, b.kids = b.names[:n], b.kids[:n+1]
	}
}

// compareValues compares two memories by what they say.
func (c *Configs) compareValues(a, b string) int {
	x, y := c.tree(a), c.tree(b)
	return strings.Compare(c.said(&x), c.said(&y))
}

// said is what a tree says, whatever the symbols are.
func (c *Configs) said(b *branch) string {
	if len(b.kids) == 0 {
		return string(rune(b.leaf.state)) + c.saidRunning(&b.leaf.running) + c.saidRegisters(b.leaf.memory)
	}
	var all []string
	for i, n := range b.names {
		v, _ := c.view.value(n)
		all = append(all, v.Key()+"\x00"+c.said(&b.kids[i+1]))
	}
	slices.Sort(all)
	return "(" + c.said(&b.kids[0]) + "\x00" + strings.Join(all, "\x00") + ")"
}

func (c *Configs) saidRegisters(memory string) string {
	var b strings.Builder
	for i := range c.of.Registers {
		if memory == "" {
			break
		}
		part := c.register(memory, i)
		if c.of.Registers[i].Kind() == props.WindowRegister { // with skew: in exact order nothing is compared
			b.WriteString("\x00" + c.saidWindow(word(part)))
			continue
		}
		from, to := c.valuesIn(&c.of.Registers[i], part)
		keys := c.keys(part[from:to])
		if c.of.Registers[i].Kind() == props.SetRegister {
			slices.Sort(keys)
		}
		b.WriteString("\x00" + part[:from] + strings.Join(keys, "\x00") + part[to:])
	}
	return b.String()
}

// visitedValues returns a memory with its values, those in registers too, as a
// visitor leaves them.
func (c *Configs) visitedValues(memory string, visit func([]values.Symbol)) string {
	tree := c.tree(memory)
	c.visitTree(&tree, visit)
	return c.written(tree)
}

func (c *Configs) visitTree(b *branch, visit func([]values.Symbol)) {
	for i := range b.names {
		one := [1]values.Symbol{values.Symbol(b.names[i] - 1)}
		visit(one[:])
		b.names[i] = uint32(one[0]) + 1
	}
	for i := range b.kids {
		c.visitTree(&b.kids[i], visit)
	}
	if b.leaf.memory != "" {
		b.leaf.memory = c.visitedRegisters(b.leaf.memory, visit)
	}
}

// checkValues sees that a text begins with a tree, and returns the rest.
func (c *Configs) checkValues(d *codec.Decoder, text string, variables int) string {
	if len(text) < 4 || d.Err != nil {
		d.Fail("values are in nothing")
		return ""
	}
	n := int(word(text))
	if variables == 0 {
		text = c.checkRunning(d, text)
		if n &^= runs; n >= len(c.settled) {
			d.Fail("a value is in no state")
			return ""
		}
		if c.settled[n] {
			return text
		}
		return c.checkRegisters(d, text)
	}
	if len(text)/4 <= n {
		d.Fail("values are in nothing")
		return ""
	}
	last := uint32(0)
	for i := range n {
		name := word(text[4*i+4:])
		if c.checkValue(d, name); name <= last {
			d.Fail("values have no order")
		}
		last = name
	}
	rest := text[4*n+4:]
	for range n + 1 {
		rest = c.checkValues(d, rest, variables-1)
	}
	return rest
}

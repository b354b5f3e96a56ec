package machine

import (
	"cmp"
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/internal/values"
	"github.com/wtsim/wtsim/props"
)

// Ordered returns a set of configurations in an order that does not hang on
// their numbers.
func (c *Configs) Ordered(set uint64) []uint32 {
	all := slices.Clone(c.Sets.All[set])
	slices.SortFunc(all, func(a, b uint32) int { return c.compare(&c.All[a], &c.All[b]) })
	return all
}

func (c *Configs) compare(a, b *Config) int {
	if n := cmp.Compare(a.State, b.State); n != 0 {
		return n
	}
	if n := c.compareRunnings(&a.Running, &b.Running); n != 0 {
		return n
	}
	if a.memory == b.memory {
		return 0
	}
	if c.Store.Auto.Some != nil {
		return c.compareValues(a.memory, b.memory)
	}
	for i, r := range c.of.Registers {
		if n := c.compareParts(r.Kind(), c.register(a.memory, i), c.register(b.memory, i)); n != 0 {
			return n
		}
	}
	return 0
}

// compareParts compares what two configurations have in one register.
func (c *Configs) compareParts(kind props.RegisterKind, a, b string) int {
	switch {
	case a == b:
		return 0
	case kind == props.CounterRegister:
		return cmp.Compare(count(a), count(b))
	case kind == props.WindowRegister:
		return c.compareWindows(word(a), word(b))
	case kind == props.SetRegister || kind == props.StackRegister:
		a, b = a[4:], b[4:]
	}
	x, y := c.keys(a), c.keys(b)
	if kind != props.StackRegister {
		slices.Sort(x)
		slices.Sort(y)
	}
	return slices.Compare(x, y)
}

// keys returns values by which symbols + 1 can be compared.
func (c *Configs) keys(items string) (all []string) {
	for ; len(items) > 0; items = items[4:] {
		v := event.Value{}
		if n := word(items); n > 0 {
			v = c.symbols.Value(values.Symbol(n - 1))
		}
		all = append(all, v.Key())
	}
	return all
}

// ViolatedInTime tells whether the deadlines that run would violate if no
// event came any more.
func (c *Configs) ViolatedInTime(state uint32) bool {
	for c.All[state].Running.On() && !c.Circles(state) {
		state = c.Expire(state)
	}
	return state == props.ViolatedState || c.Store.Auto.AtEnd[c.Store.Base(state)]
}

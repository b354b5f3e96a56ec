package machine

import (
	"encoding/binary"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

// writeStack appends what a stack is after an update. That there is room the
// automaton has seen to.
func (c *Configs) writeStack(b []byte, memory, part string, w *props.Write, values string) []byte {
	n, items := word(part), part[4:]
	switch {
	case w.Op == props.PushValue:
		b = append(binary.LittleEndian.AppendUint32(b, n+1), items...)
		return append(b, values[4*w.Param:4*w.Param+4]...)
	case w.Op == props.PushCount:
		b = append(binary.LittleEndian.AppendUint32(b, n+1), items...)
		return binary.LittleEndian.AppendUint32(b, c.counted(memory, int(w.By)))
	case w.Op == props.PopValue && n > 0:
		return append(binary.LittleEndian.AppendUint32(b, n-1), items[:4*(n-1)]...)
	}
	return binary.LittleEndian.AppendUint32(b, 0)
}

// counted is what a counter holds, as a symbol + 1.
func (c *Configs) counted(memory string, register int) uint32 {
	part := c.register(memory, register)
	v := event.Value{}
	if c.of.Registers[register].Kind() == props.AmountRegister {
		v = c.amount(word(part)).Value()
	} else {
		v = event.Int(count(part))
	}
	return uint32(c.symbols.Canonical(c.symbols.Symbol(v))) + 1
}

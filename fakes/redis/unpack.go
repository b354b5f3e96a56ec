package redis

import (
	"encoding/binary"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// unpackMessages is cmsgpack.unpack: every message of a string.
func unpackMessages(l *lua.LState) int {
	in := reader{l: l, rest: l.CheckString(1)}
	n := 0
	for ; in.rest != ""; n++ {
		l.Push(in.message())
	}
	return n
}

type reader struct {
	l    *lua.LState
	rest string
}

func (r *reader) take(n int) string {
	if n > len(r.rest) {
		r.l.RaiseError("Missing bytes in input.")
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) uint(bytes int) uint64 {
	var b [8]byte
	copy(b[8-bytes:], r.take(bytes))
	return binary.BigEndian.Uint64(b[:])
}

func (r *reader) int(bytes int) lua.LNumber {
	shift := 64 - 8*bytes
	return lua.LNumber(int64(r.uint(bytes)<<shift) >> shift)
}

func (r *reader) message() lua.LValue {
	c := r.take(1)[0]
	switch {
	case c < 0x80:
		return lua.LNumber(c)
	case c >= 0xe0:
		return lua.LNumber(int8(c))
	case c < 0x90:
		return r.table(int(c&15), true)
	case c < 0xa0:
		return r.table(int(c&15), false)
	case c < 0xc0:
		return lua.LString(r.take(int(c & 31)))
	}
	switch c {
	case 0xc0:
		return lua.LNil
	case 0xc2, 0xc3:
		return lua.LBool(c == 0xc3)
	case 0xca:
		return lua.LNumber(math.Float32frombits(uint32(r.uint(4))))
	case 0xcb:
		return lua.LNumber(math.Float64frombits(r.uint(8)))
	case 0xcc, 0xcd, 0xce, 0xcf:
		return lua.LNumber(r.uint(1 << (c - 0xcc)))
	case 0xd0, 0xd1, 0xd2, 0xd3:
		return r.int(1 << (c - 0xd0))
	case 0xc4, 0xc5, 0xc6:
		return lua.LString(r.take(int(r.uint(1 << (c - 0xc4)))))
	case 0xd9, 0xda, 0xdb:
		return lua.LString(r.take(int(r.uint(1 << (c - 0xd9)))))
	case 0xdc, 0xdd:
		return r.table(int(r.uint(2<<(c-0xdc))), false)
	case 0xde, 0xdf:
		return r.table(int(r.uint(2<<(c-0xde))), true)
	}
	r.l.RaiseError("Bad data format in input.")
	return lua.LNil
}

func (r *reader) table(n int, pairs bool) lua.LValue {
	t := r.l.NewTable()
	for i := range n {
		if !pairs {
			t.RawSetInt(i+1, r.message())
			continue
		}
		k := r.message()
		t.RawSet(k, r.message())
	}
	return t
}

// packing goes through a format of library struct.
// https://www.inf.puc-rio.br/~roberto/struct/
type packing struct {
	l      *lua.LState
	format string
	big    bool
}

// next returns the next letter and how many bytes it stands for; -1 for what
// ends with a zero.
func (p *packing) next() (letter byte, size int) {
	for p.format != "" {
		c := p.format[0]
		p.format = p.format[1:]
		n, digits := 0, false
		for p.format != "" && p.format[0] >= '0' && p.format[0] <= '9' {
			n, digits, p.format = n*10+int(p.format[0]-'0'), true, p.format[1:]
		}
		switch c {
		case '>', '<', '=':
			p.big = c == '>'
		case ' ':
		case 'b', 'B', 'x':
			return c, 1
		case 'h', 'H':
			return c, 2
		case 'i', 'I':
			if !digits {
				n = 4
			}
			return c, n
		case 'l', 'L', 'T', 'd', 'n':
			return c, 8
		case 'f':
			return c, 4
		case 's':
			return c, -1
		case 'c':
			if !digits {
				n = 1
			}
			return c, n
		default:
			p.l.RaiseError("invalid format option '%c'", c)
		}
	}
	return 0, 0
}

func (p *packing) put(n uint64, size int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, n)
	if p.big {
		b = binary.BigEndian.AppendUint64(nil, n)
		return b[8-min(size, 8):]
	}
	return b[:min(size, 8)]
}

func (p *packing) get(s string) uint64 {
	var b [8]byte
	if p.big {
		copy(b[8-len(s):], s)
		return binary.BigEndian.Uint64(b[:])
	}
	copy(b[:], s)
	return binary.LittleEndian.Uint64(b[:])
}

func packStruct(l *lua.LState) int {
	p := packing{l: l, format: l.CheckString(1)}
	var out []byte
	at := 2
	for c, size := p.next(); c != 0; c, size = p.next() {
		switch c {
		case 'x':
			out = append(out, 0)
			continue
		case 'f':
			out = append(out, p.put(uint64(math.Float32bits(float32(l.CheckNumber(at)))), 4)...)
		case 'd', 'n':
			out = append(out, p.put(math.Float64bits(float64(l.CheckNumber(at))), 8)...)
		case 's':
			out = append(append(out, l.CheckString(at)...), 0)
		case 'c':
			s := l.CheckString(at)
			if size == 0 {
				size = len(s)
			}
			if len(s) < size {
				l.RaiseError("string too short")
			}
			out = append(out, s[:size]...)
		default:
			out = append(out, p.put(uint64(int64(l.CheckNumber(at))), size)...)
		}
		at++
	}
	l.Push(lua.LString(out))
	return 1
}

func unpackStruct(l *lua.LState) int {
	p := packing{l: l, format: l.CheckString(1)}
	text, at, n := l.CheckString(2), l.OptInt(3, 1)-1, 0
	var last lua.LValue
	for c, size := p.next(); c != 0; c, size = p.next() {
		if c == 'c' && size == 0 { // as long as what came before says
			size = int(lua.LVAsNumber(last))
			l.Pop(1)
			n--
		}
		if c == 's' {
			for size = 0; at+size < len(text) && text[at+size] != 0; {
				size++
			}
		}
		if at < 0 || at+size > len(text) {
			l.RaiseError("data string too short")
		}
		part := text[at : at+size]
		at += size
		switch c {
		case 'x':
			continue
		case 'f':
			last = lua.LNumber(math.Float32frombits(uint32(p.get(part))))
		case 'd', 'n':
			last = lua.LNumber(math.Float64frombits(p.get(part)))
		case 's':
			at++
			last = lua.LString(part)
		case 'c':
			last = lua.LString(part)
		case 'b', 'h', 'i', 'l':
			shift := 64 - 8*size
			last = lua.LNumber(int64(p.get(part)<<shift) >> shift)
		default:
			last = lua.LNumber(p.get(part))
		}
		l.Push(last)
		n++
	}
	l.Push(lua.LNumber(at + 1))
	return n + 1
}

func sizeStruct(l *lua.LState) int {
	p := packing{l: l, format: l.CheckString(1)}
	n := 0
	for c, size := p.next(); c != 0; c, size = p.next() {
		if size < 1 {
			l.RaiseError("variable-size format for length")
		}
		n += size
	}
	l.Push(lua.LNumber(n))
	return 1
}

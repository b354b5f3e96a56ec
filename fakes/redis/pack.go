package redis

import (
	"encoding/binary"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strconv"

	lua "github.com/yuin/gopher-lua"
)

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func toBit(l *lua.LState, i int) int32 { return int32(uint32(int64(float64(l.CheckNumber(i))))) }

func folding(f func(a, b int32) int32) lua.LGFunction {
	return func(l *lua.LState) int {
		x := toBit(l, 1)
		for i := 2; i <= l.GetTop(); i++ {
			x = f(x, toBit(l, i))
		}
		l.Push(lua.LNumber(x))
		return 1
	}
}

func shifting(f func(x int32, by uint32) int32) lua.LGFunction {
	return func(l *lua.LState) int {
		l.Push(lua.LNumber(f(toBit(l, 1), uint32(toBit(l, 2))&31)))
		return 1
	}
}

// bitLibrary is LuaBitOp's library bit.
// https://bitop.luajit.org/api.html
var bitLibrary = map[string]lua.LGFunction{
	"tobit": folding(func(a, _ int32) int32 { return a }),
	"band":  folding(func(a, b int32) int32 { return a & b }),
	"bor":   folding(func(a, b int32) int32 { return a | b }),
	"bxor":  folding(func(a, b int32) int32 { return a ^ b }),
	"bnot":  func(l *lua.LState) int { l.Push(lua.LNumber(^toBit(l, 1))); return 1 },
	"bswap": func(l *lua.LState) int {
		l.Push(lua.LNumber(int32(bits.ReverseBytes32(uint32(toBit(l, 1))))))
		return 1
	},
	"lshift":  shifting(func(x int32, by uint32) int32 { return x << by }),
	"rshift":  shifting(func(x int32, by uint32) int32 { return int32(uint32(x) >> by) }),
	"arshift": shifting(func(x int32, by uint32) int32 { return x >> by }),
	"rol":     shifting(func(x int32, by uint32) int32 { return int32(bits.RotateLeft32(uint32(x), int(by))) }),
	"ror":     shifting(func(x int32, by uint32) int32 { return int32(bits.RotateLeft32(uint32(x), -int(by))) }),
	"tohex": func(l *lua.LState) int {
		s := strconv.FormatUint(uint64(uint32(toBit(l, 1)))|1<<32, 16)[1:]
		n := l.OptInt(2, 8)
		l.Push(lua.LString(s[8-min(max(n, 0), 8):]))
		return 1
	},
}

// packMessages is cmsgpack.pack.
// https://github.com/msgpack/msgpack/blob/master/spec.md
func packMessages(l *lua.LState) int {
	var out []byte
	for i := 1; i <= l.GetTop(); i++ {
		out = appendMessage(out, l.Get(i))
	}
	l.Push(lua.LString(out))
	return 1
}

func appendMessage(out []byte, v lua.LValue) []byte {
	switch v := v.(type) {
	case lua.LBool:
		if bool(v) {
			return append(out, 0xc3)
		}
		return append(out, 0xc2)
	case lua.LNumber:
		return appendNumber(out, float64(v))
	case lua.LString:
		return append(appendLength(out, len(v), 0xa0, 31, 0xd9, 0xda, 0xdb), v...)
	case *lua.LTable:
		return appendTable(out, v)
	}
	return append(out, 0xc0)
}

func appendNumber(out []byte, x float64) []byte {
	if x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		if f := float32(x); float64(f) == x {
			return binary.BigEndian.AppendUint32(append(out, 0xca), math.Float32bits(f))
		}
		return binary.BigEndian.AppendUint64(append(out, 0xcb), math.Float64bits(x))
	}
	n := int64(x)
	switch {
	case n >= 0 && n < 128, n < 0 && n >= -32:
		return append(out, byte(n))
	case n >= 0 && n <= math.MaxUint8:
		return append(out, 0xcc, byte(n))
	case n >= 0 && n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(out, 0xcd), uint16(n))
	case n >= 0 && n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(out, 0xce), uint32(n))
	case n >= 0:
		return binary.BigEndian.AppendUint64(append(out, 0xcf), uint64(n))
	case n >= math.MinInt8:
		return append(out, 0xd0, byte(n))
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(out, 0xd1), uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(out, 0xd2), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(out, 0xd3), uint64(n))
}

// appendLength writes a length: within a byte, or after one. short is 0 where
// there is no form with one byte.
func appendLength(out []byte, n int, within byte, most int, short, middle, long byte) []byte {
	switch {
	case n <= most:
		return append(out, within|byte(n))
	case n <= math.MaxUint8 && short != 0:
		return append(out, short, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(out, middle), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(out, long), uint32(n))
}

func appendTable(out []byte, t *lua.LTable) []byte {
	pairs := 0
	t.ForEach(func(lua.LValue, lua.LValue) { pairs++ })
	if n := t.Len(); n == pairs && n > 0 {
		out = appendLength(out, n, 0x90, 15, 0, 0xdc, 0xdd)
		for i := 1; i <= n; i++ {
			out = appendMessage(out, t.RawGetInt(i))
		}
		return out
	}
	if pairs == 0 {
		return append(out, 0x90)
	}
	out = appendLength(out, pairs, 0x80, 15, 0, 0xde, 0xdf)
	t.ForEach(func(k, v lua.LValue) { out = appendMessage(appendMessage(out, k), v) })
	return out
}

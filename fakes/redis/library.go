package redis

import (
	"encoding/json"
	"math"
	"strings"

	luajson "github.com/alicebob/miniredis/v2/gopher-json"
	lua "github.com/yuin/gopher-lua"
)

// libraries gives a script what Redis gives it.
func (r *running) libraries() {
	l := r.l
	for name, open := range map[string]lua.LGFunction{ //wtsim:order each is independent of the others
		lua.BaseLibName: lua.OpenBase, lua.CoroutineLibName: lua.OpenCoroutine, lua.TabLibName: lua.OpenTable,
		lua.StringLibName: lua.OpenString, lua.MathLibName: lua.OpenMath,
	} {
		l.Push(l.NewFunction(open))
		l.Push(lua.LString(name))
		l.Call(1, 0)
	}
	for _, name := range []string{"print", "dofile", "loadfile", "module", "require", "newproxy", "_printregs"} {
		l.SetGlobal(name, lua.LNil)
	}
	math := l.GetGlobal("math").(*lua.LTable)
	r.seed = 0x330E
	l.SetField(math, "random", l.NewFunction(r.random))
	l.SetField(math, "randomseed", l.NewFunction(func(l *lua.LState) int {
		r.seed = uint64(uint32(l.CheckInt64(1)))<<16 | 0x330E
		return 0
	}))
	redis := r.library("redis", map[string]lua.LGFunction{
		"call": r.call(true), "pcall": r.call(false), "error_reply": errorTable, "status_reply": statusTable,
		"sha1hex": func(l *lua.LState) int { l.Push(lua.LString(sha1Hex(l.CheckString(1)))); return 1 },
		"log":     func(*lua.LState) int { return 0 }, "set_repl": func(*lua.LState) int { return 0 },
		"replicate_commands": func(l *lua.LState) int { l.Push(lua.LTrue); return 1 },
		"breakpoint":         func(l *lua.LState) int { l.Push(lua.LFalse); return 1 },
		"setresp": func(l *lua.LState) int {
			if l.CheckInt(1) != 2 {
				l.RaiseError("%s", r.f.lack("redis.setresp(3)"))
			}
			return 0
		},
	})
	for i, level := range []string{"LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING"} {
		l.SetField(redis, level, lua.LNumber(i))
	}
	for i, what := range []string{"REPL_NONE", "REPL_AOF", "REPL_SLAVE", "REPL_ALL"} {
		l.SetField(redis, what, lua.LNumber(i))
	}
	l.SetField(redis, "REPL_REPLICA", lua.LNumber(2))
	l.SetField(redis, "REDIS_VERSION", lua.LString("7.0.15"))
	l.SetField(redis, "REDIS_VERSION_NUM", lua.LNumber(0x0007000f))
	r.library("os", map[string]lua.LGFunction{"clock": func(l *lua.LState) int { l.Push(lua.LNumber(0)); return 1 }})
	r.library("bit", bitLibrary)
	r.library("cmsgpack", map[string]lua.LGFunction{"pack": packMessages, "unpack": unpackMessages})
	r.library("struct", map[string]lua.LGFunction{"pack": packStruct, "unpack": unpackStruct, "size": sizeStruct})
	json := r.library("cjson", map[string]lua.LGFunction{"encode": encodeJSON, "decode": decodeJSON})
	l.SetField(json, "null", jsonNull)
}

func (r *running) library(name string, functions map[string]lua.LGFunction) *lua.LTable {
	t := r.l.NewTable()
	for n, f := range functions { //wtsim:order a map is built
		t.RawSetString(n, r.l.NewFunction(f))
	}
	r.l.SetGlobal(name, t)
	return t
}

// random is math.random, with the generator of Redis (that of lrand48), which
// begins anew in every script.
func (r *running) random(l *lua.LState) int {
	r.seed = (r.seed*0x5DEECE66D + 0xB) & (1<<48 - 1)
	x := float64((r.seed>>17)%math.MaxInt32) / math.MaxInt32
	low, high := 1, 1
	switch l.GetTop() {
	case 0:
		l.Push(lua.LNumber(x))
		return 1
	case 1:
		high = l.CheckInt(1)
	default:
		low, high = l.CheckInt(1), l.CheckInt(2)
	}
	if low > high {
		l.RaiseError("bad argument #1 to 'random' (interval is empty)")
	}
	l.Push(lua.LNumber(math.Floor(x*float64(high-low+1)) + float64(low)))
	return 1
}

func errorTable(l *lua.LState) int {
	text := l.CheckString(1)
	if text = strings.TrimPrefix(text, "-"); !strings.Contains(text, " ") {
		text = "ERR " + text
	}
	return single(l, "err", text)
}

func statusTable(l *lua.LState) int { return single(l, "ok", l.CheckString(1)) }

func single(l *lua.LState, field, text string) int {
	t := l.NewTable()
	t.RawSetString(field, lua.LString(text))
	l.Push(t)
	return 1
}

// jsonNull stands for null, as cjson.null does.
var jsonNull = &lua.LUserData{}

func encodeJSON(l *lua.LState) int {
	b, err := json.Marshal(jsonOf{l.CheckAny(1)})
	if err != nil {
		l.RaiseError("%s", "Cannot serialise: "+err.Error())
	}
	l.Push(lua.LString(b))
	return 1
}

// jsonOf writes a value of Lua's: a table with a first element, or of none, is
// what cjson takes it for.
type jsonOf struct{ lua.LValue }

func (j jsonOf) MarshalJSON() ([]byte, error) {
	switch v := j.LValue.(type) {
	case *lua.LUserData:
		return []byte("null"), nil
	case lua.LNumber:
		return []byte(lua.LNumber(v).String()), nil
	case *lua.LTable:
		if v.Len() > 0 {
			var out []jsonOf
			for i := 1; i <= v.Len(); i++ {
				out = append(out, jsonOf{v.RawGetInt(i)})
			}
			return json.Marshal(out)
		}
		out := map[string]jsonOf{}
		v.ForEach(func(k, x lua.LValue) { out[k.String()] = jsonOf{x} })
		return json.Marshal(out)
	}
	return luajson.Encode(j.LValue)
}

func decodeJSON(l *lua.LState) int {
	var v any
	if err := json.Unmarshal([]byte(l.CheckString(1)), &v); err != nil {
		l.RaiseError("Expected value but found invalid token at character 1")
	}
	l.Push(fromJSON(l, v))
	return 1
}

func fromJSON(l *lua.LState, v any) lua.LValue {
	switch v := v.(type) {
	case nil:
		return jsonNull
	case bool:
		return lua.LBool(v)
	case float64:
		return lua.LNumber(v)
	case string:
		return lua.LString(v)
	case []any:
		t := l.NewTable()
		for i, x := range v {
			t.RawSetInt(i+1, fromJSON(l, x))
		}
		return t
	case map[string]any:
		t := l.NewTable()
		for _, k := range sortedKeys(v) {
			t.RawSetString(k, fromJSON(l, v[k]))
		}
		return t
	}
	return lua.LNil
}

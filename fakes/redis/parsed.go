package redis

import (
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// parsed is an answer, taken apart.
type parsed struct {
	kind  byte // the protocol's; '_' for what is nil
	text  string
	parts []parsed
}

// parseValue reads an answer of the server's.
func parseValue(reply string) parsed {
	v, _ := nextValue(reply)
	return v
}

func nextValue(reply string) (v parsed, rest string) {
	line, rest, _ := strings.Cut(reply, "\r\n")
	if line == "" {
		return parsed{kind: '_'}, rest
	}
	v = parsed{kind: line[0], text: line[1:]}
	switch v.kind {
	case '$', '*', '~', '%', '>':
	default:
		return v, rest
	}
	n, _ := strconv.Atoi(v.text)
	v.text = ""
	switch {
	case n < 0:
		return parsed{kind: '_'}, rest
	case v.kind == '$':
		return parsed{kind: '$', text: rest[:n]}, rest[n+2:]
	case v.kind == '%':
		n *= 2
	}
	for range n {
		var p parsed
		p, rest = nextValue(rest)
		v.parts = append(v.parts, p)
	}
	return v, rest
}

// toLua is what a script gets of an answer.
func (r *running) toLua(v parsed) lua.LValue {
	switch v.kind {
	case ':':
		n, _ := strconv.ParseInt(v.text, 10, 64)
		return lua.LNumber(n)
	case '$':
		return lua.LString(v.text)
	case '+', '-':
		t := r.l.NewTable()
		t.RawSetString(map[byte]string{'+': "ok", '-': "err"}[v.kind], lua.LString(v.text))
		return t
	case '_':
		return lua.LFalse
	}
	t := r.l.NewTable()
	for i, p := range v.parts {
		t.RawSetInt(i+1, r.toLua(p))
	}
	return t
}

// answer is what a client gets of what a script returns.
func (r *running) answer(v lua.LValue, resp3 bool) string {
	null := "$-1\r\n"
	if resp3 {
		null = "_\r\n"
	}
	switch t := v.(type) {
	case lua.LBool:
		if bool(t) {
			return integer(1)
		}
	case lua.LNumber:
		return integer(int(t))
	case lua.LString:
		return bulk(string(t))
	case *lua.LTable:
		if s, ok := t.RawGetString("err").(lua.LString); ok {
			return errorReply(oneLine(strings.TrimPrefix(string(s), "-")))
		}
		if s, ok := t.RawGetString("ok").(lua.LString); ok {
			return "+" + oneLine(string(s)) + "\r\n"
		}
		var out []string
		for i := 1; t.RawGetInt(i) != lua.LNil; i++ {
			out = append(out, r.answer(t.RawGetInt(i), resp3))
		}
		return array(out...)
	}
	return null
}

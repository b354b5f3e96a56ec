package redis

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2/server"
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// Scripts are run here, and not by miniredis: what their commands do comes
// through the front, errors read as Redis 7 writes them, and the libraries that
// Redis has are there. math.random draws the same numbers in every script, as
// in Redis.

// running is a script that runs.
type running struct {
	f        *front
	s        *session // its own: RESP2, and what it selects is its own
	l        *lua.LState
	readOnly bool
	seed     uint64
}

// eval does EVAL and its like.
func eval(f *front, s *session, words []string) string {
	text, sha := words[1], strings.ToLower(words[1])
	if strings.HasPrefix(words[0], "EVALSHA") {
		var ok bool
		if text, ok = f.scripts[sha]; !ok {
			return errorReply("NOSCRIPT No matching script. Please use EVAL.")
		}
	} else {
		sha = sha1Hex(text)
	}
	n, err := strconv.Atoi(words[2])
	switch {
	case err != nil:
		return errorReply("ERR value is not an integer or out of range")
	case n > len(words)-3:
		return errorReply("ERR Number of keys can't be greater than number of args")
	case n < 0:
		return errorReply("ERR Number of keys can't be negative")
	}
	proto, err := compile(text)
	if err != nil {
		return errorReply(oneLine("ERR Error compiling script (new function): " + err.Error()))
	}
	f.scripts[sha] = text
	own := &session{peer: &server.Peer{}, db: s.db}
	f.ask(own, "SELECT", strconv.Itoa(s.db))
	r := &running{f: f, s: own, readOnly: strings.HasSuffix(words[0], "_RO")}
	return r.run(proto, sha, words[3:3+n], words[3+n:], s.peer.Resp3)
}

func sha1Hex(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// compiled are scripts that were compiled, of all runs of this process: they
// are not changed.
var compiled sync.Map

func compile(text string) (*lua.FunctionProto, error) {
	if p, ok := compiled.Load(text); ok {
		return p.(*lua.FunctionProto), nil
	}
	chunk, err := parse.Parse(strings.NewReader(text), "user_script")
	if err != nil {
		var at *parse.Error
		if errors.As(err, &at) {
			return nil, fmt.Errorf("user_script:%d: %s near '%s'", at.Pos.Line, at.Message, at.Token)
		}
		return nil, err
	}
	p, err := lua.Compile(chunk, "user_script")
	if err != nil {
		return nil, err
	}
	compiled.Store(text, p)
	return p, nil
}

// run runs a script and returns its answer.
func (r *running) run(proto *lua.FunctionProto, sha string, keys, args []string, resp3 bool) string {
	r.l = lua.NewState(lua.Options{SkipOpenLibs: true})
	defer r.l.Close()
	r.libraries()
	r.l.SetGlobal("KEYS", r.list(keys))
	r.l.SetGlobal("ARGV", r.list(args))
	r.protect()
	r.l.Push(r.l.NewFunctionFromProto(proto))
	if err := r.l.PCall(0, 1, nil); err != nil {
		return errorReply(oneLine(told(err, sha)))
	}
	return r.answer(r.l.Get(-1), resp3)
}

func (r *running) list(of []string) *lua.LTable {
	t := r.l.NewTable()
	for _, s := range of {
		t.Append(lua.LString(s))
	}
	return t
}

var address = regexp.MustCompile(`0x[0-9a-f]+`)

// told is what a script's error reads like. What is no text and no error of a
// command has an address in Go, which differs from run to run, and is none of
// Redis'.
func told(err error, sha string) string {
	var e *lua.ApiError
	if !errors.As(err, &e) {
		return "ERR " + err.Error()
	}
	text, at := "", "1"
	switch o := e.Object.(type) {
	case *lua.LTable:
		if text = lua.LVAsString(o.RawGetString("err")); text == "" {
			text = "ERR unknown error"
		}
		if line := lua.LVAsString(o.RawGetString("line")); line != "" {
			at = line
		}
	default:
		text = strings.TrimSpace(address.ReplaceAllString(e.Object.String(), "?"))
		if where := strings.Split(text, ":"); where[0] == "user_script" && len(where) > 1 {
			at = where[1]
		}
		text = "ERR " + text
	}
	return text + " script: " + sha + ", on @user_script:" + at + "."
}

func oneLine(text string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(text) }

// protect refuses globals that a script makes, or that there are not.
func (r *running) protect() {
	l := r.l
	meta := l.NewTable()
	l.SetField(meta, "__newindex", l.NewFunction(func(l *lua.LState) int {
		l.RaiseError("Attempt to modify a readonly table")
		return 0
	}))
	l.SetField(meta, "__index", l.NewFunction(func(l *lua.LState) int {
		l.RaiseError("Script attempted to access nonexistent global variable '%s'", l.Get(2).String())
		return 0
	}))
	l.SetMetatable(l.Get(lua.GlobalsIndex), meta)
}

// call does redis.call, which raises errors, and redis.pcall, which returns
// them.
func (r *running) call(raises bool) lua.LGFunction {
	return func(l *lua.LState) int {
		v, err := r.command(l)
		if err == "" {
			l.Push(r.toLua(v))
			return 1
		}
		t := l.NewTable()
		t.RawSetString("err", lua.LString(err))
		if !raises {
			l.Push(t)
			return 1
		}
		if where := strings.Split(l.Where(1), ":"); len(where) > 1 {
			t.RawSetString("line", lua.LString(where[1]))
		}
		t.RawSetString("source", lua.LString("@user_script"))
		l.Error(t, 0)
		return 0
	}
}

// command carries out a command of a script.
func (r *running) command(l *lua.LState) (v parsed, err string) {
	if l.GetTop() == 0 {
		return v, "ERR Please specify at least one argument for this redis.call() call"
	}
	var words []string
	for i := 1; i <= l.GetTop(); i++ {
		switch a := l.Get(i).(type) {
		case lua.LString:
			words = append(words, string(a))
		case lua.LNumber:
			words = append(words, strconv.FormatFloat(float64(a), 'g', 17, 64))
			if a == lua.LNumber(int64(a)) {
				words[i-1] = strconv.FormatInt(int64(a), 10)
			}
		default:
			return v, "ERR Lua redis lib command arguments must be strings or integers"
		}
	}
	name := strings.ToUpper(words[0])
	words[0] = name
	if refusal := r.refuses(name, words); refusal != "" {
		return v, refusal
	}
	v = parseValue(r.f.run(r.s, name, words))
	if v.kind == '-' {
		return v, v.text
	}
	return v, ""
}

func (r *running) refuses(name string, words []string) string {
	full := name
	if len(words) > 1 {
		if _, ok := table[name+"|"+strings.ToUpper(words[1])]; ok {
			full = name + "|" + strings.ToUpper(words[1])
		}
	}
	switch refusal := r.f.refuses(name, words); {
	case strings.HasPrefix(refusal, "ERR unknown command"):
		return "ERR Unknown Redis command called from script"
	case strings.HasPrefix(refusal, "ERR wrong number"):
		return "ERR Wrong number of args calling Redis command from script"
	case strings.HasPrefix(refusal, "ERR unknown subcommand"):
		return "ERR Unknown Redis command called from script"
	case refusal != "":
		return refusal
	case table[full].noScripts:
		return "ERR This Redis command is not allowed from script"
	case r.readOnly && (table[full].writes || name == "PFCOUNT"):
		return "ERR Write commands are not allowed from read-only scripts."
	}
	if at, _ := blocks(name, words); at > 0 && strings.HasPrefix(name, "XREAD") {
		return "ERR " + name + " command is not allowed with BLOCK option from scripts"
	}
	if r.f.scripted != nil {
		return r.f.scripted(name, words)
	}
	return ""
}

// scriptCommand does SCRIPT.
func scriptCommand(f *front, _ *session, words []string) string {
	switch strings.ToUpper(words[1]) {
	case "LOAD":
		if _, err := compile(words[2]); err != nil {
			return errorReply(oneLine("ERR Error compiling script (new function): " + err.Error()))
		}
		f.scripts[sha1Hex(words[2])] = words[2]
		return bulk(sha1Hex(words[2]))
	case "EXISTS":
		var out []string
		for _, sha := range words[2:] {
			_, ok := f.scripts[strings.ToLower(sha)]
			out = append(out, integer(map[bool]int{true: 1}[ok]))
		}
		return array(out...)
	}
	if how := strings.ToUpper(strings.Join(words[2:], " ")); how != "" && how != "SYNC" && how != "ASYNC" {
		return errorReply("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
	}
	clear(f.scripts)
	return "+OK\r\n"
}

package redis

import (
	"bufio"
	"bytes"
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// front stands before a miniredis: every command comes here first. What Redis
// does with any command, it does: it knows which there are and how many words
// each has, queues and watches, publishes, and runs scripts. Of single commands
// it mends those that miniredis has otherwise than Redis (see the fixes), and
// refuses by name what neither has.
//
// That it answers as Redis does is the differential test's to say
// (fakestest, TestRealRedisDifferential).
type front struct {
	mini     *miniredis.Miniredis
	lacks    func(what string)                        // told of what was refused; may be nil
	scripted func(name string, words []string) string // sees a script's commands first; what it returns refuses one
	sessions map[*server.Peer]*session
	order    []*session // those that have subscribed, the first first
	scripts  map[string]string
	streams  map[streamAt]*streamFacts
	own      bool // what comes is the front's own

	answer bytes.Buffer  // what is asked at this moment
	writer *bufio.Writer // writes to answer
}

// session is what is known of a connection.
type session struct {
	peer    *server.Peer
	db      int
	multi   bool
	dirty   bool
	queue   [][]string
	watched []*watched
	subscriptions
}

// watched is a key that a connection watches. miniredis notices changes, also of
// keys that only expire; on a peer of its own, that can be asked for.
type watched struct {
	db      int
	key     string
	peer    *server.Peer
	changed bool
}

// known is a command of Redis.
type known struct {
	arity             int // with its name; at least so many where negative
	writes, noScripts bool
}

//go:embed commands.txt
var commandTable string

// table are the commands of Redis 7, as it tells them itself (COMMAND).
var table = func() map[string]known {
	out := map[string]known{}
	for line := range strings.Lines(commandTable) {
		f := strings.Fields(line)
		n, _ := strconv.Atoi(f[1])
		k := known{arity: n}
		if len(f) > 2 {
			k.writes, k.noScripts = strings.Contains(f[2], "w"), strings.Contains(f[2], "s")
		}
		out[strings.ToUpper(f[0])] = k
	}
	return out
}()

func newFront(m *miniredis.Miniredis, lacks func(string)) *front {
	f := &front{mini: m, lacks: lacks, sessions: map[*server.Peer]*session{}, scripts: map[string]string{}, streams: map[streamAt]*streamFacts{}}
	f.writer = bufio.NewWriterSize(&f.answer, 512)
	m.Server().SetPreHook(f.hook)
	return f
}

// hook takes a command, unless miniredis shall have it as it is.
func (f *front) hook(p *server.Peer, name string, args ...string) bool {
	if f.own {
		return false
	}
	s := f.session(p)
	words := append([]string{name}, args...)
	if reply := f.take(s, name, words); reply != "" {
		p.WriteRaw(reply)
		return true
	}
	f.own = true
	f.mini.Server().Dispatch(p, words)
	f.own = false
	f.after(s, words)
	return true
}

func (f *front) session(p *server.Peer) *session {
	s := f.sessions[p]
	if s == nil {
		s = &session{peer: p}
		f.sessions[p] = s
	}
	return s
}

// forget lets go of a connection that has ended.
func (f *front) forget(p *server.Peer) {
	if s := f.sessions[p]; s != nil {
		f.unsubscribe(s)
		delete(f.sessions, p)
	}
}

// take answers a command, or returns "" where miniredis shall, at once.
func (f *front) take(s *session, name string, words []string) string {
	if refusal := f.refuses(name, words); refusal != "" {
		s.dirty = s.dirty || s.multi
		return errorReply(refusal)
	}
	if s.subscribed() && !s.peer.Resp3 && !whileSubscribed[name] {
		return errorReply(fmt.Sprintf("ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context", strings.ToLower(name)))
	}
	switch name {
	case "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "RESET":
		return f.transaction(s, name, words)
	}
	if s.multi {
		s.queue = append(s.queue, words)
		return "+QUEUED\r\n"
	}
	if len(f.watchers()) > 0 {
		return f.run(s, name, words)
	}
	if fix := fixes[name]; fix != nil {
		return f.fixed(s, name, words, fix)
	}
	return ""
}

// fixed has a command done by its fix, or by miniredis, as that says.
func (f *front) fixed(s *session, name string, words []string, fix func(*front, *session, []string) string) string {
	if reply := fix(f, s, words); reply != "" {
		return reply
	}
	return f.ask(s, words...)
}

// refuses returns an error for what is no command of Redis' in this form, and
// for what is none of ours.
func (f *front) refuses(name string, words []string) string {
	k, ok := table[name]
	here := f.mini.Server().IsRegisteredCommand(name) || fixes[name] != nil || ours[name]
	if !ok && !here {
		text := fmt.Sprintf("ERR unknown command '%s', with args beginning with: ", words[0])
		for _, w := range words[1:] {
			if text += "'" + w + "' "; len(text) > 128 {
				break
			}
		}
		return text
	}
	full := name
	if _, container := table[name+"|HELP"]; container && len(words) > 1 {
		full = name + "|" + strings.ToUpper(words[1])
		if k, ok = table[full]; !ok {
			return fmt.Sprintf("ERR unknown subcommand '%s'. Try %s HELP.", words[1], name)
		}
	}
	if ok && (k.arity > 0 && len(words) != k.arity || len(words) < -k.arity) {
		return fmt.Sprintf("ERR wrong number of arguments for '%s' command", strings.ToLower(full))
	}
	if !here || missing[full] {
		return f.lack(strings.ReplaceAll(full, "|", " "))
	}
	if what := missingForm(full, words); what != "" {
		return f.lack(what)
	}
	return ""
}

// lack tells that something is not simulated, and returns the error.
func (f *front) lack(what string) string {
	if f.lacks != nil {
		f.lacks(what)
	}
	return "ERR wtsim does not have " + what
}

// run carries out a command at once, of a transaction or script too, and
// returns its answer.
func (f *front) run(s *session, name string, words []string) (reply string) {
	existed := f.existing(name)
	defer func() { f.touch(s.db, name, words, reply, existed) }()
	if fix := fixes[name]; fix != nil {
		return f.fixed(s, name, words, fix)
	}
	if at, _ := blocks(name, words); at > 0 { // it does not wait here
		return f.atOnce(s, words)
	}
	return f.ask(s, words...)
}

// atOnce carries out a blocking command that does not wait.
func (f *front) atOnce(s *session, words []string) string {
	f.ask(s, "MULTI")
	if refused := f.ask(s, words...); refused[0] == '-' {
		f.ask(s, "DISCARD")
		return refused
	}
	return strings.TrimPrefix(f.ask(s, "EXEC"), "*1\r\n")
}

// ask has miniredis carry out a command of a connection, and returns the answer.
// miniredis does not ask back, so that one answer at a time is written.
func (f *front) ask(s *session, words ...string) string {
	f.answer.Reset()
	p := server.NewPeer(f.writer)
	p.Ctx, p.Resp3, p.ClientName = s.peer.Ctx, s.peer.Resp3, s.peer.ClientName
	was := f.own
	f.own = true
	f.mini.Server().Dispatch(p, words)
	f.own = was
	p.Flush()
	s.peer.Ctx, s.peer.Resp3, s.peer.ClientName = p.Ctx, p.Resp3, p.ClientName
	f.after(s, words)
	return f.answer.String()
}

// after follows what a command has changed of the connection.
func (f *front) after(s *session, words []string) {
	if strings.EqualFold(words[0], "SELECT") && len(words) == 2 {
		if n, err := strconv.Atoi(words[1]); err == nil {
			s.db = n
		}
	}
}

// transaction does MULTI and what belongs to it.
func (f *front) transaction(s *session, name string, words []string) string {
	switch {
	case name == "MULTI" && s.multi:
		return errorReply("ERR MULTI calls can not be nested")
	case name == "MULTI":
		s.multi, s.dirty, s.queue = true, false, nil
	case name == "WATCH" && s.multi:
		return errorReply("ERR WATCH inside MULTI is not allowed")
	case name == "WATCH":
		f.watch(s, words[1:])
	case name == "UNWATCH" && s.multi:
		s.queue = append(s.queue, words)
		return "+QUEUED\r\n"
	case name == "UNWATCH":
		s.watched = nil
	case name == "RESET":
		f.unsubscribe(s)
		s.multi, s.queue, s.watched, s.peer.Resp3 = false, nil, nil, false
		f.ask(s, "SELECT", "0")
		return "+RESET\r\n"
	case !s.multi:
		return errorReply("ERR " + name + " without MULTI")
	case name == "EXEC":
		return f.exec(s)
	default: // DISCARD
		s.multi, s.queue, s.watched = false, nil, nil
	}
	return "+OK\r\n"
}

// exec carries out what is queued.
func (f *front) exec(s *session) string {
	queue, dirty, changed := s.queue, s.dirty, false
	for _, w := range s.watched {
		changed = changed || w.changed || f.noticed(w)
	}
	s.multi, s.queue, s.watched = false, nil, nil
	switch {
	case dirty:
		return errorReply("EXECABORT Transaction discarded because of previous errors.")
	case changed:
		return nullArray(s.peer.Resp3)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "*%d\r\n", len(queue))
	for _, words := range queue {
		if words[0] == "UNWATCH" {
			out.WriteString("+OK\r\n")
			continue
		}
		out.WriteString(f.run(s, words[0], words))
	}
	return out.String()
}

// nullArray is what EXEC answers where what was watched has changed.
func nullArray(resp3 bool) string {
	if resp3 {
		return "_\r\n"
	}
	return "*-1\r\n"
}

func (f *front) null(s *session, resp2 string) string {
	if s.peer.Resp3 {
		return "_\r\n"
	}
	return resp2
}

// watch begins to watch keys.
func (f *front) watch(s *session, keys []string) {
	for _, key := range keys {
		w := &watched{db: s.db, key: key}
		f.rewatch(w)
		s.watched = append(s.watched, w)
	}
}

// rewatch watches a key from now on.
func (f *front) rewatch(w *watched) {
	w.peer = server.NewPeer(f.writer)
	probe := &session{peer: w.peer}
	if w.db != 0 {
		f.ask(probe, "SELECT", strconv.Itoa(w.db))
	}
	f.ask(probe, "EXISTS", w.key) // what has expired is gone before
	f.ask(probe, "WATCH", w.key)
}

// noticed reports whether miniredis counts a key as changed since it is watched;
// then it is watched no longer.
func (f *front) noticed(w *watched) bool {
	probe := &session{peer: w.peer}
	f.ask(probe, "EXISTS", w.key)
	f.ask(probe, "MULTI")
	return strings.HasPrefix(f.ask(probe, "EXEC"), "*-1")
}

// watchers are all that is watched and has not changed yet.
func (f *front) watchers() []*watched {
	var out []*watched
	for _, s := range f.sessions { //wtsim:order each is looked at by itself
		for _, w := range s.watched {
			if !w.changed {
				out = append(out, w)
			}
		}
	}
	return out
}

// look notes which of what is watched has changed; but says that of a key it has
// not.
func (f *front) look(but func(w *watched) bool) {
	for _, w := range f.watchers() {
		if f.noticed(w) && !but(w) {
			w.changed = true
			continue
		}
		f.rewatch(w)
	}
}

// existing are the watched keys that there are, before a command of which
// miniredis does not say what it changes.
func (f *front) existing(name string) map[*watched]bool {
	if !empties[name] && !stores[name] {
		return nil
	}
	out := map[*watched]bool{}
	for _, w := range f.watchers() {
		out[w] = f.exists(w)
	}
	return out
}

// empties are the commands that change whole databases; stores, those that
// remove a key where there is nothing to store.
var (
	empties = map[string]bool{"FLUSHALL": true, "FLUSHDB": true, "SWAPDB": true}
	stores  = map[string]bool{"SINTERSTORE": true, "SUNIONSTORE": true, "SDIFFSTORE": true, "ZINTERSTORE": true, "ZUNIONSTORE": true, "ZRANGESTORE": true,
		"GEORADIUS": true, "GEORADIUSBYMEMBER": true, "GEOSEARCHSTORE": true, "RESTORE": true}
)

func (f *front) exists(w *watched) bool {
	return strings.HasPrefix(f.ask(&session{peer: w.peer}, "EXISTS", w.key), ":1")
}

// touch notes what a command has changed of what is watched.
func (f *front) touch(db int, name string, words []string, reply string, existed map[*watched]bool) {
	if empties[name] && reply[0] != '-' {
		f.emptied(name, words, existed)
	}
	if empties[name] || !isWrite(name, words) || isScript(name) {
		return
	}
	for _, w := range f.watchers() {
		w.changed = w.db == db && w.key == unnoticed(name, words, reply)
	}
	f.look(func(w *watched) bool {
		return !changed(name, words, []byte(reply)) || stores[name] && !existed[w] && !f.exists(w)
	})
}

// emptied notes what is watched of databases that were emptied, or changed
// places: what was there, or is now. They may have other counts of changes.
func (f *front) emptied(name string, words []string, existed map[*watched]bool) {
	for _, w := range f.watchers() {
		f.rewatch(w)
		is := f.exists(w)
		w.changed = existed[w] != is
		if name == "SWAPDB" {
			at := strconv.Itoa(w.db)
			w.changed = words[1] != words[2] && (at == words[1] || at == words[2]) && (existed[w] || is)
		}
	}
}

// unnoticed is the key that a command has changed which miniredis does not count
// as changed.
func unnoticed(name string, words []string, reply string) string {
	v := parseValue(reply)
	switch name {
	case "HDEL", "ZREM", "ZREMRANGEBYSCORE", "ZREMRANGEBYRANK", "ZREMRANGEBYLEX", "XTRIM":
		if v.kind == ':' && v.text != "0" {
			return words[1]
		}
	case "GETEX":
		if len(words) > 2 && v.kind == '$' {
			return words[1]
		}
	case "ZPOPMIN", "ZPOPMAX":
		if len(v.parts) > 0 {
			return words[1]
		}
	case "BZPOPMIN", "BZPOPMAX", "ZMPOP":
		if len(v.parts) > 0 {
			return v.parts[0].text
		}
	}
	return ""
}

func errorReply(text string) string { return "-" + text + "\r\n" }

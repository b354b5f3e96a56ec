package runtimepatch

import (
	"embed"
	"fmt"
	"strings"
)

// edit changes one file of the standard library. The anchor must occur in it
// exactly as often as times says (once, if zero), else the edit is refused:
// a release that has moved it needs somebody to look.
type edit struct {
	file   string // below GOROOT/src
	anchor string
	text   string // stands in the anchor's place
	times  int
	why    string
	other  []edit // tried in turn where the anchor is not found
}

// or tells another place for the text of an edit that [before] has made, for
// releases without its anchor.
func (e edit) or(anchor string) edit {
	text := strings.TrimSuffix(e.text, e.anchor)
	e.other = append(e.other, before(e.file, anchor, text, e.why))
	return e
}

// before and after keep the anchor and add to it.
func before(file, anchor, text, why string) edit {
	return edit{file: file, anchor: anchor, text: text + anchor, why: why}
}

func after(file, anchor, text, why string) edit {
	return edit{file: file, anchor: anchor, text: anchor + text, why: why}
}

// edits are all that is changed; added are the files that they rely on.
var edits = []edit{
	after("runtime/runtime2.go", "\tbubble  *synctestBubble\n",
		"\twtsim   uint64 // the stream of a goroutine of a seeded bubble\n\twtsimLine wtsimLine\n\twtsimWork uint32 // of a function instance: for whom\n",
		"every goroutine has a stream of its own"),
	after("runtime/synctest.go", "\tdone    bool   // true if main has exited\n",
		"\twtsim   wtsimState\n",
		"a bubble may be seeded"),
	{file: "runtime/synctest.go", anchor: "if gp.waitreason.isIdleInSynctest() {",
		text: "if bubble.wtsimIdle(gp) {", times: 2,
		why: "who waits for a lock waits for another goroutine of the bubble"},
	{file: "runtime/synctest.go", anchor: "racereleasemergeg(gp, bubble.raceaddr())",
		text: "wtsimRelease(gp, bubble.raceaddr())",
		why:  "the race detector hears of it"},
	{file: "runtime/traceback.go", anchor: "gp.waitreason.isIdleInSynctest() &&",
		text: "bubble.wtsimIdle(gp) &&",
		why:  "and is shown as such"},
	after("runtime/rand.go", "func rand() uint64 {\n",
		"\tif gp := getg(); wtsimDraws(gp) {\n\t\treturn wtsimNext(gp)\n\t}\n",
		"map iteration, math/rand, maphash, and the names of temporary files"),
	{file: "runtime/select.go", anchor: "j := cheaprandn(uint32(norder + 1))",
		text: "j := wtsimPoll(uint32(norder + 1))",
		why:  "select among several ready cases"},
	{file: "runtime/time.go", anchor: "t.rand = cheaprand()",
		text: "t.rand = wtsimTimer(t)",
		why:  "the order of timers that fire at the same instant"},
	before("runtime/time.go", "\t\tgp.bubble = bubble\n\t\tbubble.changegstatus(gp, _Gdead, _Grunning)\n",
		"\t\tgp.wtsim = uint64(t.rand)<<32 ^ uint64(now)\n\t\tgp.wtsimLine = t.wtsim\n\t\tgp.wtsimWork = t.wtsimWork\n",
		"the goroutine of a timer's function has a stream, too"),
	after("runtime/time.go", "\trand    uint32 // randomizes order of timers at same instant; only set when isFake\n",
		"\twtsim   wtsimLine\n\twtsimWork uint32\n",
		"and a name"),
	before("runtime/proc.go", "\tnewg.trackingSeq = uint8(cheaprand())\n",
		"\twtsimInherit(newg, callergp, mp)\n",
		"a goroutine's stream begins with a draw from its creator's"),
	after("runtime/proc.go", "\tclose(main_init_done)\n",
		"\twtsimBegun()\n",
		"package-level variables are made from the same draws in every process"),
	{file: "runtime/proc.go", anchor: "\t\t\tf := *(*func())(unsafe.Pointer(&p))\n\t\t\tf()\n",
		text: "\t\t\tf := *(*func())(unsafe.Pointer(&p))\n\t\t\twtsimInit(f)\n",
		why:  "and, in the process of a function instance, in its bubble"},
	after("runtime/proc.go", "\tfor _, t := range ts {\n\t\tdoInit1(t)\n",
		"\t\twtsimSooner(t, ts)\n",
		"where clients of gRPC tell who calls"),
	before("runtime/proc.go", "\trunqput(mp.p.ptr(), gp, next)\n\twakep()\n",
		"\tif wtsimWaits(gp) {\n\t\treleasem(mp)\n\t\treturn\n\t}\n",
		"who is woken waits for its turn"),
	before("runtime/proc.go", "\t\tpp := getg().m.p.ptr()\n\t\trunqput(pp, newg, true)\n",
		"\t\tif wtsimWaits(newg) {\n\t\t\treturn\n\t\t}\n",
		"and so does who is created"),
	before("runtime/proc.go", "\tif fn := mp.waitunlockf; fn != nil {\n",
		"\twtsimPass(gp)\n",
		"who parks passes the turn on, before anybody can wake it"),
	before("runtime/proc.go", "\t\t\texecute(gp, true) // Schedule it back, never returns.\n\t\t}\n\t}\n\n\tif bubble != nil {\n",
		"\t\t\tif wtsimWaits(gp) {\n\t\t\t\tschedule()\n\t\t\t}\n",
		"who need not park after all wants it back"),
	before("runtime/proc.go", "\tgdestroy(gp)\n\tschedule()\n",
		"\twtsimPass(gp)\n",
		"who ends passes it on"),
	before("runtime/proc.go", "\tif preempted && sched.gcwaiting.Load() {\n",
		"\tif wtsimYields(gp, preempted) {\n\t\tschedule()\n\t}\n",
		"who yields goes behind the others, whose time slice ends does not").
		or("\tlock(&sched.lock)\n\tglobrunqput(gp)\n\tunlock(&sched.lock)\n\n\tif mainStarted {\n"), // Go 1.25
	before("runtime/proc.go", "\trunqput(pp, gp, false)\n\tschedule()\n",
		"\tif wtsimYields(gp, false) {\n\t\tschedule()\n\t}\n",
		"the same for who hands over a semaphore"),
	before("runtime/proc.go", "\tvar tail *g\n\ttrace := traceAcquire()\n\tfor gp := glist.head.ptr();",
		"\twtsimInject(glist)\n\tif glist.empty() {\n\t\treturn\n\t}\n",
		"who is woken by the network or the collector waits for its turn"),
	{file: "runtime/proc.go", anchor: "\t\ttail = gp\n\t\tcasgstatus(gp, _Gwaiting, _Grunnable)\n",
		text: "\t\ttail = gp\n\t\tif readgstatus(gp)&^_Gscan == _Gwaiting {\n\t\t\tcasgstatus(gp, _Gwaiting, _Grunnable)\n\t\t}\n",
		why:  "of these some are runnable by now"},
	{file: "runtime/proc.go", anchor: "\t\tif mainStarted {\n\t\t\twakep()\n\t\t}\n\t})\n}\n",
		text: "\t\tif mainStarted {\n\t\t\twakep()\n\t\t}\n\t})\n\twtsimPoint()\n}\n",
		why:  "a new goroutine may go on before its creator does"},
	after("runtime/chan.go", "func chansend(c *hchan, ep unsafe.Pointer, block bool, callerpc uintptr) bool {\n",
		"\twtsimPoint()\n",
		"another goroutine may go on before a channel's operation"),
	after("runtime/chan.go", "func chanrecv(c *hchan, ep unsafe.Pointer, block bool) (selected, received bool) {\n",
		"\twtsimPoint()\n",
		"the same"),
	after("runtime/chan.go", "func closechan(c *hchan) {\n",
		"\twtsimPoint()\n",
		"the same"),
	after("runtime/select.go", "\tpollorder = pollorder[:norder]\n",
		"\twtsimSelect(scases, nsends, pollorder)\n",
		"before a select, too, and which of its cases goes first is a decision"),
	{file: "runtime/sema.go", anchor: "func internal_sync_nanotime() int64 {\n\treturn nanotime()\n",
		text: "func internal_sync_nanotime() int64 {\n\treturn wtsimClock()\n",
		why:  "whether a lock is handed over does not depend on how fast the machine is"},
	{file: "runtime/time.go", anchor: "\t\tif gp.preemptStop {\n",
		text: "\t\tif gp.preemptStop && !wtsimKeeps(gp) {\n",
		why:  "which timers are swept out, and so draw anew when they come back, does not depend on the collector"},
	{file: "runtime/mgcmark.go", anchor: "\t\tif gp.preempt {\n\t\t\tGosched()\n",
		text: "\t\tif gp.preempt && !wtsimKeeps(gp) {\n\t\t\tGosched()\n",
		why:  "who helps the collector keeps its turn"},
	before("runtime/coro.go", "\t// Check if we're switching to ourselves.",
		"\tbubble.wtsimHand(gnext)\n",
		"a coroutine runs in the turn of who calls it"),
	after("runtime/alg.go", "func alginit() {\n",
		"\tfor i := range hashkey {\n\t\thashkey[i] = wtsimHashKey(i)\n\t}\n\tif wtsimStarting {\n\t\treturn\n\t}\n",
		"the layout of maps does not depend on the process"),
	{file: "internal/runtime/maps/map.go", anchor: "m.seed = uintptr(rand())",
		text: "m.seed = 0x2545f491", times: 4,
		why: "nor on who made the map, and to make one draws nothing: a table that is made once a process would else change all later draws of the run that happens to make it"},
	{file: "internal/sync/hashtriemap.go", anchor: "ht.seed = uintptr(runtime_rand())",
		text: "ht.seed = 0x2545f491",
		why:  "the same for sync.Map"},
	after("sync/pool.go", "\tNew func() any\n",
		"\n\twtsim wtsimPool\n",
		"what a pool holds depends on the thread"),
	after("sync/pool.go", "func (p *Pool) Put(x any) {\n\tif x == nil {\n\t\treturn\n\t}\n",
		"\tif p.wtsim.put(x) {\n\t\treturn\n\t}\n",
		"and on the collector"),
	after("sync/pool.go", "func (p *Pool) Get() any {\n",
		"\tif x, ok := p.wtsim.get(); ok {\n\t\tif x == nil && p.New != nil {\n\t\t\tx = p.New()\n\t\t}\n\t\treturn x\n\t}\n",
		"and on the collector"),
	after("sync/mutex.go", "func (m *Mutex) Lock() {\n", "\twtsimPoint()\n",
		"another goroutine may go on before a lock's operation"),
	after("sync/mutex.go", "func (m *Mutex) TryLock() bool {\n", "\twtsimPoint()\n", "the same"),
	after("sync/mutex.go", "func (m *Mutex) Unlock() {\n", "\twtsimPoint()\n", "the same"),
	after("sync/rwmutex.go", "func (rw *RWMutex) RLock() {\n", "\twtsimPoint()\n", "the same"),
	after("sync/rwmutex.go", "func (rw *RWMutex) TryRLock() bool {\n", "\twtsimPoint()\n", "the same"),
	after("sync/rwmutex.go", "func (rw *RWMutex) RUnlock() {\n", "\twtsimPoint()\n", "the same"),
	after("sync/rwmutex.go", "func (rw *RWMutex) Lock() {\n", "\twtsimPoint()\n", "the same"),
	after("sync/rwmutex.go", "func (rw *RWMutex) TryLock() bool {\n", "\twtsimPoint()\n", "the same"),
	after("sync/rwmutex.go", "func (rw *RWMutex) Unlock() {\n", "\twtsimPoint()\n", "the same"),
	after("sync/waitgroup.go", "func (wg *WaitGroup) Add(delta int) {\n", "\twtsimPoint()\n", "the same"),
	after("sync/waitgroup.go", "func (wg *WaitGroup) Wait() {\n", "\twtsimPoint()\n", "the same"),
	after("sync/cond.go", "func (c *Cond) Wait() {\n", "\twtsimPoint()\n", "the same"),
	after("sync/cond.go", "func (c *Cond) Signal() {\n", "\twtsimPoint()\n", "the same"),
	after("sync/cond.go", "func (c *Cond) Broadcast() {\n", "\twtsimPoint()\n", "the same"),
	after("crypto/internal/sysrand/rand.go", "func Read(b []byte) {\n",
		"\tif wtsimRead(b) {\n\t\treturn\n\t}\n",
		"keys are made without asking crypto/rand.Reader"),
	after("runtime/signal_unix.go", "func ensureSigM() {\n\tif maskUpdatedChan != nil {\n\t\treturn\n\t}\n",
		"\tif gp := getg(); gp.bubble != nil {\n\t\tbubble := gp.bubble\n\t\tgp.bubble = nil\n\t\tensureSigM()\n\t\tgp.bubble = bubble\n\t\treturn\n\t}\n",
		"signals are the process's, whoever asks for them first"),
	{file: "runtime/panic.go", anchor: "\tpreprintpanics(&p)\n\n\tfatalpanic(&p)",
		text: "\tif wtsimSpared() {\n\t\tgoexit1()\n\t}\n\tpreprintpanics(&p)\n\twtsimPanics(&p)\n\n\tfatalpanic(&p)",
		why:  "whose run is over ends alone, not the process"},
	after("os/sys.go", "func Hostname() (name string, err error) {\n",
		"\tif wtsimProgram() {\n\t\treturn \"localhost\", nil\n\t}\n",
		"a function instance knows nothing of the machine"),
	after("os/proc.go", "func Exit(code int) {\n",
		"\tif wtsimSpared() {\n\t\truntime.Goexit()\n\t}\n\twtsimEnds(\"os.Exit\", code)\n",
		"the same"),
	after("runtime/proc.go", "\tfn := main_main // make an indirect call, as the linker doesn't know the address of the main package when laying down the runtime\n\tfn()\n",
		"\twtsimEnds(\"main\", 0)\n",
		"a function instance whose main has returned"),
	after("crypto/tls/conn.go", "func (c *Conn) handshakeContext(ctx context.Context) (ret error) {\n",
		"\tif c.wtsimPlain() {\n\t\treturn nil\n\t}\n",
		"what a function instance says is read by the world"),
	after("crypto/tls/conn.go", "func (c *Conn) Write(b []byte) (int, error) {\n",
		"\tif c.wtsimPlain() {\n\t\treturn c.conn.Write(b)\n\t}\n",
		"the same"),
	after("crypto/tls/conn.go", "func (c *Conn) Read(b []byte) (int, error) {\n",
		"\tif c.wtsimPlain() {\n\t\treturn c.conn.Read(b)\n\t}\n",
		"the same"),
	after("crypto/tls/conn.go", "func (c *Conn) Close() error {\n",
		"\tif c.wtsimPlain() {\n\t\treturn c.conn.Close()\n\t}\n",
		"the same"),
	after("crypto/tls/conn.go", "func (c *Conn) CloseWrite() error {\n",
		"\tif c.wtsimPlain() {\n\t\treturn c.wtsimCloseWrite()\n\t}\n",
		"the same"),
	after("net/dial.go", "func (lc *ListenConfig) Listen(ctx context.Context, network, address string) (Listener, error) {\n",
		"\tif l, err := wtsimListen(network, address); l != nil || err != nil {\n\t\treturn l, err\n\t}\n",
		"a function instance is called by the world"),
	after("net/sock_posix.go", "func socket(ctx context.Context, net string, family, sotype, proto int, ipv6only bool, laddr, raddr sockaddr, ctrlCtxFn func(context.Context, string, string, syscall.RawConn) error) (fd *netFD, err error) {\n",
		"\tif err := wtsimSocket(net); err != nil {\n\t\treturn nil, err\n\t}\n",
		"and has no other way to the outside"),
	before("net/http/server.go", "\t\t\tc.server.logf(\"http: panic serving",
		"\t\t\twtsimPanicked(fmt.Sprintf(\"%v\\n%s\", err, buf))\n",
		"whose handlers' panics are findings"),
	after("syscall/syscall.go", "func BytePtrFromString(s string) (*byte, error) {\n", "\ts = wtsimPath(s)\n",
		"the files of a function instance are its own"),
	after("os/file_unix.go", "func openFileNolog(name string, flag int, perm FileMode) (*File, error) {\n",
		"\tif err := wtsimOpens(name, flag); err != nil {\n\t\treturn nil, err\n\t}\n",
		"and what is not is not written in silence"),
	after("os/file.go", "func Mkdir(name string, perm FileMode) error {\n",
		"\tif err := wtsimChanges(\"mkdir\", name, false); err != nil {\n\t\treturn err\n\t}\n", "nor made"),
	after("os/file.go", "func Rename(oldpath, newpath string) error {\n",
		"\tif err := wtsimMoves(oldpath, newpath); err != nil {\n\t\treturn err\n\t}\n", "nor moved"),
	after("os/file_unix.go", "func Remove(name string) error {\n",
		"\tif err := wtsimChanges(\"remove\", name, true); err != nil {\n\t\treturn err\n\t}\n", "nor removed"),
	after("os/path.go", "func RemoveAll(path string) error {\n",
		"\tif err := wtsimChanges(\"remove\", path, true); err != nil {\n\t\treturn err\n\t}\n", "the same"),
	after("os/signal/signal.go", "func Notify(c chan<- os.Signal, sig ...os.Signal) {\n",
		"\tif wtsimNotify != nil && wtsimNotify(c, sig) {\n\t\treturn\n\t}\n",
		"a run's SIGTERM is a function instance's"),
	after("os/signal/signal.go", "func Stop(c chan<- os.Signal) {\n",
		"\tif wtsimStop != nil && wtsimStop(c) {\n\t\treturn\n\t}\n",
		"the same"),
	after("net/dial.go", "func (d *Dialer) DialContext(ctx context.Context, network, address string) (Conn, error) {\n",
		"\tif dial := wtsimDialNow(); dial != nil {\n\t\treturn dial(ctx, network, address)\n\t}\n",
		"clients that dial by themselves reach the services of a run"),
	after("net/http/roundtrip.go", "func (t *Transport) RoundTrip(req *Request) (*Response, error) {\n",
		"\tif roundTrip := wtsimRoundTripNow(); roundTrip != nil {\n\t\treturn roundTrip(req)\n\t}\n",
		"and so do those with an HTTP transport of their own, whenever it was made"),
}

//go:embed files
var files embed.FS

// added are files of ours, by where they stand below GOROOT/src.
var added = map[string]string{
	"runtime/wtsim.go":                 "files/runtime.txt",
	"runtime/wtsim_order.go":           "files/order.txt",
	"runtime/wtsim_init.go":            "files/init.txt",
	"runtime/wtsim_program.go":         "files/program.txt",
	"runtime/wtsim_race.go":            "files/runtime_race.txt",
	"runtime/wtsim_norace.go":          "files/runtime_norace.txt",
	"sync/wtsim.go":                    "files/sync.txt",
	"syscall/wtsim.go":                 "files/syscall.txt",
	"os/wtsim.go":                      "files/os.txt",
	"os/signal/wtsim.go":               "files/signal.txt",
	"net/wtsim.go":                     "files/net.txt",
	"net/wtsim_program.go":             "files/net_program.txt",
	"net/http/wtsim.go":                "files/http.txt",
	"crypto/tls/wtsim.go":              "files/tls.txt",
	"crypto/internal/sysrand/wtsim.go": "files/sysrand.txt",
}

// apply returns the file's text with all edits of it made.
func apply(release Release, edits []edit, file, text string) (string, error) {
	for _, e := range edits {
		if e.file != file {
			continue
		}
		found := e.in(text)
		if found == nil {
			return "", &MovedError{Release: release, File: file, Anchor: e.anchor,
				Found: strings.Count(text, e.anchor), Want: max(e.times, 1)}
		}
		text = strings.ReplaceAll(text, found.anchor, found.text)
	}
	return text, nil
}

// in returns the edit whose anchor a text has as often as it should: this one
// or another one in its place; nil if there is none.
func (e *edit) in(text string) *edit {
	if strings.Count(text, e.anchor) == max(e.times, 1) {
		return e
	}
	for i := range e.other {
		if o := e.other[i].in(text); o != nil {
			return o
		}
	}
	return nil
}

// MovedError says that a release's source is not what the edits were made
// for.
type MovedError struct {
	Release     Release
	File        string
	Anchor      string
	Found, Want int
}

func (e *MovedError) Error() string {
	return fmt.Sprintf("%s: src/%s has %q %d times, wanted %d: this release of Go cannot be patched; use one of %s, or plain go test",
		e.Release.Version, e.File, strings.TrimSpace(e.Anchor), e.Found, e.Want, tested)
}

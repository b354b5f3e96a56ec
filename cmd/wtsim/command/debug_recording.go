package command

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	mathrand "math/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/internal/suggest"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/recording"
	"github.com/wtsim/wtsim/sim"
)

// playText is the program that is built around a package whose function makes a
// handler of a player. It has what math/rand's own functions draw of, which the linker
// refuses unless it is told not to ask.
const playText = `package main

import (
	one "math/rand"
	two "math/rand/v2"
	"sync/atomic"
	_ "unsafe" // for go:linkname

	"github.com/wtsim/wtsim/cmd/wtsim/command"

	user %[1]q
)

//go:linkname drawnOne math/rand.globalRandGenerator
var drawnOne atomic.Pointer[one.Rand]

//go:linkname drawnTwo math/rand/v2.globalRand
var drawnTwo *two.Rand

func draw(of one.Source64) {
	drawnOne.Store(one.New(of))
	drawnTwo = two.New(of)
}

func main() { command.Play(%[3]q, user.%[2]s, draw) }
`

// isRecording tells whether a file has events, one a line, as recordings have.
func isRecording(path string) bool {
	f, err := openEvents(path)
	if err != nil {
		return false // which is told of a counterexample
	}
	defer f.Close()
	for in := bufio.NewReader(f); ; {
		line, err := in.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			_, bad := event.Decode(line)
			return bad == nil
		}
		if err != nil {
			return false
		}
	}
}

// debugRecording stops an invocation of production at one of its operations.
func (a *app) debugRecording(o *debugOptions, args []string) (int, error) {
	of, err := o.recorded()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", o.path, err)
	}
	if _, err := of.HTTP(); err != nil {
		return 0, fmt.Errorf("%s: %w", o.path, err)
	}
	if _, err := o.operations(of); err != nil {
		return 0, fmt.Errorf("%s: %w", o.path, err)
	}
	ref, ok := parseRef(o.of)
	if !ok {
		return 0, fmt.Errorf("debug: --of is %q, wanted the package and the function that makes the handler of a *recording.Player, as ./shop:Played", o.of)
	}
	return a.debugPackage(ref, o, args, playText, `"github.com/wtsim/wtsim/cmd/wtsim/command".playedStep`, "-ldflags=-checklinkname=0")
}

// recorded is the invocation of the recording that is meant.
func (o *debugOptions) recorded() (*recording.Invocation, error) {
	f, err := openEvents(o.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := recording.Read(f)
	if err != nil {
		return nil, err
	}
	has := func(i *recording.Invocation) bool {
		return slices.ContainsFunc(i.Operations, func(op recording.Operation) bool { return op.ID == o.event })
	}
	var names []string
	for _, i := range all {
		switch {
		case o.invocation != "" && i.ID == o.invocation, o.invocation == "" && o.event != "" && has(i):
			return i, nil
		}
		names = append(names, i.ID)
	}
	switch {
	case o.invocation != "":
		return nil, fmt.Errorf("there is no invocation %q%s", o.invocation, suggest.DidYouMean(o.invocation, names))
	case o.event != "":
		return nil, fmt.Errorf("no operation is the event %q", o.event)
	case len(all) == 1:
		return all[0], nil
	}
	return nil, fmt.Errorf("there are %d invocations, wanted one, by --invocation: %s", len(all), strings.Join(names[:min(len(names), 5)], ", "))
}

// operations are those of an invocation as steps, and the one to stop at.
func (o *debugOptions) operations(of *recording.Invocation) (*debugSteps, error) {
	list := &debugSteps{Step: cmp.Or(o.step, len(of.Operations)), Operations: map[int]string{}}
	for n := range of.Operations {
		op := &of.Operations[n]
		list.Operations[n+1] = fmt.Sprintf("step %d: %s  %s", n+1, of.ID, strings.Join(strings.Fields(op.Service+" "+op.Method+" "+op.Resource), " "))
		if op.ID == o.event {
			list.Step = n + 1
		}
	}
	switch {
	case len(of.Operations) == 0:
		return nil, fmt.Errorf("invocation %s has no operation", of.ID)
	case list.Step > len(of.Operations):
		return nil, fmt.Errorf("invocation %s has %d operations, wanted --step of one of them", of.ID, len(of.Operations))
	}
	return list, nil
}

// playedStep is the number of the operation that a played invocation is at: a
// debugger that has stopped, wherever that is, reads it.
//
//lint:ignore U1000 a debugger reads it
var playedStep int

// Play is the body of a program that plays recorded invocations on a handler:
// `wtsim debug` builds it. draw has math/rand's own functions draw of a source. It does
// what its arguments say, and exits.
func Play(name string, handler func(*recording.Player) (http.Handler, error), draw func(mathrand.Source64)) {
	a := &app{stdout: os.Stdout, stderr: os.Stderr}
	code, err := a.play(&playing{handler, draw}, os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "wtsim: %s: %v\n", name, err)
		code = exitUsage
	}
	os.Exit(code)
}

// playing is what plays: a handler, and what math/rand draws of.
type playing struct {
	handler func(*recording.Player) (http.Handler, error)
	draw    func(mathrand.Source64)
}

// play runs the invocation and tells where it differs. The arguments are those of
// debug.
func (a *app) play(with *playing, args []string) (int, error) {
	o := &debugOptions{}
	f := a.flags("debug", " FILE", "")
	o.flags(f)
	if _, err := parse(f, args[1:], "FILE"); err != nil {
		return 0, err
	}
	o.path = f.Arg(0)
	of, err := o.recorded()
	if err != nil {
		return 0, err
	}
	list, err := o.operations(of)
	if err != nil {
		return 0, err
	}
	if os.Getenv(debugVariable) == debugList {
		all := list.Operations
		list.Operations = map[int]string{}
		d, err := played(of, func(n int) { list.Operations[n] = all[n] }, with)
		if err != nil {
			return 0, err
		}
		if d != nil {
			list.Told = d.String()
		}
		return exitHeld, json.NewEncoder(a.stdout).Encode(list)
	}
	step, err := strconv.Atoi(os.Getenv(debugVariable))
	if err != nil {
		return 0, errors.New("it is for wtsim debug")
	}
	_, err = played(of, func(n int) {
		if playedStep = n; n == step {
			sim.Stopped(n)
		}
	}, with)
	return exitHeld, err
}

// played runs an invocation in virtual time, which begins when it began; at is
// called by the goroutine that makes an operation.
func played(of *recording.Invocation, at func(int), with *playing) (d *recording.Divergence, err error) {
	req, err := of.HTTP()
	if err != nil {
		return nil, err
	}
	const forEver = 1000 * time.Hour
	ran := bubble.Run(bubble.Options{Blocked: forEver, Busy: forEver}, func(*bubble.Beat) {
		time.Sleep(time.Until(of.Began))
		p := recording.NewPlayer(of)
		p.At = at
		var h http.Handler
		if h, err = with.handler(p); err != nil {
			return
		}
		if len(of.Draws) > 0 {
			defer func(was io.Reader) { rand.Reader = was }(rand.Reader)
			rand.Reader = p
			uuid.SetRand(p)
			defer uuid.SetRand(nil)
		}
		if len(of.Numbers) > 0 {
			with.draw(numbers{p, mathrand.NewSource(1).(mathrand.Source64)})
			req = req.WithContext(probe.Label(req.Context(), p, of.ID))
		}
		h.ServeHTTP(httptest.NewRecorder(), req)
		d = p.End()
	})
	var leak *bubble.Leak
	if err == nil && ran != nil && !errors.As(ran, &leak) { // clients that nobody closes are left behind
		err = ran
	}
	return d, err
}

// numbers are what math/rand has drawn for the invocation; what others draw was not
// recorded, and is anything.
type numbers struct {
	of     *recording.Player
	others mathrand.Source64
}

func (n numbers) Uint64() uint64 {
	if probe.Caller() == "" {
		return n.others.Uint64()
	}
	return n.of.Number()
}

func (n numbers) Int63() int64 { return int64(n.Uint64() & math.MaxInt64) }

func (n numbers) Seed(int64) {} // nobody can: it is the package's own

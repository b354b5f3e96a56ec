package command

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/wtsim/wtsim/internal/runtimepatch"
)

const goUsage = `Usage: wtsim %[1]s [go %[1]s arguments]

Does what go %[1]s does, on a Go runtime that is deterministic inside a simulated run: map iteration, select, random numbers and
the order of goroutines repeat, and locks may be held across calls. All arguments are those of go %[1]s (see go help %[1]s);
-overlay is taken, -tags are kept. The first time, the standard library and all that is linked are
compiled once more, which takes as long as your first build did: minutes.

Flags:
      --print-flags   print what is passed to go build, for other tools
%[3]s
Examples:

%[2]s
`

const recordFlags = `      --record        another build: a program for production, not a line of it changed, with the recorder in its HTTP clients, servers and
                      connections (Redis, gRPC); WTSIM_RECORD, in its environment, says where events go (docs/production.md)
      --rules FILE    with --record: which operations are events, in YAML, unless its environment names others
`

const testExamples = `  wtsim test ./...
  wtsim test -race -run Checkout ./shop
  dlv test --build-flags="$(wtsim test --print-flags)" ./shop`

const buildExamples = `  wtsim build -o bin/shop ./cmd/shop      a wtsim of your own (see command.Main)
  GOARCH=arm64 wtsim build ./cmd/shop
  wtsim build --record --rules rules.yaml -o bin/shop ./cmd/shop
  WTSIM_RECORD=events.ndjson bin/shop`

func (a *app) test(args []string) (int, error) { return a.goCommand("test", args, testExamples) }

// build is `wtsim build`: on the patched runtime, or for production with the recorder.
func (a *app) build(args []string) (int, error) {
	o, rest, err := takeRecord(args)
	switch {
	case err != nil:
		return 0, err
	case o.on && !slices.ContainsFunc(rest, isHelp):
		return a.buildRecorded(o, rest)
	}
	return a.goCommand("build", rest, buildExamples)
}

// goCommand runs a go command on the patched runtime.
func (a *app) goCommand(verb string, args []string, examples string) (int, error) {
	if len(args) > 0 && isHelp(args[0]) {
		flags := ""
		if verb == "build" {
			flags = recordFlags
		}
		fmt.Fprintf(a.stdout, goUsage, verb, examples, flags)
		return exitHeld, nil
	}
	p, err := patchFor(args)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", verb, err)
	}
	if len(args) == 1 && args[0] == "--print-flags" {
		fmt.Fprintf(a.stdout, "-overlay=%s -tags=%s\n", p.overlay.File, p.tags)
		for _, v := range p.overlay.Env() {
			fmt.Fprintf(a.stderr, "wtsim: these flags need %s in the environment, as go has downloaded this release\n", v)
		}
		return exitHeld, nil
	}
	p.announce(a)
	return a.become(p.command(p.arguments(verb)...))
}

func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

// patch is what the go command needs to build on the patched runtime.
type patch struct {
	overlay runtimepatch.Overlay
	tags    string   // ours and the user's
	chdir   []string // -C, which must come first
	dir     string   // its folder
	rest    []string
}

// patchFor takes from a go command's arguments what must be merged with ours,
// and generates the overlay.
func patchFor(args []string) (*patch, error) {
	return prepare(args, runtimepatch.Tag, runtimepatch.Release.Overlay)
}

// prepare is patchFor, for an overlay and the build tag of what reaches it.
func prepare(args []string, tag string, overlay func(runtimepatch.Release, string) (runtimepatch.Overlay, error)) (*patch, error) {
	p := &patch{}
	if args = p.takeDir(args); len(args) > 0 && args[0] == "--print-flags" {
		args = nil
	}
	tags, err := p.takeTags(args)
	if err != nil {
		return nil, err
	}
	release, err := runtimepatch.Installed("go", p.dir, os.Environ())
	if err != nil {
		return nil, err
	}
	if tags == nil { // -tags replaces those of GOFLAGS
		if tags, err = goflagsTags(p.dir); err != nil {
			return nil, err
		}
	}
	p.tags = strings.Join(append(tags, tag), ",")
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("no folder for the overlay: %w; set XDG_CACHE_HOME", err)
	}
	p.overlay, err = overlay(release, filepath.Join(cache, "wtsim", "runtime"))
	return p, err
}

// takeDir takes -C, which the go command allows as the first flag alone.
func (p *patch) takeDir(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	name, value, joined := flagOf(args[0])
	switch {
	case name != "C":
		return args
	case joined:
		p.chdir, p.dir, args = args[:1], value, args[1:]
	case len(args) > 1:
		p.chdir, p.dir, args = args[:2], args[1], args[2:]
	}
	return args
}

// takeTags takes -tags and keeps the rest. It returns nil if there are none.
func (p *patch) takeTags(args []string) (tags []string, err error) {
	for i := 0; i < len(args); i++ {
		name, value, joined := flagOf(args[i])
		switch {
		case name == "args":
			p.rest = append(p.rest, args[i:]...)
			return tags, nil
		case name == "overlay":
			return nil, errOverlay
		case name != "tags":
			p.rest = append(p.rest, args[i])
			continue
		case !joined && i+1 == len(args):
			return nil, errors.New("-tags has no value, wanted a list of build tags")
		case !joined:
			i++
			value = args[i]
		}
		tags = append([]string{}, splitTags(value)...) // the last one counts
	}
	return tags, nil
}

var errOverlay = errors.New("-overlay is given, wanted none: the overlay is what this command is for; use plain go with yours")

func splitTags(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// flagOf reads "-name=value" or "--name"; name is empty if arg is no flag.
func flagOf(arg string) (name, value string, joined bool) {
	rest, ok := strings.CutPrefix(arg, "-")
	if !ok {
		return "", "", false
	}
	name, value, joined = strings.Cut(strings.TrimPrefix(rest, "-"), "=")
	return name, value, joined
}

// goflagsTags returns the build tags that GOFLAGS sets.
func goflagsTags(dir string) ([]string, error) {
	c := exec.Command("go", "env", "GOFLAGS")
	c.Dir = dir
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOFLAGS: %w", err)
	}
	var tags []string
	for _, f := range strings.Fields(string(out)) {
		switch name, value, _ := flagOf(strings.Trim(f, `'"`)); name {
		case "tags":
			tags = splitTags(value)
		case "overlay":
			return nil, fmt.Errorf("GOFLAGS: %w", errOverlay)
		}
	}
	return tags, nil
}

func (p *patch) arguments(verb string) []string {
	args := append([]string{verb}, p.chdir...)
	return append(append(args, "-overlay", p.overlay.File, "-tags", p.tags), p.rest...)
}

// command runs the go command that takes the overlay.
func (p *patch) command(args ...string) *exec.Cmd {
	c := exec.Command(p.overlay.Command(), args...)
	c.Env = append(os.Environ(), p.overlay.Env()...)
	return c
}

// announce says why the first build takes longer.
func (p *patch) announce(a *app) {
	args := []string{"list", "-overlay", p.overlay.File, "-tags", p.tags, "-f", "{{.Stale}}"}
	for _, arg := range p.rest { // what makes another standard library
		switch name, _, _ := flagOf(arg); name {
		case "race", "msan", "asan", "trimpath":
			args = append(args, arg)
		}
	}
	c := p.command(append(args, "runtime")...)
	c.Dir = p.dir
	if out, err := c.Output(); err == nil && strings.TrimSpace(string(out)) == "true" {
		fmt.Fprintln(a.stderr, "wtsim: the first build for the patched runtime compiles the standard library and all that is linked (once, some minutes)")
	}
}

// become runs a command in place of this process: its input, output, signals
// and exit code are ours.
func (a *app) become(c *exec.Cmd) (int, error) {
	if c.Err != nil {
		return 0, c.Err
	}
	if a.inherit() == os.Stdout && a.stderr == os.Stderr {
		_ = syscall.Exec(c.Path, c.Args, c.Environ()) // returns where the system cannot
	}
	return a.follow(c)
}

// follow runs a command as a child and passes on what concerns it.
func (a *app) follow(c *exec.Cmd) (int, error) {
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, a.inherit(), a.stderr
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := c.Start(); err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = c.Process.Signal(s) // it may have ended
		case err := <-done:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return 0, err
			}
			return exitCode(c.ProcessState), nil
		}
	}
}

// exitCode is that of a process, as a shell tells it: 128 and the signal's
// number if a signal has ended it.
func exitCode(p *os.ProcessState) int {
	if status, ok := p.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return p.ExitCode()
}

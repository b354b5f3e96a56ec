package command

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// delveModule is the debugger, where there is no dlv on PATH.
const delveModule = "github.com/go-delve/delve/cmd/dlv@v1.27.2"

// stopping has delve stop where a run passes by at the step.
const stopping = "break github.com/wtsim/wtsim/sim.Stopped\ncontinue\n"

// plain has delve print text without colours.
var plain = []string{"TERM=dumb", "NO_COLOR=1"}

// frameLine is a line of delve's stack, and the one behind it.
var frameLine = regexp.MustCompile(`(?m)^\s*(\d+)\s+0x[0-9a-f]+ in (\S+)\n\s+at (\S+:\d+)$`)

// delvePath is the delve on PATH, else the one that is built of its module, once.
func delvePath() (string, error) {
	if path, err := exec.LookPath("dlv"); err == nil {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("debug: no dlv on PATH, and no folder for one: %w", err)
	}
	_, release, _ := strings.Cut(delveModule, "@")
	dir := filepath.Join(cache, "wtsim", "delve", release+"-"+runtime.Version())
	path := filepath.Join(dir, "dlv")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	c := exec.Command("go", "install", delveModule)
	c.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("debug: no dlv on PATH, and %s cannot be built: %w: %s", delveModule, err, lastLine(string(out)))
	}
	return path, nil
}

// delve stops a binary at a step: once to see which frame is the handler's, and
// once there.
func (a *app) delve(o *debugOptions, d *debugger, list *debugSteps) (int, error) {
	frame, place, err := d.place()
	if err != nil {
		return 0, err
	}
	if frame == "" {
		return 0, fmt.Errorf("debug: no frame of %s makes the operation", d.whose())
	}
	list.print(a.stdout, place)
	there := d.there + "frame " + frame + "\n"
	if o.command == "" {
		return exitHeld, d.talk(there)
	}
	out, err := d.do(there + o.command + "\nexit\n")
	if err != nil {
		return 0, err
	}
	_, out, _ = strings.Cut(out, "\nFrame "+frame+":")
	_, out, _ = strings.Cut(out, "\n")
	out, _, _ = strings.Cut(out, killQuestion)
	_, err = fmt.Fprint(a.stdout, out)
	return exitHeld, err
}

// debugger is delve with a binary, which passes by a step, or with the process of
// a program that waits there.
type debugger struct {
	delve string
	bin   *debugBinary
	step  int
	init  string         // the file of the script
	main  *debugPrograms // one of which is debugged; nil: the binary itself
	work  uint32         // for which that makes the operation
	there string         // what brings delve to the operation's goroutine
}

// whose says for people which frames are looked for.
func (d *debugger) whose() string {
	if d.main != nil {
		return strings.Join(d.main.Roots, ", ")
	}
	return d.bin.prefix
}

// place finds the handler's frame, and where it is; empty if there is none.
func (d *debugger) place() (frame, place string, err error) {
	if d.main != nil {
		return d.programPlace()
	}
	stack, err := d.do(stopping + "stack 200\nexit\n")
	if err != nil {
		return "", "", err
	}
	of := d.bin.prefix
	frame, place = frameOf(stack, func(function, _ string) bool {
		return strings.HasPrefix(function, of) || strings.HasPrefix(function, strings.TrimSuffix(of, "/")+".") // or of the package at the module's root
	})
	return frame, place, nil
}

// frameOf finds the newest of the user's own frames in a stack, and says for
// people where it is.
func frameOf(stack string, own func(function, place string) bool) (frame, place string) {
	for _, m := range frameLine.FindAllStringSubmatch(stack, -1) {
		if own(m[2], m[3]) {
			return m[1], fmt.Sprintf("%s  %s", m[3], m[2])
		}
	}
	return "", ""
}

// variables are those of the program's environment.
func (d *debugger) variables(step int) []string {
	return append(slices.Clone(d.bin.env), debugVariable+"="+strconv.Itoa(step))
}

// start makes the command that runs a script, and what is to be called when it
// has ended.
func (d *debugger) start(script string) (c *exec.Cmd, end func(), err error) {
	if err := os.WriteFile(d.init, []byte(script), 0o600); err != nil {
		return nil, nil, err
	}
	if d.main != nil {
		if c, end, err = d.attach(); err != nil {
			return nil, nil, err
		}
		c.Env = append(os.Environ(), plain...)
		return c, end, nil
	}
	c = exec.Command(d.delve, append([]string{"exec", "--allow-non-terminal-interactive=true", "--init", d.init, d.bin.path, "--", "debug"}, d.bin.args...)...)
	c.Env = slices.Concat(os.Environ(), d.variables(d.step), plain)
	return c, func() {}, nil
}

// do runs a script, and returns what delve prints.
func (d *debugger) do(script string) (string, error) {
	c, end, err := d.start(script)
	if err != nil {
		return "", err
	}
	defer end()
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil && !left(out.String()) {
		return "", fmt.Errorf("debug: delve: %w: %s", err, lastLine(out.String()))
	}
	if _, own, ok := strings.Cut(out.String(), "\nwtsim: "); ok {
		return "", errors.New(firstLine([]byte(own)))
	}
	return out.String(), nil
}

// talk lets the user have delve's prompt.
func (d *debugger) talk(script string) error {
	c, end, err := d.start(script)
	if err != nil {
		return err
	}
	defer end()
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = c.Run()
	if d.main != nil && c.ProcessState != nil {
		return nil // delve was attached before, for the place: what it fails in now (see left) it has said
	}
	return err
}

// left tells whether a script has come to its exit: delve lets the threads of a
// process that it was attached to go one by one, and fails if the process ends
// meanwhile, when all has been said.
func left(out string) bool { return strings.Contains(out, killQuestion) }

// killQuestion is what delve asks at its exit, of a process that it was attached to.
const killQuestion = "Would you like to kill the process?"

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

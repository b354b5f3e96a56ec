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
		return 0, fmt.Errorf("debug: no frame of %s makes the operation", d.bin.prefix)
	}
	list.print(a.stdout, place)
	there := stopping + "frame " + frame + "\n"
	if o.command == "" {
		return exitHeld, d.talk(there)
	}
	out, err := d.do(there + o.command + "\nexit\n")
	if err != nil {
		return 0, err
	}
	_, out, _ = strings.Cut(out, "\nFrame "+frame+":")
	_, out, _ = strings.Cut(out, "\n")
	_, err = fmt.Fprint(a.stdout, out)
	return exitHeld, err
}

// debugger is delve with a program, which passes by a step.
type debugger struct {
	delve string
	bin   *debugBinary
	step  int
}

// place finds the handler's frame, and where it is; empty if there is none.
func (d *debugger) place() (frame, place string, err error) {
	stack, err := d.do(stopping + "stack 200\nexit\n")
	if err != nil {
		return "", "", err
	}
	of := d.bin.prefix
	for _, m := range frameLine.FindAllStringSubmatch(stack, -1) {
		if strings.HasPrefix(m[2], of) || strings.HasPrefix(m[2], strings.TrimSuffix(of, "/")+".") { // or of the package at the module's root
			return m[1], fmt.Sprintf("%s  %s", m[3], m[2]), nil
		}
	}
	return "", "", nil
}

// variables are those of the program's environment.
func (d *debugger) variables() []string {
	return append(slices.Clone(d.bin.env), debugVariable+"="+strconv.Itoa(d.step))
}

func (d *debugger) start(script string) (*exec.Cmd, error) {
	init := filepath.Join(filepath.Dir(d.bin.path), "init")
	if err := os.WriteFile(init, []byte(script), 0o600); err != nil {
		return nil, err
	}
	c := exec.Command(d.delve, append([]string{"exec", "--allow-non-terminal-interactive=true", "--init", init, d.bin.path, "--", "debug"}, d.bin.args...)...)
	c.Env = append(append(os.Environ(), d.variables()...), "TERM=dumb", "NO_COLOR=1")
	return c, nil
}

// do runs a script, and returns what delve prints.
func (d *debugger) do(script string) (string, error) {
	c, err := d.start(script)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("debug: delve: %w: %s", err, lastLine(out.String()))
	}
	if _, own, ok := strings.Cut(out.String(), "\nwtsim: "); ok {
		return "", errors.New(firstLine([]byte(own)))
	}
	return out.String(), nil
}

// talk lets the user have delve's prompt.
func (d *debugger) talk(script string) error {
	c, err := d.start(script)
	if err != nil {
		return err
	}
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	return c.Run()
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

package command

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// delveModule is the debugger, where there is no dlv on PATH.
const delveModule = "github.com/go-delve/delve/cmd/dlv@v1.27.2"

// stopping has delve stop where a run passes by at the step.
const stopping = "break github.com/wtsim/wtsim/sim.Stopped\ncontinue\n"

// frameLine is a line of delve's stack, and the one behind it.
var frameLine = regexp.MustCompile(`(?m)^\s*(\d+)\s+0x[0-9a-f]+ in (\S+)\n\s+at (\S+:\d+)$`)

// stepLine is what the program says of the step.
var stepLine = regexp.MustCompile(`(?m)^step \d+: .*$`)

// delve stops a binary at a step: once to see which frame is the handler's, and
// once there.
func (a *app) delve(o *debugOptions, bin, of string, args, env []string) (int, error) {
	d := debugger{bin: bin, args: append([]string{"debug"}, args...), env: append(append(os.Environ(), env...), debugVariable+"=1", "TERM=dumb", "NO_COLOR=1")}
	stack, err := d.do(stopping + "stack 100\nexit\n")
	if err != nil {
		return 0, err
	}
	frame, place := "", ""
	for _, m := range frameLine.FindAllStringSubmatch(stack, -1) {
		if strings.HasPrefix(m[2], of) || strings.HasPrefix(m[2], strings.TrimSuffix(of, "/")+".") { // or of the package at the module's root
			frame, place = m[1], fmt.Sprintf("%s  %s", m[3], m[2])
			break
		}
	}
	if frame == "" {
		return 0, fmt.Errorf("debug: no frame of %s makes the operation: %s", of, lastLine(stack))
	}
	fmt.Fprintf(a.stdout, "%s\n%s\n", stepLine.FindString(stack), place)
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

// debugger is delve with a program.
type debugger struct {
	bin  string
	args []string
	env  []string
}

func (d *debugger) start(script string) (*exec.Cmd, error) {
	init := filepath.Join(filepath.Dir(d.bin), "init")
	if err := os.WriteFile(init, []byte(script), 0o600); err != nil {
		return nil, err
	}
	words := []string{"dlv"}
	if _, err := exec.LookPath("dlv"); err != nil {
		words = []string{"go", "run", delveModule}
	}
	words = append(words, "exec", "--allow-non-terminal-interactive=true", "--init", init, d.bin, "--")
	c := exec.Command(words[0], append(words[1:], d.args...)...)
	c.Env = d.env
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

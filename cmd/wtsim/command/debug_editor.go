package command

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cmd/wtsim/rewind"
	"github.com/wtsim/wtsim/internal/jsonfile"
)

// serveDebugger serves editors: one that launches is the only one, one that
// attaches itself may come back.
func (a *app) serveDebugger(o *debugOptions, d *debugger, list *debugSteps) (int, error) {
	_, place, err := d.place()
	if err != nil {
		return 0, err
	}
	l, err := net.Listen("tcp", o.dap)
	if err != nil {
		return 0, fmt.Errorf("debug: --dap: %w", err)
	}
	ctx, stop := interruptible()
	defer stop()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	list.print(a.stdout, cmp.Or(place, "no frame of the application makes this operation"))
	a.writeLaunch(l.Addr())
	fmt.Fprintf(a.stdout, "DAP server listening at: %s\n", l.Addr()) // as delve says it
	p := d.program(list)
	for again := true; again; {
		conn, err := l.Accept()
		if err != nil && ctx.Err() == nil {
			return 0, err
		}
		if err == nil {
			again, err = rewind.Serve(ctx, conn, p, list.Step)
		}
		switch {
		case ctx.Err() != nil:
			return exitInterrupted, nil
		case err != nil:
			fmt.Fprintf(a.stderr, "wtsim: %v\n", err)
		}
	}
	return exitHeld, nil
}

// program is the binary as the adapter has it.
func (d *debugger) program(list *debugSteps) *rewind.Program {
	env := map[string]string{}
	for _, v := range d.bin.env {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	p := &rewind.Program{
		Delve: d.delve, Binary: d.bin.path, Args: append([]string{"debug"}, d.bin.args...), Env: env, StepIn: debugVariable,
		Hook: "github.com/wtsim/wtsim/sim.Stopped", Clock: d.bin.clock,
		Steps: slices.Sorted(maps.Keys(list.Operations)),
		Told:  func(step int) string { return list.Operations[step] },
		Own:   d.bin.own,
	}
	if d.main != nil {
		p.Held, p.Waits, p.Work, p.Own = d.heldAt, waitsForAnswer.MatchString, work, d.main.own
	}
	return p
}

// launchName is what the configuration is called in the editor's menu.
const launchName = "wtsim debug"

// writeLaunch writes how VS Code comes here, where it has no configurations yet;
// else it says what to add.
func (a *app) writeLaunch(addr net.Addr) {
	host, port, _ := net.SplitHostPort(addr.String())
	configuration := map[string]any{
		"name": launchName, "type": "go", "request": "attach", "mode": "remote", "debugAdapter": "dlv-dap",
		"host": host, "port": json.Number(port),
	}
	path := filepath.Join(".vscode", "launch.json")
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err = jsonfile.Write(path, map[string]any{"version": "0.2.0", "configurations": []any{configuration}}); err == nil {
			fmt.Fprintf(a.stderr, "wtsim: wrote %s: start %q in VS Code\n", path, launchName)
		}
	case err == nil && !leadsTo(text, port):
		line, _ := json.Marshal(configuration) // it has a form
		fmt.Fprintf(a.stderr, "wtsim: %s is left as it is; wanted among its configurations: %s\n", path, line)
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "wtsim: %s cannot be written: %v\n", path, err)
	}
}

// leadsTo tells whether a launch.json comes to a port by our configuration. It may
// have comments, so it is not read as JSON.
func leadsTo(text []byte, port string) bool {
	return strings.Contains(string(text), `"`+launchName+`"`) && strings.Contains(string(text), `"port": `+port)
}

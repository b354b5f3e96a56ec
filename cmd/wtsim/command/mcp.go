package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/wtsim/wtsim/internal/version"
	"github.com/wtsim/wtsim/sim/report"
)

const mcpExamples = `  wtsim mcp                               speak the Model Context Protocol on standard input and output
  {"mcpServers": {"wtsim": {"command": "wtsim", "args": ["mcp"]}}}   in the configuration of an agent`

// mcp serves the Model Context Protocol: each tool is a subcommand, run in a
// process of its own, whose JSON is the structured answer and whose text is what
// is said.
func (a *app) mcp(args []string) (int, error) {
	f := a.flags("mcp", " [flags]", mcpExamples)
	if done, err := parse(f, args); done || err != nil {
		return exitHeld, err
	}
	ctx, stop := interruptible()
	defer stop()
	err := newTools().Run(ctx, &mcp.StdioTransport{})
	if errors.Is(err, context.Canceled) || ctx.Err() != nil {
		return exitHeld, nil // it is ended like that
	}
	return exitHeld, err
}

// The tools' arguments.
type (
	scenarioArgs struct {
		Scenario string `json:"scenario" jsonschema:"a scenario's name, or a package and an exported function, as ./shopsim:Scenario"`
	}
	listArgs struct {
		Prefix string `json:"prefix,omitempty" jsonschema:"only scenarios whose names begin so"`
	}
	runArgs struct {
		Scenario  string `json:"scenario" jsonschema:"a scenario's name, or a package and an exported function, as ./shopsim:Scenario"`
		Schedules int    `json:"schedules,omitempty" jsonschema:"how many schedules to run; default 1000"`
		Bound     *int   `json:"bound,omitempty" jsonschema:"run every schedule with at most this many deviations instead"`
		Seed      uint64 `json:"seed,omitempty" jsonschema:"run exactly the schedule of this seed"`
		Strategy  string `json:"strategy,omitempty" jsonschema:"how to search; default portfolio"`
		Out       string `json:"out,omitempty" jsonschema:"the counterexample file"`
	}
	fileArgs struct {
		File string `json:"file" jsonschema:"a counterexample file"`
		Of   string `json:"of,omitempty" jsonschema:"the package that has its scenario, and its function, as ./shopsim:Scenario"`
	}
	explainArgs struct {
		File          string `json:"file" jsonschema:"a counterexample file"`
		Of            string `json:"of,omitempty" jsonschema:"the package that has its scenario, and its function, as ./shopsim:Scenario"`
		Continuations int    `json:"continuations,omitempty" jsonschema:"how many ways to go on from each step are tried; default 20"`
	}
)

// newTools is the server with its tools.
func newTools() *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "wtsim", Version: version.Wtsim()}, nil)
	mcp.AddTool(s, &mcp.Tool{Name: "list", Description: "List the scenarios."}, func(ctx context.Context, _ *mcp.CallToolRequest, x listArgs) (*mcp.CallToolResult, any, error) {
		return tool{words: withWord([]string{"list"}, x.Prefix)}.call(ctx)
	})
	mcp.AddTool(s, &mcp.Tool{Name: "describe", Description: "Tell what a scenario consists of.", OutputSchema: schemaNamed("scenario")},
		func(ctx context.Context, _ *mcp.CallToolRequest, x scenarioArgs) (*mcp.CallToolResult, any, error) {
			return tool{words: []string{"describe", x.Scenario}}.call(ctx)
		})
	mcp.AddTool(s, &mcp.Tool{Name: "trace", Description: "Tell what a scenario does when nothing goes wrong, step by step."},
		func(ctx context.Context, _ *mcp.CallToolRequest, x scenarioArgs) (*mcp.CallToolResult, any, error) {
			return tool{words: []string{"trace", x.Scenario}}.call(ctx)
		})
	mcp.AddTool(s, &mcp.Tool{Name: "run", Description: "Search the schedules of a scenario for a violation of its properties; tells the story of the smallest counterexample, and saves it as a file.",
		OutputSchema: schemaNamed("result")}, func(ctx context.Context, _ *mcp.CallToolRequest, x runArgs) (*mcp.CallToolResult, any, error) {
		return tool{words: x.words(), story: true}.call(ctx)
	})
	mcp.AddTool(s, &mcp.Tool{Name: "replay", Description: "Run a counterexample again and tell its story: is the bug fixed?", OutputSchema: schemaNamed("result")},
		func(ctx context.Context, _ *mcp.CallToolRequest, x fileArgs) (*mcp.CallToolResult, any, error) {
			return tool{words: withFlag([]string{"replay", x.File}, "--of", x.Of)}.call(ctx)
		})
	mcp.AddTool(s, &mcp.Tool{Name: "explain", Description: "Tell when the violation of a counterexample became inevitable: the share of continuations of each step that violate.",
		OutputSchema: schemaNamed("cause")}, func(ctx context.Context, _ *mcp.CallToolRequest, x explainArgs) (*mcp.CallToolResult, any, error) {
		words := withFlag([]string{"cause", x.File}, "--of", x.Of)
		if x.Continuations != 0 {
			words = withFlag(words, "--continuations", strconv.Itoa(x.Continuations))
		}
		return tool{words: words}.call(ctx)
	})
	return s
}

// words are the command's arguments.
func (x *runArgs) words() []string {
	words := withFlag([]string{"run", x.Scenario}, "--strategy", x.Strategy)
	words = withFlag(words, "--out", x.Out)
	if x.Schedules != 0 {
		words = append(words, "--schedules", strconv.Itoa(x.Schedules))
	}
	if x.Seed != 0 {
		words = append(words, "--seed", strconv.FormatUint(x.Seed, 10))
	}
	if x.Bound != nil {
		words = append(words, "--bound", strconv.Itoa(*x.Bound))
	}
	return words
}

// withWord adds an argument, if it is given.
func withWord(words []string, value string) []string {
	if value == "" {
		return words
	}
	return append(words, value)
}

// withFlag adds a flag and its value, if it is given.
func withFlag(words []string, name, value string) []string {
	if value == "" {
		return words
	}
	return append(words, name, value)
}

// tool is one call: a subcommand.
type tool struct {
	words []string
	story bool // its JSON names a counterexample, whose story is told
}

// call runs the subcommand for its JSON and for its text.
func (x tool) call(ctx context.Context) (*mcp.CallToolResult, any, error) {
	out, err := ask(ctx, append(x.words, "--json"))
	if err != nil {
		return nil, nil, err
	}
	structured, err := structure(out)
	if err != nil {
		return nil, nil, err
	}
	words := x.words
	if x.story {
		var found report.Summary
		if err := json.Unmarshal(out, &found); err != nil {
			return nil, nil, err
		}
		if words = []string{"replay", found.Counterexample}; found.Counterexample == "" {
			return nil, structured, nil // the answer itself is all there is to say
		}
		if _, ok := parseRef(x.words[1]); ok {
			words = append(words, "--of", x.words[1])
		}
	}
	text, err := ask(ctx, words)
	if err != nil {
		return nil, nil, err
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(text)}}}, structured, nil
}

// structure is what a command has printed as JSON: an object, or lines of them.
func structure(out []byte) (any, error) {
	var lines []json.RawMessage
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var line json.RawMessage
		if err := d.Decode(&line); err != nil {
			return nil, fmt.Errorf("what was printed is no JSON: %w", err)
		}
		lines = append(lines, line)
	}
	if len(lines) == 1 {
		return lines[0], nil
	}
	return map[string]any{"lines": lines}, nil
}

// ask runs this executable, and returns what it prints. The error is what it
// says of bad usage or input: a violation is an answer.
func ask(ctx context.Context, words []string) ([]byte, error) {
	own, err := ownCommand(words)
	if err != nil {
		return nil, err
	}
	of := own()
	c := exec.CommandContext(ctx, of.Path)
	c.Args = of.Args
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	var out, told bytes.Buffer
	c.Stdout, c.Stderr = &out, &told
	err = c.Run()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		return nil, err
	case c.ProcessState.ExitCode() == exitUsage || out.Len() == 0:
		return nil, errors.New(strings.TrimSpace(told.String()))
	}
	return out.Bytes(), nil
}

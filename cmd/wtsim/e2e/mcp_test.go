package e2e

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A coding agent, as the protocol's own client plays it, finds a bug, replays it,
// asks when it became inevitable, and is told of its mistakes.
func TestMCP(t *testing.T) {
	if testing.Short() {
		t.Skip("links the command, which takes seconds; runs without -short")
	}
	t.Parallel() // all of it is in other processes
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	server := exec.Command(path, "mcp")
	server.Dir = t.TempDir()
	agent, err := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, nil).Connect(ctx, &mcp.CommandTransport{Command: server}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = agent.Close() }()
	offered, err := agent.ListTools(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range offered.Tools {
		names = append(names, tool.Name)
	}
	slices.Sort(names)
	if want := []string{"describe", "explain", "list", "replay", "run", "trace"}; !slices.Equal(names, want) {
		t.Fatalf("offers %q, wanted %q", names, want)
	}
	bug := filepath.Join(server.Dir, "bug.json")
	for _, x := range []struct {
		tool string
		args map[string]any
		says string            // its text
		has  map[string]string // of what is structured, as JSON
	}{
		{"list", map[string]any{"prefix": "patterns/consent"}, "patterns/consent/bug", nil},
		{"describe", map[string]any{"scenario": "patterns/consent/bug"}, "processed only with consent", map[string]string{"kind": `"scenario"`}},
		{"trace", map[string]any{"scenario": "patterns/consent"}, "starts: ", nil},
		{"run", map[string]any{"scenario": "patterns/consent/bug", "bound": 1, "out": bug}, "VIOLATED", map[string]string{"verdict": `"violated"`}},
		{"replay", map[string]any{"file": bug}, "VIOLATED", map[string]string{"matches": "true"}},
		{"explain", map[string]any{"file": bug, "continuations": 4}, "of 4 continuations", map[string]string{"kind": `"cause"`, "continuations": "4"}},
	} {
		r, err := agent.CallTool(ctx, &mcp.CallToolParams{Name: x.tool, Arguments: x.args})
		if err != nil || r.IsError {
			t.Fatalf("%s: %v %s", x.tool, err, said(r))
		}
		if !strings.Contains(said(r), x.says) {
			t.Errorf("%s says %s, wanted %q in it", x.tool, said(r), x.says)
		}
		for name, want := range x.has {
			structured, _ := r.StructuredContent.(map[string]any)
			if got, _ := json.Marshal(structured[name]); string(got) != want {
				t.Errorf("%s: %s is %s, wanted %s", x.tool, name, got, want)
			}
		}
	}
	r, err := agent.CallTool(ctx, &mcp.CallToolParams{Name: "replay", Arguments: map[string]any{"file": "nowhere.json"}})
	if err != nil || !r.IsError || !strings.Contains(said(r), "nowhere.json") {
		t.Errorf("a file that is not there: %v %s", err, said(r))
	}
}

// said is the text of an answer.
func said(r *mcp.CallToolResult) string {
	var b strings.Builder
	if r != nil {
		for _, c := range r.Content {
			if text, ok := c.(*mcp.TextContent); ok {
				b.WriteString(text.Text)
			}
		}
	}
	return b.String()
}

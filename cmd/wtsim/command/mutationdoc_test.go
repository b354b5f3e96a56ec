package command

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/fakes/firestore"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/sim"
)

// The page on mutation lists the guarantees as they are.
func TestGuaranteesDocument(t *testing.T) {
	const path, head = "../../../docs/mutation.md", "|---|---|---|\n"
	s := everything()
	s.Services = append(s.Services, web.New("api.example", http.NotFoundHandler), firestore.New("firestore"))
	compiled, err := sim.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, g := range compiled.Guarantees() {
		source := "the scenario"
		if g.Source != "" {
			source = fmt.Sprintf("[page](%s)", g.Source)
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", g.Name, g.Without, source)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), head)
	_, after, ended := strings.Cut(rest, "\n\n")
	if !found || !ended {
		t.Fatalf("%s has no table", path)
	}
	want := before + head + table.String() + "\n" + after
	switch {
	case want == string(text):
	case *update:
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s does not list the guarantees as they are; run go test ./cmd/wtsim/command -run Document -update", path)
	}
}

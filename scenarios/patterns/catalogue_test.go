package patterns

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/sim"
)

var update = flag.Bool("update", false, "rewrite docs/catalogue.md; read the diff")

// figures are lines of `wtsim bench scenarios --scenario patterns/ --json`,
// once for each way of searching that the catalogue tells of:
//
//	for s in portfolio random; do wtsim bench scenarios --scenario patterns/ --strategy $s --json; done >testdata/figures.ndjson
//	go run -race ./cmd/wtsim bench scenarios --scenario patterns/ --stress 60s --json >>testdata/figures.ndjson
const figures = "testdata/figures.ndjson"

// The catalogue is what the packages say of themselves, with what was
// measured.
func TestCatalogue(t *testing.T) {
	const path = "../../docs/catalogue.md"
	got := catalogue(t, All())
	before, err := os.ReadFile(path)
	switch {
	case err == nil && string(before) == got:
	case *update:
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what the packages say; run go test ./scenarios/patterns -run Catalogue -update (%v)", path, err)
	}
}

// entry is one bug of the catalogue.
type entry struct {
	name        string
	bug, repair sim.Scenario
	about       string // the paragraphs of its package comment
	reported    string
	provoked    string
	remedy      string
	figures     map[string]figure // by strategy
}

// figure is what is kept of a line of figures.
type figure struct {
	Scenario, Strategy string
	Found, Trials      int
	Median, Seconds    float64
}

func catalogue(t *testing.T, all []sim.Scenario) string {
	t.Helper()
	measured := readFigures(t)
	var entries []entry
	for i := 0; i+1 < len(all); i += 2 {
		e := entry{name: strings.TrimPrefix(all[i+1].Name, "patterns/"), bug: all[i], repair: all[i+1], figures: map[string]figure{}}
		if want := e.repair.Name + "/bug"; e.bug.Name != want || !e.bug.Expect.Violation || e.repair.Expect.Violation {
			t.Fatalf("%s is followed by %s, wanted a bug followed by its repair", e.bug.Name, e.repair.Name)
		}
		for _, f := range measured {
			if f.Scenario == e.bug.Name {
				e.figures[f.Strategy] = f
			}
		}
		e.read(t)
		entries = append(entries, e)
	}
	return render(entries)
}

func readFigures(t *testing.T) []figure {
	t.Helper()
	text, err := os.ReadFile(figures)
	if err != nil {
		t.Fatal(err)
	}
	var out []figure
	for line := range bytes.Lines(text) {
		var f figure
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatalf("%s: %v", figures, err)
		}
		out = append(out, f)
	}
	return out
}

// read takes the package comment apart.
func (e *entry) read(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(e.name, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no package: %v", e.name, err)
	}
	var text string
	for _, path := range files {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		text += f.Doc.Text()
	}
	var about []string
	for _, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		label, rest, _ := strings.Cut(strings.ReplaceAll(paragraph, "\n", " "), ": ")
		switch label {
		case "Reported":
			e.reported = rest
		case "Provoked by":
			e.provoked = rest
		case "Remedy":
			e.remedy = rest
		default:
			about = append(about, paragraph)
		}
	}
	e.about = strings.Join(about, "\n\n")
	if e.reported == "" || e.provoked == "" || e.remedy == "" || len(about) < 2 {
		t.Errorf("package %s: its comment wants a sentence, a paragraph on the bug, and paragraphs that begin with Reported:, Provoked by: and Remedy:", e.name)
	}
}

func render(entries []entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# %d bugs of serverless applications

Each was reported by somebody, is told by a small application in [scenarios/patterns](../scenarios/patterns), and is found by
`+"`wtsim run patterns/<name>/bug`"+`; its repair, `+"`patterns/<name>`"+`, holds. This page is made from the packages' comments and from
figures that `+"`wtsim bench scenarios --scenario patterns/`"+` printed: m is the number of deviations that provoke the bug, then follow the
median number of schedules until it is found and the median time in seconds, over twenty searches, and the same number of schedules for
purely random ones ("never": in no search; a number in brackets: in so many of twenty). Stress is what one would do without wtsim, with the same
services: goroutines under the race detector in a loop for a minute (of real time; their own is virtual), random delays, random failures; so
many of so many runs showed the bug.

| | bug | provoked by | m | schedules | seconds | random | stress |
|---|---|---|---|---|---|---|---|
`, len(entries))
	for i, e := range entries {
		p := e.figures["portfolio"]
		seconds := "-"
		if p.Found > 0 {
			seconds = fmt.Sprintf("%.2f", p.Seconds)
		}
		fmt.Fprintf(&b, "| %d | [%s](#%s): %s | %s | %d | %s | %s | %s | %s |\n", i+1, e.name, e.name, e.bug.Doc, strings.TrimSuffix(e.provoked, "."),
			e.bug.Expect.Deviations, p.median(), seconds, e.figures["random"].median(), e.figures["stress"].share())
	}
	for _, e := range entries {
		e.render(&b)
	}
	return b.String()
}

func (f figure) median() string {
	switch {
	case f.Trials == 0:
		return "-"
	case f.Found == 0:
		return "never"
	case f.Found < f.Trials:
		return fmt.Sprintf("%g (%d)", f.Median, f.Found)
	}
	return fmt.Sprintf("%g", f.Median)
}

// share is for runs that are no searches.
func (f figure) share() string {
	if f.Trials == 0 {
		return "-"
	}
	return fmt.Sprintf("%d of %d", f.Found, f.Trials)
}

func (e *entry) render(b *strings.Builder) {
	printer := (&doc.Package{}).Printer()
	printer.TextWidth = 120
	fmt.Fprintf(b, "\n## %s\n\n%s\n", e.name, strings.TrimSpace(string(printer.Text((&doc.Package{}).Parser().Parse(e.about)))))
	fmt.Fprintf(b, "\n- Reported: %s\n- Provoked by: %s\n- Remedy: %s\n", e.reported, e.provoked, e.remedy)
	for _, p := range e.repair.Properties {
		fmt.Fprintf(b, "- Property: %s\n", p.String())
	}
	if len(e.repair.Relies) > 0 {
		fmt.Fprintf(b, "- Relies on: %s\n", strings.Join(e.repair.Relies, ", "))
	}
}

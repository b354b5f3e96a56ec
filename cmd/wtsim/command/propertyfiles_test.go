package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/props"
)

const propertyFiles = "../../../scenarios/properties"

// The properties of published applications hold on one recording each and are
// violated on another, which violates nothing else; whatever the notation.
func TestPropertyFiles(t *testing.T) {
	for app, notations := range map[string][]string{"realworld": {"json", "yaml"}, "hello-retail": {"yaml"}, "moonmail": {"yaml"}, "policies": {"yaml"}, "published": {"yaml"}, "monpoly": {"yaml"}, "dejavu": {"yaml"}, "javamop": {"yaml"}, "whymon": {"yaml"}} {
		for _, notation := range notations {
			file := filepath.Join(propertyFiles, app+"."+notation)
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			ps, err := props.Parse(file, content)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range ps {
				if strings.Contains(p.Sentence(), "before the run is quiescent") && !strings.Contains(p.Sentence(), "is followed by") {
					continue // a recording has no end
				}
				traces := filepath.Join(propertyFiles, app, strings.ReplaceAll(p.Name(), " ", "-"))
				if got := violated(t, file, traces+".holds.ndjson", exitHeld); len(got) > 0 {
					t.Errorf("%s.holds: %s violates %q", traces, file, got)
				}
				// A deadlock's two threads are each the other's other.
				if got := slices.Compact(violated(t, file, traces+".violates.ndjson", exitViolated)); len(got) != 1 || got[0] != p.Name() {
					t.Errorf("%s.violates: %s violates %q", traces, file, got)
				}
			}
		}
	}
}

// MonPoly's own example logs have the verdicts that MonPoly gives: those of its
// documentation for the first, those of its definition for the second.
func TestMonPolyLogs(t *testing.T) {
	for log, want := range map[string]struct{ property, bindings string }{
		"rv11":  {"a published report was approved", `{"r":160} {"r":152}`},
		"rv11b": {"a published file was approved by a manager", `{"a":"Alice","f":160} {"a":"Alice","f":163} {"a":"Charlie","f":152} {"a":"Charlie","f":163}`},
	} {
		var out, errs bytes.Buffer
		a := &app{stdout: &out, stderr: &errs}
		a.main([]string{"check", "--props", filepath.Join(propertyFiles, "monpoly.yaml"), "--events", filepath.Join(propertyFiles, "monpoly", log+".ndjson"), "--json"})
		var got []string
		for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
			var x struct {
				Property string
				Binding  json.RawMessage
			}
			if err := json.Unmarshal([]byte(line), &x); err != nil {
				t.Fatal(err)
			}
			if x.Property == want.property {
				got = append(got, string(x.Binding))
			}
		}
		if strings.Join(got, " ") != want.bindings {
			t.Errorf("%s: got %s, want %s; %s", log, got, want.bindings, errs.String())
		}
	}
}

// The benchmarks of the competition have the verdicts that are published.
func TestCompetition(t *testing.T) {
	recordings, err := filepath.Glob(filepath.Join(propertyFiles, "competition", "*.ndjson"))
	if err != nil || len(recordings) < 15 {
		t.Fatal(recordings, err)
	}
	for _, events := range recordings {
		name, rest, _ := strings.Cut(filepath.Base(events), ".")
		if strings.HasPrefix(rest, "accepted") {
			violated(t, filepath.Join(propertyFiles, "competition.yaml"), events, exitHeld, "--end")
			continue
		}
		got := violated(t, filepath.Join(propertyFiles, "competition.yaml"), events, exitViolated, "--end")
		if want := strings.ReplaceAll(name, "-", " "); len(got) == 0 || slices.ContainsFunc(got, func(p string) bool { return p != want }) {
			t.Errorf("%s violates %q", events, got)
		}
	}
}

// The table of published properties names each property of the files that it is
// about, and no other.
func TestPublishedTable(t *testing.T) {
	text, err := os.ReadFile("../../../docs/properties.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "### Published properties")
	if !found {
		t.Fatal("docs/properties.md has no table of published properties")
	}
	var told, known []string
	for _, line := range strings.Split(table, "\n") {
		if cells := strings.Split(line, " | "); len(cells) == 4 && strings.HasSuffix(cells[1], ".yaml") && !strings.Contains(cells[1], ",") {
			told = append(told, cells[1]+": "+strings.TrimPrefix(cells[0], "| "))
		}
	}
	for _, file := range []string{"monpoly.yaml", "policies.yaml", "published.yaml", "competition.yaml", "dejavu.yaml", "javamop.yaml", "whymon.yaml"} {
		content, err := os.ReadFile(filepath.Join(propertyFiles, file))
		if err != nil {
			t.Fatal(err)
		}
		ps, err := props.Parse(file, content)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range ps {
			known = append(known, file+": "+p.Name())
		}
	}
	slices.Sort(told)
	slices.Sort(known)
	if !slices.Equal(told, known) || len(known) < 46 {
		t.Errorf("the table has\n%q\nand the files\n%q", told, known)
	}
}

// violated checks a recording, and returns the properties that it violates.
func violated(t *testing.T, file, events string, code int, flags ...string) (names []string) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{stdout: &out, stderr: &errs}
	if got := a.main(append([]string{"check", "--props", file, "--events", events, "--json"}, flags...)); got != code {
		t.Errorf("%s: exit code %d, want %d: %s%s", events, got, code, out.String(), errs.String())
	}
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var x struct{ Kind, Property string }
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatal(err)
		}
		if x.Kind == "violation" {
			names = append(names, x.Property)
		}
	}
	return names
}

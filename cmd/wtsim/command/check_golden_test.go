package command

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// judgeable is properties and events that they are checked on.
type judgeable struct{ name, props, events string }

// recordings are all that the repository has: those of the properties of real
// applications, those of the command's tests, and what is generated.
func recordings(t *testing.T) (all []judgeable) {
	root := filepath.Join("..", "..", "..", "scenarios", "properties")
	files, err := filepath.Glob(filepath.Join(root, "*", "*.ndjson"))
	if err != nil || len(files) < 40 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		app := filepath.Dir(file)
		all = append(all, judgeable{filepath.Base(app) + "/" + filepath.Base(file), app + ".yaml", file})
	}
	dir := t.TempDir()
	scripts, err := filepath.Glob(filepath.Join("testdata", "check*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		all = append(all, scripted(t, dir, script)...)
	}
	props, events := checkedFiles(t, someEvents(3000))
	all = append(all, judgeable{"generated", props, events})
	for _, x := range traces() {
		r := judgeable{"trace " + x.name, filepath.Join(dir, x.name+".props"), filepath.Join(dir, x.name)}
		_, err := x.write(r.events, 1000)
		if err := errors.Join(err, os.WriteFile(r.props, x.property(1000), 0o644)); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// scripted is each file of properties in a script, on each of events there.
func scripted(t *testing.T, dir, script string) (all []judgeable) {
	x, err := txtar.ParseFile(script)
	if err != nil {
		t.Fatal(err)
	}
	var props, events []string
	for _, f := range x.Files {
		at := filepath.Join(dir, filepath.Base(script)+"."+f.Name)
		if err := os.WriteFile(at, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(f.Name, ".ndjson") || f.Name == "e":
			events = append(events, at)
		case !strings.HasPrefix(f.Name, "want"):
			props = append(props, at)
		}
	}
	for _, p := range props {
		for _, e := range events {
			all = append(all, judgeable{filepath.Base(p) + " " + filepath.Base(e), p, e})
		}
	}
	return all
}

// waysToCheck are flags that come to different answers, or must not.
var waysToCheck = []string{
	"", "--json", "--json --stats --coverage", "--json --lateness 0s", "--skew 5ms", "--json --skew 2s --lateness 10ms --stats --coverage",
	"--json --ttl 100ms --lateness 1ms --stats", "--json --skew 1ms --ttl 2s --lateness 0s", "--json --workers 2", "--json --skew 5ms --workers 3 --stats --coverage",
	"--json --ttl 1s --lateness 5ms --workers 4",
}

var took = regexp.MustCompile(`in [0-9.]+[mµn]?s`)

// whatCheckSays is a hash of all that checks of a recording print, and of how
// they end. Names of folders and durations are left out.
func (r judgeable) whatCheckSays() string {
	sum := sha256.New()
	for _, way := range waysToCheck {
		var out, errs bytes.Buffer
		args := append([]string{"check", "--props", r.props, "--events", r.events}, strings.Fields(way)...)
		code := (&app{stdout: &out, stderr: &errs}).main(args)
		fmt.Fprintln(sum, code)
		for _, text := range []string{out.String(), errs.String()} {
			text = strings.NewReplacer(r.props, "PROPS", r.events, "EVENTS").Replace(text)
			fmt.Fprintln(sum, took.ReplaceAllString(elapsed.ReplaceAllString(text, ""), ""))
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// What check says of all recordings is what it said when the table was
// written, to the byte. A change that is meant writes the table anew:
//
//	go test ./cmd/wtsim/command -run TestVerdictsStay -update
func TestVerdictsStay(t *testing.T) {
	table := filepath.Join("testdata", "verdicts.table")
	var lines []string
	for _, r := range recordings(t) {
		lines = append(lines, r.whatCheckSays()+" "+r.name)
	}
	if *update {
		if err := os.WriteFile(table, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(content)), "\n")
	if len(want) != len(lines) {
		t.Errorf("%d recordings, want %d", len(lines), len(want))
	}
	for _, line := range lines {
		if !slices.Contains(want, line) {
			t.Errorf("other than in %s: %s", table, line)
		}
	}
}

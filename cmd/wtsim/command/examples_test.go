package command

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/wtsim/wtsim/scenarios"
)

// Manifests that the documents show can be read, and the command takes the flags
// that they give it.
func TestExamples(t *testing.T) {
	const root = "../../.."
	manifests, err := filepath.Glob(filepath.Join(root, "examples", "*", "*.yaml"))
	if err != nil || len(manifests) < 2 {
		t.Fatalf("%d manifests: %v", len(manifests), err)
	}
	ran := map[string]int{}
	for _, path := range manifests {
		if name := filepath.Base(path); name == "properties.yaml" || name == "rules.yaml" {
			continue // no manifests: the examples' own tests read them
		}
		text := readExample(t, path)
		for _, doc := range documents(t, path, text) {
			if doc["apiVersion"] == nil || doc["kind"] == nil {
				t.Errorf("%s: a document without apiVersion or kind", path)
			}
			commandLines(doc, func(line string) { ran[tryLine(t, path, line)]++ })
		}
	}
	if ran["run"] != 1 || ran["merge"] != 1 {
		t.Errorf("%v command lines, wanted one of run and one of merge", ran)
	}
}

func readExample(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documents reads the documents of a YAML file.
func documents(t *testing.T, path, text string) (out []map[string]any) {
	for d := yaml.NewDecoder(bytes.NewReader([]byte(text))); ; {
		var doc map[string]any
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, doc)
	}
}

// commandLines yields the strings in a document that run the command.
func commandLines(x any, yield func(string)) {
	switch x := x.(type) {
	case string:
		if strings.Contains(x, "wtsim run ") || strings.Contains(x, "wtsim merge ") {
			yield(x)
		}
	case []any:
		for _, y := range x {
			commandLines(y, yield)
		}
	case map[string]any:
		for _, y := range x {
			commandLines(y, yield)
		}
	}
}

// tryLine parses the flags of a command line, as a shell would pass them in
// the third of eight shards, and returns its verb.
func tryLine(t *testing.T, path, line string) string {
	words := strings.NewReplacer(`"`, "", "$((JOB_COMPLETION_INDEX + 1))", "3", "$SHARDS", "8").Replace(line)
	_, words, _ = strings.Cut(words, "wtsim ")
	args := strings.Fields(words)
	if strings.ContainsAny(words, "$(){}") {
		t.Errorf("%s: %s: something of the shell is left", path, words)
	}
	a := &app{scenarios: scenarios.All(), stdout: io.Discard, stderr: io.Discard}
	var err error
	switch args[0] {
	case "run":
		o := &runOptions{}
		if _, err = o.parse(a.runFlags(o), args[1:]); err == nil {
			_, err = a.scenario(o.scenario)
		}
		if o.shard != 3 || o.shards < 3 || o.result == "" {
			t.Errorf("%s: shard %d of %d in %q, wanted the third in a file", path, o.shard, o.shards, o.result)
		}
	case "merge":
		o := &mergeOptions{}
		_, err = o.parse(a.mergeFlags(o), args[1:])
	}
	if err != nil {
		t.Errorf("%s: %s: %v", path, line, err)
	}
	return args[0]
}

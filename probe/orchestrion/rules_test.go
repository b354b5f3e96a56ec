package orchestrion

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// lines are those of a text that say something, without what is around them.
func lines(text string) (out []string) {
	imports := false
	for l := range strings.Lines(text) {
		code, _, _ := strings.Cut(" "+strings.TrimSpace(l), " // ")
		code = strings.TrimSpace(code)
		switch {
		case code == "import (":
			imports = true
		case imports:
			imports = code != ")"
		case code == "", code == "//", strings.HasPrefix(code, "package "), strings.HasPrefix(code, "import "):
		default:
			out = append(out, code)
		}
	}
	return out
}

// The rules declare what the overlay of wtsim build --record does, so that the
// recorder finds the same in both.
func TestDeclarations(t *testing.T) {
	rules, err := os.ReadFile("orchestrion.yml")
	if err != nil {
		t.Fatal(err)
	}
	have := lines(string(rules))
	for _, name := range []string{"net", "http", "tls", "os", "rand", "mathrand"} {
		text, err := os.ReadFile("../../internal/runtimepatch/files/record_" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		want := lines(string(text))
		if len(want) < 2 {
			t.Errorf("record_%s.txt has %d lines", name, len(want))
		}
		for _, l := range want {
			if !slices.Contains(have, l) {
				t.Errorf("record_%s.txt has %q, and the rules do not", name, l)
			}
		}
	}
}

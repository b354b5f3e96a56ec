package otelc

import (
	"os"
	"strings"
	"testing"
)

// What the rules add to the standard library is what the overlay of wtsim build
// --record adds, to the letter.
func TestDeclarations(t *testing.T) {
	for _, name := range []string{"net", "http", "tls", "os", "rand", "mathrand"} {
		own, err := os.ReadFile("wtsim_" + name + ".go")
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile("../../internal/runtimepatch/files/record_" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimPrefix(string(own), "//go:build ignore\n\n"); got != string(want) {
			t.Errorf("wtsim_%s.go is not record_%s.txt", name, name)
		}
	}
}

package command

import (
	"math"
	"path/filepath"
	"testing"
)

// A counterexample is named after its seed, however large that is.
func TestPathOfSeed(t *testing.T) {
	t.Chdir(t.TempDir())
	for want, o := range map[string]*runOptions{
		"wtsim-a-b-18446744073709551615.json": {single: true, seed: math.MaxUint64, scenario: "a/b", strategy: "random"},
		"wtsim-a-b-9223372036854775809.json":  {firstSeed: 1 << 63, scenario: "a/b", strategy: "pct"},
		"wtsim-a-b-2.json":                    {firstSeed: 1 << 63, scenario: "a/b", strategy: "bounded"},
	} {
		if got := filepath.Base(o.path(2)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

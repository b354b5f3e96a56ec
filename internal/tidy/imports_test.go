package tidy

import (
	"maps"
	"testing"
)

// Each row of the real table forbids what it is there to forbid: the import of
// the second package by the first is a finding.
func TestForbiddenImports(t *testing.T) {
	for _, c := range [][2]string{
		{"event", "props"},
		{"props", "monitor"},
		{"monitor", "scheduler"},
		{"probe", "sim"},
		{"scheduler", "event"},
		{"fakes/redis", "sim"},
		{"fakes/redis", "scheduler"},
		{"fakes/redis", "monitor"},
		{"fakes/redis", "fakes/gcs"},
		{"sim", "fakes/redis"},
		{"sim", "scenarios"},
		{"sim/simtest", "fakes/redis"},
		{"scenarios/checkout", "event"},
		{"scenarios/checkout", "scenarios/checkout/checkoutsim"},
		{"scenarios/checkout/checkoutsim", "cmd/wtsim"},
		{"scenarios/checkout/checkoutsim", "internal/bubble"},
		{"scenarios", "fakes/redis"},
		{"internal/bubble", "sim"},
		{"sim", "internal/runtimepatch"},
		{"internal/seeded", "sim"},
		{"internal/runtimepatch", "internal/seeded"},
	} {
		m := parse(t, map[string]string{c[0] + "/a.go": "package a\n\nimport _ \"example.org/m/" + c[1] + "\"\n"})
		expect(t, importDirections(m, layers), c[0]+"/a.go:3: "+c[0]+" imports "+c[1])
	}
}

// What the layering is for is allowed.
func TestAllowedImports(t *testing.T) {
	for _, c := range [][2]string{
		{"monitor", "props"},
		{"fakes/redis", "probe"},
		{"sim", "internal/bubble"},
		{"sim", "internal/seeded"},
		{"sim/simtest", "sim"},
		{"scenarios/checkout/checkoutsim", "scenarios/checkout"},
		{"scenarios/checkout/checkoutsim", "fakes/redis"},
		{"scenarios", "scenarios/checkout/checkoutsim"},
		{"cmd/wtsim", "cmd/wtsim/command"},
		{"cmd/wtsim/command", "scenarios"},
	} {
		m := parse(t, map[string]string{c[0] + "/a.go": "package a\n\nimport _ \"example.org/m/" + c[1] + "\"\n"})
		expect(t, importDirections(m, layers))
	}
}

// A package without a row is a finding, once; testing is for those whose row
// says so; tests are free.
func TestImportRules(t *testing.T) {
	bad := map[string]string{
		"extra/b.go":        "package extra\n",
		"extra/a.go":        "// A comment.\npackage extra\n",
		"event/a.go":        "package event\n\nimport (\n\t_ \"example.org/m\"\n\t_ \"testing\"\n\t_ \"testing/fstest\"\n\t_ \"testingx\"\n)\n",
		"sim/simtest/ok.go": "package simtest\n\nimport _ \"testing\"\n",
		"sim/ok_test.go":    "package sim_test\n\nimport (\n\t_ \"testing\"\n\t_ \"example.org/m/fakes/redis\"\n)\n",
	}
	want := []string{
		"event/a.go:4: event imports .; want nothing of ours; ",
		"event/a.go:5: event imports testing outside its tests",
		"event/a.go:6: event imports testing/fstest outside its tests",
		`extra/a.go:2: package "extra" stands in no row of the table; want a row for every package; add it to the table`,
	}
	expect(t, importDirections(parse(t, bad), layers), want...)

	good := maps.Clone(bad)
	delete(good, "extra/a.go")
	delete(good, "extra/b.go")
	delete(good, "event/a.go")
	expect(t, importDirections(parse(t, good), layers))
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, pkg string
		want         bool
	}{
		{"event", "event", true},
		{"event", "eventual", false},
		{"fakes/*", "fakes/redis", true},
		{"fakes/*", "fakes", false},
		{"fakes/*", "fakes/redis/internal", false},
		{"scenarios/*/*sim", "scenarios/checkout/checkoutsim", true},
		{"scenarios/*/*sim", "scenarios/checkout/store", false},
		{"cmd/wtsim/...", "cmd/wtsim", true},
		{"cmd/wtsim/...", "cmd/wtsim/command/x", true},
		{"cmd/wtsim/...", "cmd/wtsimulator", false},
		{"...", "anything/at/all", true},
	} {
		if got := match(c.pattern, c.pkg); got != c.want {
			t.Errorf("match(%q, %q) = %v", c.pattern, c.pkg, got)
		}
	}
}

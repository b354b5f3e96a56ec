package tidy

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// A layer is one row of the table of packages.
type layer struct {
	pkg     string   // a pattern, see match
	may     []string // patterns of the packages of ours that it may import
	run     bool     // a run depends on it: banned calls apply
	testing bool     // may import testing outside its tests
}

// layers is the table of architecture.md: imports point from running to
// describing. The first row that matches a package holds.
//
// Every package stands here. Whoever adds one decides which packages it may
// see, and whether a run depends on it, by adding a row.
var layers = []layer{
	{pkg: "event", run: true},
	{pkg: "props", run: true, may: []string{"event", "props/internal/*"}},
	{pkg: "props/internal/formula", run: true, may: []string{"event"}},
	{pkg: "monitor", run: true, may: []string{"event", "props", "monitor/internal/*"}},
	{pkg: "monitor/internal/codec", run: true},
	{pkg: "monitor/internal/order", run: true, may: []string{"event", "monitor/internal/codec"}},
	{pkg: "monitor/internal/machine", run: true, may: []string{"event", "props", "monitor/internal/codec", "monitor/internal/order", "monitor/internal/values"}},
	{pkg: "monitor/internal/skew", run: true, may: []string{"props", "monitor/internal/codec", "monitor/internal/machine", "monitor/internal/order"}},
	{pkg: "monitor/internal/values", run: true, may: []string{"event", "monitor/internal/codec"}},
	{pkg: "monitor/stream", run: true, may: []string{"event", "monitor"}}, // a simulation runs it over a log of its own
	{pkg: "monitor/stream/jetstream", may: []string{"monitor/stream"}},
	{pkg: "monitor/stream/intake", run: true, may: []string{"event"}},
	{pkg: "monitor/stream/service", may: []string{"event", "monitor", "monitor/stream", "monitor/stream/intake"}},      // clocks, goroutines, HTTP
	{pkg: "monitor/stream/otlp", may: []string{"event", "probe", "monitor/stream/service"}},                            // who links OpenTelemetry
	{pkg: "monitor/function", run: true, may: []string{"event", "monitor", "monitor/stream", "monitor/stream/intake"}}, // a simulation runs it
	{pkg: "probe", run: true, may: []string{"event"}},
	{pkg: "probe/internal/probetest", may: []string{"event", "probe"}},                     // tests alone
	{pkg: "probe/gcpprobe", run: true, may: []string{"event"}},                             // descriptions for the seams of HTTP and gRPC
	{pkg: "probe/awsprobe", run: true, may: []string{"event", "probe", "probe/httpprobe"}}, // descriptions for the seam of HTTP, and clients with it
	{pkg: "probe/pgprobe", run: true, may: []string{"probe", "probe/sqlprobe"}},
	{pkg: "probe/lambdaprobe", may: []string{"probe", "probe/awsprobe", "probe/recording"}}, // production alone; who links aws-lambda-go
	{pkg: "probe/sink", may: []string{"event", "probe"}},                                    // clocks, goroutines, HTTP: production alone
	{pkg: "probe/recording", may: []string{"event", "probe", "probe/redisprobe"}},           // files, and a clock that is virtual where it is played
	{pkg: "probe/sink/natssink", may: []string{"probe/sink"}},                               // who links NATS
	{pkg: "probe/recording/gcsrecording", may: []string{"probe/recording"}},                 // who links Cloud Storage's client
	{pkg: "probe/recording/bucket", may: []string{"probe/recording"}},                       // who cannot link it
	{pkg: "probe/recording/grpcrecording", may: []string{"probe", "probe/recording"}},       // who links gRPC
	{pkg: "probe/orchestrion", may: []string{"probe/autoprobe"}},                            // and rules for who builds with that
	{pkg: "probe/otelc", may: []string{"probe/autoprobe"}},
	{pkg: "probe/autoprobe", may: []string{"event", "probe", "probe/sink", "probe/awsprobe", "probe/httpprobe", "probe/redisprobe", "probe/recording", "probe/recording/bucket"}}, // production alone
	{pkg: "probe/autoprobe/autosql", may: []string{"probe/autoprobe", "probe/sqlprobe"}},                                                                                          // who links database/sql
	{pkg: "probe/autoprobe/autogrpc", may: []string{"probe/autoprobe", "probe/gcpprobe", "probe/grpcprobe", "probe/recording/grpcrecording"}},                                     // who links gRPC
	{pkg: "probe/*", run: true, may: []string{"event", "probe"}},
	{pkg: "scheduler", run: true},

	// Services and runs never see each other: they meet in cloud.
	{pkg: "cloud", run: true, may: []string{"event", "probe"}},
	{pkg: "cloud/*", run: true, may: []string{"event", "probe", "cloud"}},
	{pkg: "fakes/fakestest", may: []string{"event", "probe", "probe/*", "cloud", "cloud/*"}},                                                                // of the services' clients alone: no run depends on it
	{pkg: "fakes/postgres", run: true, may: []string{"event", "probe", "probe/pgprobe", "probe/sqlprobe", "cloud", "internal/pgserver", "internal/seeded"}}, // the real server
	{pkg: "fakes/postgres/pgxclient", run: true, may: []string{"cloud", "fakes/postgres"}},                                                                  // who links pgx
	{pkg: "fakes/*", run: true, may: []string{"event", "probe", "probe/*", "cloud", "cloud/*", "fakes/internal/*", "internal/seeded"}},
	{pkg: "fakes/internal/*", run: true, may: []string{"event", "probe", "probe/*", "cloud", "cloud/*"}},
	{pkg: "sim", run: true, may: []string{"event", "probe", "probe/httpprobe", "props", "monitor", "cloud", "scheduler", "internal/bubble", "internal/dialguard", "internal/program", "internal/seeded", "internal/steady"}},
	{pkg: "sim/search", run: true, may: []string{"event", "probe", "props", "monitor", "cloud", "scheduler", "sim", "internal/jsonfile", "internal/steady", "internal/version"}},
	{pkg: "sim/search/workers", run: true, may: []string{"scheduler", "sim", "sim/search", "internal/jsonfile", "internal/version"}},
	{pkg: "sim/report", run: true, may: []string{"event", "probe", "monitor", "cloud", "scheduler", "sim", "sim/search", "sim/search/workers", "internal/version"}},
	{pkg: "sim/linear", run: true, may: []string{"props"}},
	{pkg: "sim/simtest", testing: true, may: []string{"event", "probe", "props", "monitor", "scheduler", "sim", "sim/search", "sim/search/workers", "sim/report", "internal/bubble", "internal/jsonfile", "internal/wholefile"}},

	// An application sees nothing of ours. One that must say what no operation
	// shows gets a row of its own above this one, with event, or probe, in it.
	{pkg: "scenarios/patterns", may: []string{"sim", "scenarios/patterns/*/*sim"}},
	{pkg: "scenarios/patterns/*"},
	{pkg: "scenarios/patterns/*/*sim", may: []string{"event", "probe", "props", "cloud", "cloud/*", "sim", "sim/*", "fakes/*", "fakes/postgres/pgxclient", "scenarios/patterns/*"}},
	{pkg: "scenarios/pipeline", may: []string{"event", "monitor", "monitor/stream"}}, // the application is our own
	{pkg: "scenarios/pipeline/pipelinesim", run: true, may: []string{"event", "probe", "props", "monitor", "monitor/stream", "cloud", "cloud/*", "sim", "scenarios/pipeline"}},
	{pkg: "scenarios/function/functionsim", run: true, may: []string{"event", "props", "monitor", "monitor/function", "monitor/stream", "cloud", "cloud/*", "sim", "fakes/*"}}, // the application is our own
	{pkg: "scenarios/*"},
	{pkg: "scenarios/*/*sim", may: []string{"event", "probe", "props", "monitor", "scheduler", "cloud", "cloud/*", "sim", "sim/*", "fakes/*", "scenarios/*", "scenarios/*/*sim"}},
	{pkg: "scenarios", may: []string{"sim", "scenarios/patterns", "scenarios/*/*sim"}},

	{pkg: "."}, // the recorder's sources, as text

	{pkg: "cmd/wtsim/...", may: []string{"..."}},
	{pkg: "internal/bubble", testing: true},
	{pkg: "internal/pgserver"},                   // processes, outside of bubbles
	{pkg: "internal/redisserver", testing: true}, // tests alone
	{pkg: "internal/dialguard"},
	{pkg: "internal/eggtimer", run: true, may: []string{"event", "probe", "cloud"}}, // tests alone
	{pkg: "internal/goker"},
	{pkg: "internal/golden", may: []string{"scheduler", "sim"}},
	{pkg: "internal/nasty"},                                           // tests alone
	{pkg: "internal/program", may: []string{"internal/runtimepatch"}}, // processes, outside of bubbles
	{pkg: "internal/scaffold"},
	{pkg: "internal/schematest", testing: true}, // tests alone
	{pkg: "internal/sctbench", run: true, may: []string{"scheduler"}},
	{pkg: "internal/seeded", run: true},
	{pkg: "internal/sigma"},
	{pkg: "internal/steady"},
	{pkg: "internal/suggest"},
	{pkg: "internal/version"},
	{pkg: "internal/wholefile"},
	{pkg: "internal/jsonfile", may: []string{"internal/wholefile"}},
	{pkg: "internal/runtimepatch"},
	{pkg: "internal/tidy"},
}

// match tells whether a pattern names a package (its folder from the module's
// root). "..." names every package and "x/..." x and all below it, as for the
// go command; else * stands for one element or a part of one.
func match(pattern, pkg string) bool {
	if pattern == "..." {
		return true
	}
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == below || strings.HasPrefix(pkg, below+"/")
	}
	ok, err := path.Match(pattern, pkg)
	return ok && err == nil
}

func matchAny(patterns []string, pkg string) bool {
	for _, p := range patterns {
		if match(p, pkg) {
			return true
		}
	}
	return false
}

// row returns the row of the table that holds for a package.
func row(table []layer, pkg string) (layer, bool) {
	for _, l := range table {
		if match(l.pkg, pkg) {
			return l, true
		}
	}
	return layer{}, false
}

// importDirections checks the imports of all packages against the table.
//
// Tests are free: the test of an application runs its scenario, that of sim
// uses a fake; what ships cannot tell.
func importDirections(t *tree, table []layer) []finding {
	var out []finding
	for _, dir := range t.dirs() {
		l, ok := row(table, dir)
		if !ok {
			out = append(out, t.unlisted(dir))
			continue
		}
		for _, f := range t.shipped(dir) {
			out = append(out, t.imports(f, l)...)
		}
	}
	return sorted(out)
}

// unlisted reports a package without a row, at its first file.
func (t *tree) unlisted(dir string) finding {
	for _, f := range t.files {
		if f.dir == dir {
			return t.find(f.syntax.Package, fmt.Sprintf("package %q stands in no row of the table", dir),
				"a row for every package", "add it to the table in internal/tidy/imports.go")
		}
	}
	panic("tidy: a package has at least one file, " + dir + " has none")
}

func (t *tree) imports(f *source, l layer) []finding {
	var out []finding
	for _, spec := range f.syntax.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic("tidy: the parser accepts quoted import paths only: " + err.Error())
		}
		dir, ours := t.ours(p)
		switch {
		case ours && !matchAny(l.may, dir):
			out = append(out, t.find(spec.Pos(), fmt.Sprintf("%s imports %s", f.dir, dir), allowed(l),
				"move what both need down a layer, or change the table in internal/tidy/imports.go on purpose"))
		case !l.testing && (p == "testing" || strings.HasPrefix(p, "testing/")):
			out = append(out, t.find(spec.Pos(), fmt.Sprintf("%s imports %s outside its tests", f.dir, p),
				"testing in internal/bubble and sim/simtest alone", "call internal/bubble for what is in it, or take an interface with the methods that are needed"))
		}
	}
	return out
}

// allowed says what a layer may import, for people.
func allowed(l layer) string {
	if len(l.may) == 0 {
		return "nothing of ours"
	}
	return "at most " + strings.Join(l.may, ", ")
}

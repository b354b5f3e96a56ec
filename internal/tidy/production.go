package tidy

import (
	"fmt"
	"strconv"
	"strings"
)

// shipping are the packages that an application in production may link: they
// describe what happens and judge it. Whatever they import of ours is one of
// them, so that no chain of imports links a scheduler, a fake or a world.
var shipping = []string{"event", "props", "monitor/...", "probe", "probe/*", "probe/autoprobe/autogrpc", "probe/autoprobe/autosql", "probe/recording/bucket", "probe/recording/gcsrecording", "probe/recording/grpcrecording", "props/internal/*"}

// bare are those that every one of them links: they name no client library and
// no cloud, so an application links those that it uses itself, and no others.
var bare = []string{"event", "probe", "probe/sink", "probe/autoprobe", "probe/autoprobe/autosql", "probe/sqlprobe", "probe/awsprobe"}

// homes are libraries that have one home: who uses neither of the packages named
// links none of them. Of ours none but the command imports these.
var homes = map[string][]string{
	"go.opentelemetry.io/":   {"monitor/stream/otlp", "probe/otelprobe"},
	"github.com/nats-io/":    {"monitor/stream/jetstream", "probe/sink/natssink"},
	"github.com/prometheus/": {"monitor/stream/service"},
	"github.com/aws/":        {"probe/lambdaprobe"},
	"github.com/jackc/":      {"probe/pgprobe"},
}

// production checks what a production binary is linked from.
func production(t *tree) []finding {
	var out []finding
	for _, dir := range t.dirs() {
		if !matchAny(shipping, dir) {
			continue
		}
		for _, f := range t.shipped(dir) {
			out = append(out, t.linked(f)...)
		}
	}
	return sorted(out)
}

func (t *tree) linked(f *source) []finding {
	var out []finding
	for _, spec := range f.syntax.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic("tidy: the parser accepts quoted import paths only: " + err.Error())
		}
		first, _, _ := strings.Cut(p, "/")
		dir, ours := t.ours(p)
		switch {
		case ours && !matchAny(shipping, dir):
			out = append(out, t.find(spec.Pos(), fmt.Sprintf("%s links %s into production", f.dir, dir),
				"at most "+strings.Join(shipping, ", "), "move what both need into one of these"))
		case !ours && !athome(p, f.dir):
			out = append(out, t.find(spec.Pos(), fmt.Sprintf("%s imports %s", f.dir, p),
				"it in its home alone", "see homes in internal/tidy/production.go"))
		case !ours && strings.Contains(first, ".") && matchAny(bare, f.dir):
			out = append(out, t.find(spec.Pos(), fmt.Sprintf("%s imports %s", f.dir, p),
				"the standard library alone", "move it to the package of the client's family, such as probe/redisprobe"))
		}
	}
	return out
}

// athome tells whether a package may import a library.
func athome(library, dir string) bool {
	for prefix, where := range homes {
		if strings.HasPrefix(library, prefix) && !matchAny(where, dir) {
			return false
		}
	}
	return true
}

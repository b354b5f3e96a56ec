package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
)

// A call of HTTP and a command of Redis, by one program that is built plainly and
// with the recorder: off, with no rule about the call, and with an event of each.
// They take turns; what is reported is the median of the ratios to the plain one of the same turn.
func BenchmarkRecordCost(b *testing.B) {
	dir := b.TempDir()
	for from, to := range map[string]string{"testdata/recordcost/main.go": "main.go", "../../../examples/unchanged/go.mod": "go.mod", "../../../examples/unchanged/go.sum": "go.sum"} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, to), text, 0o600)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	plain, recorded := filepath.Join(b.TempDir(), "plain"), filepath.Join(b.TempDir(), "recorded")
	wtsim, err := build()
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range [][]string{{"go", "build", "-o", plain, "."}, {wtsim, "build", "--record", "-o", recorded, "."}} {
		c := exec.Command(c[0], c[1:]...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":"7"}`) }))
	defer server.Close()
	addr := os.Getenv("REDIS_ADDR") // of a real one
	if addr == "" {
		addr = miniredis.RunT(b).Addr()
	}
	env := []string{"HTTP_URL=" + server.URL, "REDIS_ADDR=" + addr}
	on := append(slices.Clone(env), "WTSIM_RECORD="+filepath.Join(b.TempDir(), "events"), "WTSIM_SERVICES="+strings.TrimPrefix(server.URL, "http://")+"=items")
	rules := func(service, store string) string {
		name := filepath.Join(b.TempDir(), "rules.json")
		text := fmt.Appendf(nil, `{"rules":[{"service":%q,"resource":"/items/{i}","emit":"A","with":{"i":"{i}"}},{"service":%q,"resource":"item/{i}","emit":"B","with":{"i":"{i}"}}]}`, service, store)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			b.Fatal(err)
		}
		return "WTSIM_RULES=" + name
	}
	programs := []*caller{start(b, plain, env...), start(b, recorded, env...),
		start(b, recorded, append(slices.Clip(on), rules("nobody", "nobody"))...), start(b, recorded, append(slices.Clip(on), rules("items", "redis"))...)}
	sizes := [2]int64{size(b, plain), size(b, recorded)}
	b.Logf("bytes: plain %d, recorded %d (%+.1f %%)", sizes[0], sizes[1], 100*(float64(sizes[1])/float64(sizes[0])-1))
	for b.Loop() {
		for _, kind := range []string{"http", "redis"} {
			var ratios [4][]float64
			var alone []float64
			for turn := range 102 {
				var took [4]float64
				for i := range programs {
					i = (i + turn) % len(programs)
					took[i] = programs[i].call(b, kind, 100)
				}
				if turn < 2 { // connections, caches
					continue
				}
				alone = append(alone, took[0])
				for i := range took {
					ratios[i] = append(ratios[i], took[i]/took[0])
				}
			}
			b.Logf("%s: plain %.1f us; off %.3f, no rule %.3f, an event %.3f of it", kind, median(alone)/1000, median(ratios[1]), median(ratios[2]), median(ratios[3]))
		}
	}
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

func size(b *testing.B, file string) int64 {
	b.Helper()
	info, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

// caller is a process that makes calls.
type caller struct {
	in  io.Writer
	out *bufio.Reader
}

func start(b *testing.B, path string, env ...string) *caller {
	b.Helper()
	c := exec.Command(path)
	c.Env, c.Stderr = append(os.Environ(), env...), os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = c.Wait()
	})
	return &caller{in, bufio.NewReader(out)}
}

// call returns how many nanoseconds one of n calls took.
func (c *caller) call(b *testing.B, kind string, n int) (took float64) {
	b.Helper()
	if _, err := fmt.Fprintln(c.in, kind, n); err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Fscanln(c.out, &took); err != nil {
		b.Fatal(err)
	}
	return took
}

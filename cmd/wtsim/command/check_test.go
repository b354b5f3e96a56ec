package command

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/wtsim/wtsim/event"
)

// Two properties: of one variable, and of two that no event type has both of
// alone.
const checkedProps = `[{"name":"once","quantifiedVariables":["a"],"stateMachine":{
  "APPROVE":{"params":["a"],"INITIAL":{"to":"approved"}}, "REVOKE":{"params":["a"],"approved":{"to":"INITIAL"}},
  "PUBLISH":{"params":["a"],"INITIAL":{"to":"FAILURE"}}}},
 {"name":"pairs","quantifiedVariables":["a","b"],"stateMachine":{
  "APPROVE":{"params":["a"],"INITIAL":{"to":"approved"}}, "USE":{"params":["b"],"approved":{"to":"used"}},
  "PUBLISH":{"params":["a","b"],"used":{"to":"FAILURE"}}}}]`

// someEvents writes a course of events with duplicates, late and malformed
// ones among them.
func someEvents(n int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	for i := range n {
		at = at.Add(time.Duration(r.IntN(4)) * time.Millisecond)
		e := event.Event{ID: fmt.Sprint(i), Source: fmt.Sprintf("/f/%d", r.IntN(8)), Time: at,
			Type: []string{"APPROVE", "REVOKE", "PUBLISH", "USE", "OTHER"}[r.IntN(5)],
			Data: event.Data{{Name: "a", Value: event.Int(int64(r.IntN(200)))}, {Name: "b", Value: event.Int(int64(r.IntN(90)))}}}
		switch r.IntN(50) {
		case 0:
			e.Time, e.Source = at.Add(-3*time.Second), "/f/late" // of a source of its own, that has no later event
		case 1:
			e.ID = fmt.Sprint(max(0, i-1)) // of the event before, perhaps
		case 2:
			e.Data = e.Data[1:]
		case 3:
			out.WriteString("no event\n")
		}
		out.Write(append(e.AppendJSON(nil), '\n'))
	}
	return out.Bytes()
}

// checkedFiles writes the two files that most tests here check.
func checkedFiles(t *testing.T, events []byte) (props, file string) {
	dir := t.TempDir()
	props, file = filepath.Join(dir, "props.json"), filepath.Join(dir, "events.ndjson")
	if err := errors.Join(os.WriteFile(props, []byte(checkedProps), 0o644), os.WriteFile(file, events, 0o644)); err != nil {
		t.Fatal(err)
	}
	return props, file
}

var elapsed = regexp.MustCompile(`"elapsed_ns":\d+`)

// checked runs a check in this process; the time that it took is left out.
func checked(t *testing.T, args ...string) (stdout string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = (&app{stdout: &out, stderr: &errs}).main(append([]string{"check"}, args...))
	if errs.Len() > 0 {
		t.Fatalf("check %q: %s", args, errs.String())
	}
	return elapsed.ReplaceAllString(out.String(), ""), code
}

// On any number of cores a check prints the same, to the byte.
func TestWorkersChangeNothing(t *testing.T) {
	props, file := checkedFiles(t, someEvents(4000))
	for _, more := range [][]string{{}, {"--skew", "3ms"}, {"--ttl", "1s"}, {"--end"}, {"--ttl", "1s", "--skew", "3ms", "--end", "--ahead", "1s"}} {
		args := append([]string{"--props", props, "--events", file, "--json", "--stats", "--coverage", "--lateness", "1s"}, more...)
		want, code := checked(t, append(args, "--workers", "1")...)
		if code != exitViolated || strings.Count(want, `"kind":"violation"`) < 20 || !strings.Contains(want, `"kind":"late"`) {
			t.Fatalf("exit code %d, %d bytes", code, len(want))
		}
		for workers := 2; workers < 5; workers++ {
			if got, code := checked(t, append(args, "--workers", fmt.Sprint(workers))...); got != want || code != exitViolated {
				t.Errorf("%v: %d workers tell something else, exit code %d: %s", more, workers, code, firstDifference(got, want))
			}
		}
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d:\ngot  %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// Events compressed with gzip and zstd, in one frame or in several, are the
// same events.
func TestCompressedEvents(t *testing.T) {
	plain := someEvents(3000)
	props, file := checkedFiles(t, plain)
	want, _ := checked(t, "--props", props, "--events", file, "--json")
	half := bytes.IndexByte(plain[len(plain)/2:], '\n') + len(plain)/2 + 1
	for name, compress := range map[string]func(io.Writer) (io.WriteCloser, error){
		"gzip": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
		"zstd": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) },
		"zstd in parallel": func(w io.Writer) (io.WriteCloser, error) {
			if _, err := io.WriteString(w, "\x50\x2a\x4d\x18\x04\x00\x00\x00size"); err != nil { // pzstd puts a frame's size before it
				return nil, err
			}
			return zstd.NewWriter(w)
		},
	} {
		for _, parts := range [][][]byte{{plain}, {plain[:half], plain[half:]}} {
			var out bytes.Buffer
			for _, part := range parts {
				w, err := compress(&out)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write(part); err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			if got, _ := checked(t, "--props", props, "--events", file, "--json"); got != want {
				t.Errorf("%s in %d frames: %s", name, len(parts), firstDifference(got, want))
			}
		}
	}
}

// What comes through a pipe is judged as it comes, and an interrupt prints
// what was found although the pipe stays open: exit code 130.
func TestInterruptedCheck(t *testing.T) {
	props, _ := checkedFiles(t, nil)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe)
	c.Args = []string{"wtsim", "check", "--props", props, "--events", "-"}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c.Stdout = &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	e := event.Event{ID: "1", Source: "s", Type: "PUBLISH", Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Data: event.Data{{Name: "a", Value: event.Str("x")}, {Name: "b", Value: event.Str("y")}}}
	if _, err := fmt.Fprintf(in, "%s\nno event\n", e.AppendJSON(nil)); err != nil {
		t.Fatal(err)
	}
	told := make([]byte, 1)
	if _, err := io.ReadFull(errs, told); err != nil { // the second line was judged
		t.Fatal(err)
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, errs); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("got %v, want exit code 130", err)
	}
	if got := out.String(); !strings.Contains(got, `property "once" violated for a="x"`) || !strings.Contains(got, "violated: 1 event, 1 violation, 1 malformed") {
		t.Errorf("got %s", got)
	}
}

// The line of progress comes after a second, not more than five times a
// second, and is wiped.
func TestCheckProgress(t *testing.T) {
	var out bytes.Buffer
	p := &checkProgress{line: progress{w: &out, on: true}}
	p.show(10, 0.1, 900*time.Millisecond)
	if out.Len() > 0 {
		t.Errorf("%q within a second", out.String())
	}
	p.show(2000, 0.25, 2*time.Second)
	p.show(2010, 0.26, 2100*time.Millisecond)
	if got := out.String(); got != "\r25 %, 2000 lines, 1000/s" {
		t.Errorf("got %q", got)
	}
	p.clear()
	if got := out.String(); !strings.HasSuffix(got, "\r"+strings.Repeat(" ", 24)+"\r") {
		t.Errorf("not wiped: %q", got)
	}
}

// Blocks of lines are used again: what is told of an event does not hang on
// how many stand in one.
func TestBlocksChangeNothing(t *testing.T) {
	defer func(was int) { lineBlock = was }(lineBlock)
	props, file := checkedFiles(t, someEvents(5000))
	want := ""
	for _, lineBlock = range []int{1 << 24, 64, 300, 5000} {
		for _, workers := range []string{"1", "2"} {
			out, _ := checked(t, "--props", props, "--events", file, "--json", "--stats", "--lateness", "1s", "--workers", workers)
			if want == "" {
				want = out
			}
			if out != want {
				t.Errorf("blocks of %d bytes, %s workers: %s", lineBlock, workers, firstDifference(out, want))
			}
		}
	}
	if !strings.Contains(want, `"kind":"late"`) || !strings.Contains(want, `"kind":"malformed"`) || !strings.Contains(want, `"kind":"violation"`) {
		t.Errorf("too little was found: %s", want[:300])
	}
}

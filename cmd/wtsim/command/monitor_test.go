package command

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream/jetstream"
	"github.com/wtsim/wtsim/monitor/stream/service"
)

// monitoring is a monitor that runs, and where it is.
type monitoring struct {
	t    *testing.T
	base string
}

// request returns the status and the body of an answer.
func (m monitoring) request(method, path, contentType string, body io.Reader) (int, string) {
	m.t.Helper()
	r, err := http.NewRequest(method, m.base+path, body)
	if err != nil {
		m.t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(text)
}

func (m monitoring) send(lines [][]byte) int {
	status, _ := m.request("POST", "/v1/events", "application/x-ndjson", bytes.NewReader(bytes.Join(lines, []byte("\n"))))
	return status
}

var idField = regexp.MustCompile(`"id":"([0-9a-f]{32})",`)

// violations are those that the monitor tells, without their ids.
func (m monitoring) violations() (all []string, ids []string) {
	m.t.Helper()
	status, text := m.request("GET", "/v1/violations", "", nil)
	if status != http.StatusOK {
		m.t.Fatalf("violations: %d %s", status, text)
	}
	for line := range strings.Lines(text) {
		ids = append(ids, idField.FindStringSubmatch(line)[1])
		all = append(all, strings.TrimSpace(strings.Replace(line, idField.FindString(line), "", 1)))
	}
	return all, ids
}

func (m monitoring) close() service.Status {
	m.t.Helper()
	status, text := m.request("POST", "/v1/close", "", nil)
	var st service.Status
	if err := json.Unmarshal([]byte(text), &st); err != nil || status != http.StatusOK {
		m.t.Fatalf("close: %d %s", status, text)
	}
	return st
}

// inProcess runs a monitor here, with its data in a directory.
func inProcess(t *testing.T, dir string, o service.Options) (m monitoring, stop func()) {
	t.Helper()
	e, err := jetstream.Embed(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := service.Start(context.Background(), o, e)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	return monitoring{t, "http://" + l.Addr().String()}, func() {
		s.Stop()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		e.Close()
	}
}

// whatCheckFinds are the violation objects of a check, and its summary.
func whatCheckFinds(t *testing.T, args ...string) (all []string, sum summaryObject) {
	t.Helper()
	var out bytes.Buffer
	(&app{stdout: &out, stderr: io.Discard}).main(append([]string{"check", "--json"}, args...))
	for line := range strings.Lines(out.String()) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, `{"kind":"violation"`):
			all = append(all, line)
		case strings.HasPrefix(line, `{"kind":"summary"`):
			if err := json.Unmarshal([]byte(line), &sum); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all, sum
}

// On every recording, the monitor tells what check tells, in the same order,
// and counts what it counts, though it is stopped and started in the middle.
func TestMonitorTellsWhatCheckTells(t *testing.T) {
	all := recordings(t)
	told := 0
	for i := 0; i < len(all); i += 2 { // the others say nothing else
		r := all[i]
		t.Run(r.name, func(t *testing.T) {
			want, sum := whatCheckFinds(t, "--props", r.props, "--events", r.events, "--lateness", "2s")
			if sum.Kind == "" { // properties that check refuses, the monitor refuses too
				if _, _, err := compileFiles([]string{r.props}); err == nil {
					t.Fatal("check gives no summary, and the properties are right")
				}
				return
			}
			got, st := monitored(t, r, monitor.StreamOptions{Lateness: 2 * time.Second})
			if !slices.Equal(got, want) {
				t.Fatalf("%d violations, wanted those %d of check:\n%s\n%s", len(got), len(want), strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if st.Events != sum.Events || st.Violations != sum.Violations || st.Malformed != sum.Malformed || st.Late != sum.Late || st.Duplicates != sum.Duplicates {
				t.Fatalf("%+v, wanted as in %+v", st.Totals, sum)
			}
			told += len(got)
		})
	}
	if told < 50 {
		t.Fatalf("%d violations in all, wanted more to compare", told)
	}
}

// monitored gives a monitor a recording, and stops it in the middle.
func monitored(t *testing.T, r judgeable, o monitor.StreamOptions) ([]string, service.Status) {
	program, _, err := compileFiles([]string{r.props})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(r.events)
	if err != nil {
		t.Fatal(err)
	}
	dir, lines := t.TempDir(), bytes.Split(text, []byte("\n"))
	options := service.Options{Program: program, Stream: o}
	m, stop := inProcess(t, dir, options)
	for chunk := range slices.Chunk(lines[:len(lines)/2], 400) {
		m.send(chunk)
	}
	stop()
	m, stop = inProcess(t, dir, options)
	defer stop()
	for chunk := range slices.Chunk(lines[len(lines)/2:], 400) {
		m.send(chunk)
	}
	st := m.close()
	got, _ := m.violations()
	return got, st
}

// process is a monitor as a process of its own.
type process struct {
	monitoring
	cmd    *exec.Cmd
	stdout bytes.Buffer
}

var listening = regexp.MustCompile(`listening on (http://\S+),`)

func startMonitor(t *testing.T, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(exe)}
	p.cmd.Args = append([]string{"wtsim", "monitor", "--listen", "127.0.0.1:0"}, args...)
	p.cmd.Stdout = &p.stdout
	errs, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	lines := bufio.NewScanner(errs)
	for lines.Scan() {
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			p.monitoring = monitoring{t, found[1]}
			go io.Copy(io.Discard, errs) //nolint:errcheck // until it ends
			return p
		}
		t.Log(lines.Text())
	}
	t.Fatal("the monitor ended before it listened")
	return nil
}

// What is wrong with the flags is said in one line, before anything is done.
func TestMonitorRefuses(t *testing.T) {
	props, _ := checkedFiles(t, nil)
	for _, x := range []struct{ flags, wanted string }{
		{"", "--props is missing"},
		{"--props " + props + " --listen :8399", "where anybody may come to, wanted --token-file or --client-ca"},
		{"--props " + props + " --listen 0.0.0.0:8399", "where anybody may come to"},
		{"--props " + props + " --listen 8399", "wanted an address with a port"},
		{"--props " + props + " --webhook ftp://x", "wanted the URL of a receiver"},
		{"--props " + props + " --tls-cert x", "belong together"},
		{"--props " + props + " --token-file /does/not/exist", "no such file"},
		{"--props " + props + " --otlp :4317", "--otlp is \":4317\", where anybody may come to"},
		{"--props " + props + " --otlp 4317", "--otlp is \"4317\", wanted an address with a port"},
		{"--props " + props + " --rules /does/not/exist", "--rules: open /does/not/exist"},
		{"--props " + props + " --rules " + props, ": [1:1] "},
		{"--props " + props + " --lateness -1s", "--lateness is -1s"},
		{"status --addr http://127.0.0.1:1", "no answer"},
		{"status --ca /does/not/exist", "--ca: open /does/not/exist"},
		{"status --tls-cert x", "belong together"},
	} {
		var out, errs bytes.Buffer
		code := (&app{stdout: &out, stderr: &errs}).main(append([]string{"monitor"}, strings.Fields(x.flags)...))
		if code != exitUsage || !strings.Contains(errs.String(), x.wanted) || strings.Count(errs.String(), "\n") != 1 || out.Len() > 0 {
			t.Errorf("monitor %s: exit %d, %q, wanted %d and %q", x.flags, code, errs.String(), exitUsage, x.wanted)
		}
	}
}

// A second monitor on the same data is refused, and so is one that would judge
// it otherwise.
func TestMonitorDataIsOnes(t *testing.T) {
	props, _ := checkedFiles(t, nil)
	data := filepath.Join(t.TempDir(), "data")
	p := startMonitor(t, "--props", props, "--data", data)
	refused := func(wanted string, args ...string) {
		t.Helper()
		var errs bytes.Buffer
		code := (&app{stdout: io.Discard, stderr: &errs}).main(append([]string{"monitor", "--listen", "127.0.0.1:0", "--data", data, "--props", props}, args...))
		if code != exitUsage || !strings.Contains(errs.String(), wanted) || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("exit %d, %q, wanted %q", code, errs.String(), wanted)
		}
	}
	refused("another monitor uses it")
	if err := errors.Join(p.cmd.Process.Signal(syscall.SIGTERM), p.cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	refused("--lateness is 3s, and the data is judged with 2s", "--lateness", "3s")
	refused("--shards is 2, and the data is in 1", "--shards", "2")
}

// Properties change from one start to the next: what is new is judged from then
// on, or from what is kept on; what is dropped up to then, and what stays goes on.
func TestMonitorChangesProperties(t *testing.T) {
	changeProperties(t, []string{"comes 9", "goes 13", "goes 5", "stays 11", "stays 6"}, "--shards", "3")
	past := []string{"comes 8", "goes 13", "goes 5", "stays 11", "stays 6"}
	changeProperties(t, past, "--keep", "1h")
	changeProperties(t, past, "--keep", "1h", "--shards", "3")
}

func changeProperties(t *testing.T, want []string, flags ...string) {
	t.Helper()
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte("properties:\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	stays := "  - name: stays\n    at most once: PAID(order)\n"
	before := file("before.yaml", stays+"  - name: goes\n    at most once: SENT(order)\n")
	after := file("after.yaml", "  - name: comes\n    at most once: BACK(order)\n"+stays)
	line := func(n int, kind, order string) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"s","type":%q,"time":"2026-01-01T00:00:%02dZ","data":{"order":%q}}`, n, kind, n, order)
	}
	data := filepath.Join(t.TempDir(), "data")
	for n, x := range []struct {
		props string
		lines [][]byte
	}{
		{before, [][]byte{line(1, "PAID", "o"), line(2, "SENT", "o"), line(3, "BACK", "o"), line(4, "SENT", "p"), line(5, "SENT", "p")}},
		{after, [][]byte{line(6, "PAID", "o"), line(7, "SENT", "o"), line(8, "BACK", "o"), line(9, "BACK", "o")}},
		{after, [][]byte{line(10, "PAID", "r"), line(11, "PAID", "r")}},
		{before, [][]byte{line(12, "SENT", "q"), line(13, "SENT", "q"), line(14, "BACK", "r"), line(15, "BACK", "r")}},
	} {
		p := startMonitor(t, append([]string{"--props", x.props, "--data", data}, flags...)...)
		if status := p.send(x.lines); status != http.StatusAccepted {
			t.Fatalf("start %d: %d", n+1, status)
		}
		p.close()
		if n == 3 {
			all, _ := p.violations()
			var got []string
			for _, v := range all {
				var told toldViolation
				if err := json.Unmarshal([]byte(v), &told); err != nil {
					t.Fatal(err)
				}
				got = append(got, told.Property+" "+told.Event)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%v: %q, wanted %q", flags, got, want)
			}
		}
		if err := errors.Join(p.cmd.Process.Signal(syscall.SIGTERM), p.cmd.Wait()); err != nil {
			t.Fatal(err)
		}
	}
}

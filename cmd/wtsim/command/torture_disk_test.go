package command

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// smallDisk is a file system of its own, with so much room.
func smallDisk(t *testing.T, size string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("wtsim", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a file system of its own: %v; root may", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill takes all the room that is left, at once.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 1<<20); len(chunk) > 0; {
		if _, err := f.Write(chunk); errors.Is(err, syscall.ENOSPC) {
			chunk = chunk[:len(chunk)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// restart kills the monitor; while the disk is full it may not start.
func (k *killed) restart() {
	k.t.Helper()
	_ = k.p.cmd.Process.Kill()
	_ = k.p.cmd.Wait()
	k.printed.WriteString(k.p.stdout.String())
	k.p = startMonitor(k.t, k.args...)
}

// insist sends until it is answered by a monitor that may be opening its log
// anew.
func (k *killed) insist(chunk []byte) {
	k.t.Helper()
	for until := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		status, text := k.p.request("POST", "/v1/events", "application/x-ndjson", bytes.NewReader(chunk))
		if status == http.StatusAccepted || status == http.StatusBadRequest {
			return
		}
		if time.Now().After(until) {
			k.t.Fatal(status, text)
		}
	}
}

// The disk is full, in the middle of what comes, again and again, before anybody
// could have looked how much is free; the first time the monitor is killed then,
// and starts on the full disk. What is not stored is not acknowledged, and once there is room again the
// verdicts are check's: none missing, none twice.
func TestTortureFullDisk(t *testing.T) {
	disk := smallDisk(t, "192m")
	dir := t.TempDir()
	props, file := filepath.Join(dir, "props.yaml"), filepath.Join(dir, "events.ndjson")
	if err := os.WriteFile(props, []byte(tortureProps), 0o600); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(15, 6))
	events := 15_000
	if os.Getenv("WTSIM_TORTURE") != "" {
		events = 100_000
	}
	tortureEvents(t, file, events, r)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(slices.Chunk(bytes.SplitAfter(text, []byte("\n")), 400))
	k := &killed{t: t, args: []string{"--props", props, "--data", filepath.Join(disk, "data"), "--json", "--lateness", "1m"}}
	k.p = startMonitor(t, k.args...)
	filler, refused := filepath.Join(disk, "filler"), 0
	for n, some := range lines {
		chunk := bytes.Join(some, nil)
		if n%50 == 25 {
			fill(t, filler)
			for until := time.Now().Add(time.Second); time.Now().Before(until); {
				status, _ := k.p.request("POST", "/v1/events", "application/x-ndjson", bytes.NewReader(chunk))
				if status != http.StatusAccepted {
					refused++
				}
			}
			if n == 25 {
				k.restart()
			}
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
		}
		k.insist(chunk)
	}
	st := k.p.close()
	got, ids := k.p.violations()
	want, sum := whatCheckFinds(t, "--props", props, "--events", file, "--lateness", "1m")
	if !slices.Equal(got, want) || len(want) < 5 || refused == 0 {
		t.Fatalf("refused %d times: %d violations, wanted %d", refused, len(got), len(want))
	}
	if st.Events != sum.Events || st.Late != sum.Late || st.Missing > 0 || st.Lost > 0 || st.Alarms > 0 {
		t.Fatalf("%+v, wanted as in %+v", st, sum)
	}
	k.end(ids)
}

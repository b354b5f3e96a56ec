package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// wtsim runs this test binary as the command and returns its exit code.
func wtsim(t *testing.T, dir string, args ...string) (stdout string, code int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe)
	c.Args = append([]string{"wtsim"}, args...)
	c.Dir = dir
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if stderr.Len() > 0 {
		t.Errorf("wtsim %s prints on standard error: %s", strings.Join(args, " "), &stderr)
	}
	return string(out), c.ProcessState.ExitCode()
}

// Three shards, merged, tell what one search tells: verdict, exit code, number
// of the schedule, statistics, and the counterexample to the byte.
func TestShardsTellTheSame(t *testing.T) {
	t.Parallel() // all of it is in other processes
	for _, args := range []string{
		"checkout/double-charge",
		"test/thrice --strategy random",
		"test/thrice --strategy reads-from",
		"test/thrice --bound 2",
		"test/counts --bound 1",
		"test/counts --bound 2",
		"test/counts --schedules 50",
		"test/fatal-later",
		"test/malformed --schedules 20",
		"test/unreached --schedules 20",
		"test/fund",
		"test/fund --bound 0",
		"test/fatal-drawn --strategy random",
	} {
		t.Run(strings.ReplaceAll(args, "/", " "), func(t *testing.T) {
			dir := t.TempDir()
			search := append([]string{"run"}, strings.Fields(args)...)
			whole, wantCode := wtsim(t, dir, append(search, "--json", "--out", "whole.json")...)
			merge := []string{"merge", "--json", "--out", "merged.json"}
			for i := 1; i <= 3; i++ {
				file := fmt.Sprintf("result-%d.json", i)
				wtsim(t, dir, append(search, "--json", "--workers", fmt.Sprint(1+i%2), "--out", "own.json", "--result", file, "--shard", fmt.Sprintf("%d/3", i))...)
				merge = append(merge, file)
			}
			merged, code := wtsim(t, dir, merge...)
			if code != wantCode {
				t.Errorf("exit code %d, without shards %d", code, wantCode)
			}
			want, got := comparable(t, whole), comparable(t, merged)
			for _, name := range slices.Sorted(maps.Keys(want)) {
				if !reflect.DeepEqual(got[name], want[name]) {
					t.Errorf("%s: %v, without shards %v", name, got[name], want[name])
				}
			}
			if len(got) != len(want) {
				t.Errorf("%v, without shards %v", got, want)
			}
			if want["verdict"] == "violated" && !bytes.Equal(read(t, dir, "merged.json"), read(t, dir, "whole.json")) {
				t.Errorf("the counterexamples differ: %s\n%s", read(t, dir, "merged.json"), read(t, dir, "whole.json"))
			}
		})
	}
}

// comparable is a result without what depends on the machine.
func comparable(t *testing.T, line string) map[string]any {
	out := map[string]any{}
	if err := json.Unmarshal([]byte(line), &out); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	for _, name := range []string{"elapsed_ns", "per_second", "counterexample", "page", "stack"} {
		delete(out, name)
	}
	return out
}

func read(t *testing.T, dir, name string) []byte {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Error(err)
	}
	return data
}

// A worker that is ended from outside is followed by one that goes on: the
// counterexample is the one that would have been found.
func TestKilledWorker(t *testing.T) {
	for _, strategy := range []string{"bounded", "portfolio", "random"} {
		dir := t.TempDir()
		t.Setenv("TEST_KILLED_ONCE", filepath.Join(dir, "never", "created"))
		whole, _ := wtsim(t, dir, "run", "test/killed-once", "--workers", "1", "--strategy", strategy, "--json", "--out", "whole.json")
		once := filepath.Join(dir, "once")
		t.Setenv("TEST_KILLED_ONCE", once)
		killed, code := wtsim(t, dir, "run", "test/killed-once", "--workers", "1", "--strategy", strategy, "--json", "--out", "killed.json")
		if _, err := os.Stat(once); err != nil {
			t.Errorf("%s: nobody was killed: %v", strategy, err)
		}
		want, got := comparable(t, whole), comparable(t, killed)
		if code != exitViolated || got["schedules"] != want["schedules"] || !bytes.Equal(read(t, dir, "whole.json"), read(t, dir, "killed.json")) {
			t.Errorf("%s: exit code %d, %v; nobody killed: %v", strategy, code, got, want)
		}
	}
}

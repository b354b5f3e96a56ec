package runtimepatch

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// soaking skips what takes long, unless it is asked for.
func soaking(t *testing.T) {
	t.Helper()
	if os.Getenv("WTSIM_SOAK") == "" {
		t.Skip("takes minutes and downloads Go releases: make soak runs it")
	}
}

// The release that is installed builds with the overlay, with and without the
// race detector; a program that draws everything that Go draws at random then
// prints the same in every process, whatever the number of threads.
func TestInstalledRelease(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library; runs without -short")
	}
	r := installed(t)
	sameDraws(t, r, 4)
	sameDraws(t, r, 4, "-race")
}

// The same holds for every release of Go 1.25 and 1.26 that can be had, and
// other systems build.
func TestSoakReleases(t *testing.T) {
	soaking(t)
	for _, version := range releases(t) {
		t.Run(version, func(t *testing.T) {
			env := append(os.Environ(), "GOTOOLCHAIN="+version)
			r, err := Installed("go", t.TempDir(), env)
			if err != nil {
				t.Skipf("this release cannot be downloaded here: %v", err)
			}
			sameDraws(t, r, 2)
			if r.Version == runtime.Version() || strings.HasSuffix(version, ".0") {
				for _, system := range []string{"linux/arm64", "darwin/arm64", "darwin/amd64"} {
					crossBuild(t, r, system)
				}
			}
		})
	}
}

// A release that nobody has tried is patched or refused, never half patched:
// for all that are at hand, the overlay is generated.
func TestReleasesAtHand(t *testing.T) {
	all, err := filepath.Glob(filepath.Join(moduleCache(t), "golang.org", "toolchain@*"))
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	for _, root := range append(all, installed(t).Root) {
		r := Release{Root: root, Version: filepath.Base(root)}
		_, err := r.Overlay(cache)
		if _, wrong := r.Recording(cache); err == nil {
			err = wrong
		}
		if err != nil && regexp.MustCompile(`go1\.2[56]\.`).MatchString(root) {
			t.Error(err)
		}
	}
}

func moduleCache(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// releases asks for what there is, for this system.
func releases(t *testing.T) []string {
	t.Helper()
	c := exec.Command("go", "list", "-m", "-versions", "golang.org/toolchain")
	c.Dir, c.Env = "testdata/draws", append(os.Environ(), "GOFLAGS=-mod=mod")
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go list -m -versions golang.org/toolchain: %v", err)
	}
	suffix := "." + runtime.GOOS + "-" + runtime.GOARCH
	var found []string
	for _, field := range strings.Fields(string(out)) {
		version, ours := strings.CutSuffix(strings.TrimPrefix(field, "v0.0.1-"), suffix)
		if ours && regexp.MustCompile(`^go1\.2[56]\.\d+$`).MatchString(version) {
			found = append(found, version)
		}
	}
	if !slices.Contains(found, runtime.Version()) {
		found = append(found, runtime.Version())
	}
	return found
}

// sameDraws builds testdata/draws and runs it in processes.
func sameDraws(t *testing.T, r Release, rounds int, flags ...string) {
	t.Helper()
	overlay, err := r.Overlay(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "draws")
	args := append([]string{"test", "-c", "-o", bin, "-overlay", overlay.File, "-tags", Tag}, flags...)
	goCommand(t, overlay, "testdata/draws", "", append(args, ".")...)
	want := ""
	for i := range rounds {
		for _, threads := range []int{1, 2, 4} {
			c := exec.Command(bin, "-test.count=2", "-test.timeout=60s")
			c.Env = append(os.Environ(), fmt.Sprint("GOMAXPROCS=", threads))
			out, err := c.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", r.Version, err, out)
			}
			got := draws(out)
			if want == "" {
				want = got
			}
			if lines := strings.Fields(got); got != want || len(lines) != 2 || lines[0] == lines[1] {
				t.Errorf("%s %v, round %d, GOMAXPROCS=%d: seeds 1 and 2 draw\n%swanted\n%s", r.Version, flags, i, threads, got, want)
			}
		}
	}
}

// draws returns the distinct hashes of seeds 1 and 2, a line each.
func draws(out []byte) string {
	var hashes []string
	for _, m := range regexp.MustCompile(`(?m)^draws of seed \d: ([0-9a-f]{64})$`).FindAllSubmatch(out, -1) {
		if h := string(m[1]) + "\n"; !slices.Contains(hashes, h) {
			hashes = append(hashes, h)
		}
	}
	return strings.Join(hashes, "")
}

// crossBuild compiles what the overlay changes for another system.
func crossBuild(t *testing.T, r Release, system string) {
	t.Helper()
	overlay, err := r.Overlay(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	goCommand(t, overlay, "testdata/draws", system, "build", "-overlay", overlay.File, "-tags", Tag, "runtime", "sync", "internal/sync", "syscall", "net/http")
}

func goCommand(t *testing.T, o Overlay, dir, system string, args ...string) {
	t.Helper()
	c := exec.Command(o.Command(), args...)
	c.Dir = dir
	c.Env = append(append(os.Environ(), "GOTOOLCHAIN=local", "GOWORK=off", "GOROOT="+o.Root), o.Env()...)
	if slices.Contains(args, "-race") {
		c.Env = append(c.Env, "CGO_ENABLED=1")
	}
	if goos, goarch, ok := strings.Cut(system, "/"); ok {
		c.Env = append(c.Env, "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: go %s: %v\n%s", o.Root, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
}

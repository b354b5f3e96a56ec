package runtimepatch

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func installed(t *testing.T) Release {
	t.Helper()
	r, err := Installed("go", ".", os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The overlay replaces the edited files of the release that is installed, and
// adds ours; a second call finds it.
func TestOverlay(t *testing.T) {
	r, cache := installed(t), t.TempDir()
	o, err := r.Overlay(cache)
	if err != nil {
		t.Fatal(err)
	}
	path := o.File
	replace := read(t, path)
	for _, file := range []string{"runtime/rand.go", "runtime/wtsim.go", "sync/pool.go"} {
		text, err := os.ReadFile(replace[filepath.Join(o.Root, "src", file)])
		if err != nil || !strings.Contains(string(text), "wtsim") {
			t.Errorf("%s: %v, %d bytes", file, err, len(text))
		}
	}
	again, err := r.Overlay(cache)
	if again != o || err != nil {
		t.Errorf("again: %v, %v", again, err)
	}
	if !strings.HasPrefix(filepath.Base(filepath.Dir(path)), runtime.Version()+"-") {
		t.Errorf("%s does not tell the version", path)
	}
	only(t, cache, path)
}

func read(t *testing.T, overlay string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(overlay)
	if err != nil {
		t.Fatal(err)
	}
	var o struct{ Replace map[string]string }
	if err := json.Unmarshal(data, &o); err != nil {
		t.Fatal(err)
	}
	for from, to := range o.Replace {
		if _, err := os.Stat(to); err != nil {
			t.Errorf("%s: %v", from, err)
		}
	}
	return o.Replace
}

// only checks that nothing but one overlay lies in the cache.
func only(t *testing.T, cache, overlay string) {
	t.Helper()
	entries, err := os.ReadDir(cache)
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(filepath.Dir(overlay)) {
		t.Errorf("the cache holds %v, %v", entries, err)
	}
}

// Processes that generate at the same time all get a whole overlay.
func TestOverlayAtOnce(t *testing.T) {
	r, cache := installed(t), t.TempDir()
	var wg sync.WaitGroup
	paths := make([]string, 8)
	for i := range paths {
		wg.Go(func() {
			o, err := r.Overlay(cache)
			if err != nil {
				t.Error(err)
			}
			paths[i] = o.File
		})
	}
	wg.Wait()
	for _, p := range paths {
		if p != paths[0] {
			t.Errorf("%s, then %s", paths[0], p)
		}
	}
	read(t, paths[0])
	only(t, cache, paths[0])
}

// What is left of an overlay, as when its cache was half deleted, is made
// anew.
func TestOverlayLeftover(t *testing.T) {
	r, cache := installed(t), t.TempDir()
	o, err := r.Overlay(cache)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(o.File); err != nil {
		t.Fatal(err)
	}
	if again, err := r.Overlay(cache); again != o || err != nil {
		t.Fatalf("%v, %v", again, err)
	}
	read(t, o.File)
}

// The go command does not take an overlay of a release that it has downloaded
// as a module, so that one is used from another place.
func TestOverlayOfDownloaded(t *testing.T) {
	r := installed(t)
	r.ModCache = filepath.Dir(r.Root)
	o, err := r.Overlay(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if o.Root == r.Root || len(o.Env()) == 0 {
		t.Errorf("got %+v", o)
	}
	for from := range read(t, o.File) {
		if !strings.HasPrefix(from, o.Root) {
			t.Errorf("%s is replaced, wanted files below %s", from, o.Root)
		}
	}
	c := exec.Command(o.Command(), "env", "GOROOT")
	c.Env = append(os.Environ(), o.Env()...)
	if out, err := c.Output(); err != nil || strings.TrimSpace(string(out)) != o.Root {
		t.Errorf("%v: %s", err, out)
	}
}

// Whichever anchor has moved, the release is refused by version, file and
// anchor, and nothing is written.
func TestMovedAnchor(t *testing.T) {
	whole, moved := installed(t), Release{Root: t.TempDir(), Version: "go1.99"}
	for i, e := range edits {
		if i > 0 && edits[i-1].file == e.file && e.times == 0 && len(e.other) == 0 {
			continue // one of each file is enough, beside the special ones
		}
		copyEdited(t, whole, moved)
		change(t, moved, e)
		cache := filepath.Join(t.TempDir(), "cache")
		_, err := moved.Overlay(cache)
		var refused *MovedError
		if !errors.As(err, &refused) || refused.File != e.file || refused.Anchor != e.anchor {
			t.Errorf("%s %q: got %v", e.file, e.anchor, err)
		} else if text := err.Error(); !strings.HasPrefix(text, "go1.99: src/"+e.file+" has ") {
			t.Errorf("message %q", text)
		}
		if _, err := os.Stat(cache); err == nil {
			t.Errorf("%s %q: something was written", e.file, e.anchor)
		}
	}
}

// A release without a whole file is refused as well.
func TestMovedFile(t *testing.T) {
	moved := Release{Root: t.TempDir(), Version: "go1.99"}
	_, err := moved.Overlay(t.TempDir())
	var refused *MovedError
	if !errors.As(err, &refused) || refused.Found != 0 {
		t.Errorf("got %v", err)
	}
}

func copyEdited(t *testing.T, from, to Release) {
	t.Helper()
	for _, e := range edits {
		text, err := os.ReadFile(filepath.Join(from.Root, "src", e.file))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(to.Root, "src", e.file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, text, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
}

// change breaks every place that an edit could be made at.
func change(t *testing.T, r Release, e edit) {
	t.Helper()
	path := filepath.Join(r.Root, "src", e.file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range append([]edit{e}, e.other...) {
		text = []byte(strings.ReplaceAll(string(text), e.anchor, "// moved\n"))
	}
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
}

// A place that occurs twice where once was expected is refused, not patched
// in the wrong one of the two.
func TestAmbiguousAnchor(t *testing.T) {
	e := edits[0]
	_, err := apply(Release{Version: "go1.99"}, edits, e.file, e.anchor+e.anchor)
	var refused *MovedError
	if !errors.As(err, &refused) || refused.Found != 2 || refused.Want != 1 {
		t.Errorf("got %v", err)
	}
}

// Package runtimepatch makes Go deterministic inside a seeded bubble, without
// a fork: it generates an overlay (see go help build, -overlay) from the
// user's own GOROOT, in which a few lines of the runtime and of three other
// packages are changed.
//
// Words: a release is an installed Go; an edit replaces an anchor, a piece of
// one file's text that must occur exactly as often as expected; an overlay is
// the JSON file that the go command takes, together with the files that it
// names.
//
// It fails closed: a release in which one anchor has moved is refused by
// name, and nothing is generated. What the edits do is told with each of
// them, in edits.go.
package runtimepatch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Tag is the build tag that selects the files which reach the patched
// runtime.
const Tag = "wtsim_runtime"

// tested are the releases that the edits were tried on.
const tested = "Go 1.25.0 to 1.25.14, 1.26.0 to 1.26.11"

// Release is an installed Go.
type Release struct {
	Root     string // GOROOT
	Version  string // "go1.26.8"
	ModCache string // GOMODCACHE
}

// Overlay is an overlay of a release.
type Overlay struct {
	File string // for -overlay
	Root string // the GOROOT that it is for
	link bool
}

// Command returns the go command that takes the overlay.
func (o Overlay) Command() string { return filepath.Join(o.Root, "bin", "go") }

// Env returns what has to be in its environment beside what is there.
func (o Overlay) Env() []string {
	if !o.link {
		return nil
	}
	return []string{"GOROOT=" + o.Root, "GOTOOLCHAIN=local"}
}

// With writes an overlay, below the folder tmp, that has more files: texts by
// the paths at which they seem to stand.
func (o Overlay) With(texts map[string]string, tmp string) (Overlay, error) {
	data, err := os.ReadFile(o.File)
	if err != nil {
		return o, err
	}
	var all struct{ Replace map[string]string }
	if err := json.Unmarshal(data, &all); err != nil {
		return o, err
	}
	for i, at := range slices.Sorted(maps.Keys(texts)) {
		file := filepath.Join(tmp, fmt.Sprintf("%d%s", i, filepath.Ext(at)))
		if err := os.WriteFile(file, []byte(texts[at]), 0o644); err != nil {
			return o, err
		}
		all.Replace[at] = file
	}
	if data, err = json.Marshal(all); err != nil {
		return o, err
	}
	o.File = filepath.Join(tmp, "overlay.json")
	return o, os.WriteFile(o.File, data, 0o644)
}

// Installed asks the go command which release it uses for the module in dir.
func Installed(command, dir string, env []string) (Release, error) {
	c := exec.Command(command, "env", "-json", "GOROOT", "GOVERSION", "GOMODCACHE")
	c.Dir, c.Env = dir, env
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return Release{}, fmt.Errorf("%s env: %w\n%s", command, err, strings.TrimSpace(stderr.String()))
	}
	var answer struct{ GOROOT, GOVERSION, GOMODCACHE string }
	if err := json.Unmarshal(out, &answer); err != nil {
		return Release{}, fmt.Errorf("%s env: %w", command, err)
	}
	return Release{Root: answer.GOROOT, Version: answer.GOVERSION, ModCache: answer.GOMODCACHE}, nil
}

// patched returns all files of the overlay by where they stand below
// GOROOT/src.
func (r Release) patched(p patch) (map[string]string, error) {
	out := map[string]string{}
	for _, e := range p.edits {
		if _, done := out[e.file]; done {
			continue
		}
		text, err := os.ReadFile(filepath.Join(r.Root, "src", filepath.FromSlash(e.file)))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &MovedError{Release: r, File: e.file, Anchor: e.anchor, Want: max(e.times, 1)}
		}
		if err != nil {
			return nil, err
		}
		if out[e.file], err = apply(r, p.edits, e.file, string(text)); err != nil {
			return nil, err
		}
	}
	for file, ours := range p.added {
		text, err := files.ReadFile(ours)
		if err != nil {
			return nil, err
		}
		out[file] = string(text)
	}
	return out, nil
}

// patch is what is changed of a release.
type patch struct {
	edits []edit
	added map[string]string // files of ours, by where they stand below GOROOT/src
}

// Overlay generates the release's overlay below the folder cache, unless it is
// there. Two processes may do it at once.
func (r Release) Overlay(cache string) (Overlay, error) { return r.overlay(cache, patch{edits, added}) }

// Recording generates another overlay: not a line of it makes anything
// deterministic, but a recorder sees what the standard library's HTTP clients
// and servers do, and its connections (see recording.go).
func (r Release) Recording(cache string) (Overlay, error) { return r.overlay(cache, recording) }

func (r Release) overlay(cache string, p patch) (Overlay, error) {
	texts, err := r.patched(p)
	if err != nil {
		return Overlay{}, err
	}
	dir := filepath.Join(cache, r.Version+"-"+r.key(texts))
	o := Overlay{File: filepath.Join(dir, "overlay.json"), Root: r.Root}
	if r.downloaded() {
		o.Root, o.link = filepath.Join(dir, "goroot"), true
	}
	if _, err := os.Stat(o.File); err == nil {
		return o, nil
	}
	if err := os.MkdirAll(cache, 0o777); err != nil {
		return Overlay{}, err
	}
	tmp, err := os.MkdirTemp(cache, ".new-*")
	if err != nil {
		return Overlay{}, err
	}
	defer os.RemoveAll(tmp)
	if err := r.write(tmp, dir, o, texts); err != nil {
		return Overlay{}, err
	}
	return o, publish(tmp, dir)
}

// downloaded reports whether the go command has fetched the release as a
// module. It refuses to replace files of the module cache, but does not mind
// if the same release is used from another place.
func (r Release) downloaded() bool {
	return r.ModCache != "" && strings.HasPrefix(r.Root, filepath.Clean(r.ModCache)+string(filepath.Separator))
}

// link makes that other place: a GOROOT of links.
func (r Release) link(root string) error {
	entries, err := os.ReadDir(r.Root)
	if err != nil {
		return err
	}
	if err := os.Mkdir(root, 0o777); err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(r.Root, e.Name()), filepath.Join(root, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// key tells overlays apart: by the place of the release and by the text of
// every file.
func (r Release) key(texts map[string]string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", r.Root, r.Version)
	for _, file := range slices.Sorted(maps.Keys(texts)) {
		fmt.Fprintf(h, "%q %q\n", file, texts[file])
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// write puts the overlay into tmp as it will stand in dir.
func (r Release) write(tmp, dir string, o Overlay, texts map[string]string) error {
	if o.link {
		if err := r.link(filepath.Join(tmp, "goroot")); err != nil {
			return err
		}
	}
	replace := map[string]string{}
	for file, text := range texts {
		name := strings.ReplaceAll(file, "/", "_")
		if err := os.WriteFile(filepath.Join(tmp, name), []byte(text), 0o644); err != nil {
			return err
		}
		replace[filepath.Join(o.Root, "src", filepath.FromSlash(file))] = filepath.Join(dir, name)
	}
	data, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(tmp, "overlay.json"), data, 0o644)
}

// publish renames tmp to dir. Where another process was faster, its folder
// has the same content: its name tells. A folder without an overlay is what
// somebody has left of one.
func publish(tmp, dir string) error {
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	err := os.Rename(tmp, dir)
	if err == nil {
		return nil
	}
	if _, there := os.Stat(filepath.Join(dir, "overlay.json")); there == nil {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

package program

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"go/build"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/wtsim/wtsim/internal/runtimepatch"
)

// added is the file that the overlay shows in the program's package: what a
// process talks to the world by is part of package net.
const added = "package main\n\nimport _ \"net\" // the way to the world\n"

// Binary is a program that was built.
type Binary struct {
	Path    string // of the file
	Package string // import path
	Dir     string // of the package
}

// builtVariable begins the names of variables by which the processes that this
// one starts know what it has built.
const builtVariable = "WTSIM_BUILT_"

var built sync.Map // of Built, by name

// Built is [Build] once for all processes of a search.
func Built(name string) (Binary, error) {
	if b, ok := built.Load(name); ok {
		return b.(Binary), nil
	}
	key := sha256.Sum256([]byte(name))
	variable := builtVariable + hex.EncodeToString(key[:8])
	var b Binary
	if json.Unmarshal([]byte(os.Getenv(variable)), &b) != nil {
		var err error
		if b, err = Build(name); err != nil {
			return b, err
		}
		text, err := json.Marshal(b)
		if err != nil {
			return b, err
		}
		if err := os.Setenv(variable, string(text)); err != nil {
			return b, err
		}
	}
	built.Store(name, b)
	return b, nil
}

// Build builds a program that is named by its import path, as the module in the
// current folder knows it, or by its folder, which may be in another module.
// Binaries are kept in the user's cache folder, so that the go command has little
// to do the next time.
func Build(name string) (Binary, error) {
	p, err := find(name)
	if err != nil {
		return Binary{}, fmt.Errorf("program %q: %w", name, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return Binary{}, fmt.Errorf("no folder for programs: %w; set XDG_CACHE_HOME", err)
	}
	release, err := runtimepatch.Installed("go", p.Dir, os.Environ())
	if err != nil {
		return Binary{}, err
	}
	overlay, err := release.Overlay(filepath.Join(cache, "wtsim", "runtime"))
	if err != nil {
		return Binary{}, err
	}
	tmp, err := os.MkdirTemp("", "wtsim-build-")
	if err != nil {
		return Binary{}, err
	}
	defer os.RemoveAll(tmp)
	if overlay, err = overlay.With(map[string]string{filepath.Join(p.Dir, "wtsim_program.go"): added}, tmp); err != nil {
		return Binary{}, err
	}
	key := sha256.Sum256([]byte(p.Dir + "\x00" + p.ImportPath + "\x00" + filepath.Base(filepath.Dir(overlay.Root))))
	b := Binary{Package: p.ImportPath, Dir: p.Dir, Path: filepath.Join(cache, "wtsim", "programs", hex.EncodeToString(key[:8]), path.Base(p.ImportPath))}
	c := exec.Command(overlay.Command(), "build", "-overlay", overlay.File, "-o", b.Path, ".")
	c.Dir, c.Env = p.Dir, append(os.Environ(), overlay.Env()...)
	if out, err := c.CombinedOutput(); err != nil {
		return Binary{}, fmt.Errorf("program %q cannot be built: %w\n%s", name, err, bytes.TrimSpace(out))
	}
	return b, nil
}

// Package is what go list tells of a package.
type Package struct {
	ImportPath, Name, Dir string
	Module                *struct{ Path, Dir, GoMod string } // nil outside of modules
}

// Find finds a package by its import path or its folder, which may be of another
// module than the one that this process is called in.
func Find(path string) (*Package, error) {
	dir, of := "", path
	if info, err := os.Stat(path); (build.IsLocalImport(path) || filepath.IsAbs(path)) && err == nil && info.IsDir() {
		dir, of = path, "."
	}
	c := exec.Command("go", "list", "-find", "-json=ImportPath,Name,Dir,Module", of)
	c.Dir = dir
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("no package: %s", strings.TrimSpace(stderr.String()))
	}
	p := &Package{}
	if err := json.Unmarshal(out, p); err != nil {
		return nil, fmt.Errorf("%s names more than one package, wanted one", path)
	}
	return p, nil
}

// find finds a program's package.
func find(name string) (*Package, error) {
	p, err := Find(name)
	if err == nil && p.Name != "main" {
		return nil, fmt.Errorf("%s is package %s, wanted package main: what can be imported is called by New", p.ImportPath, p.Name)
	}
	return p, err
}

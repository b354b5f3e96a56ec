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
	"slices"
	"strings"
	"sync"

	"github.com/wtsim/wtsim/internal/runtimepatch"
)

// caller is a package that the overlay shows beside a program that is a client of
// gRPC. Many calls share a connection there, so that who writes on it does not
// tell for whom: each call says so. The patched runtime initialises it as soon as
// gRPC itself.
const caller = `// Package wtsimcaller lets calls of gRPC say for whom they are made.
package wtsimcaller

import (
	"context"
	"strconv"
	_ "unsafe" // for go:linkname

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

//go:linkname work runtime.wtsimWork
func work() uint32

//go:linkname addOptions google.golang.org/grpc/internal.AddGlobalDialOptions
var addOptions any

func init() {
	add, ok := addOptions.(func(...grpc.DialOption))
	if !ok {
		return
	}
	add(grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return invoke(named(ctx), method, req, reply, cc, opts...)
	}), grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		return open(named(ctx), desc, cc, method, opts...)
	}))
}

func named(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "wtsim-caller-bin", "#"+strconv.FormatUint(uint64(work()), 10))
}
`

// functionMain is the program of a package that has functions of the Functions
// Framework and no main of its own, as the platform's builder makes it.
// https://github.com/GoogleCloudPlatform/functions-framework-go
const functionMain = `// Command wtsimfunction serves the functions of a package.
package main

import (
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	_ %q
)

func main() {
	if err := funcframework.Start(os.Getenv("PORT")); err != nil {
		log.Fatalf("start: %%v", err)
	}
}
`

const (
	grpcPackage      = "google.golang.org/grpc"
	functionsPackage = "github.com/GoogleCloudPlatform/functions-framework-go/functions"
)

// added are the files that the overlay shows, by path, and the folder that is
// built. What a process talks to the world by is part of package net.
func (p *Package) added(imports []string) (files map[string]string, dir string, err error) {
	files, dir = map[string]string{}, p.Dir
	links := "package main\n\nimport _ \"net\" // the way to the world\n"
	path := p.ImportPath
	if p.Name != "main" {
		if !slices.Contains(imports, functionsPackage) {
			return nil, "", fmt.Errorf("%s is package %s and has no function of the Functions Framework, wanted package main: what can be imported is called by New", p.ImportPath, p.Name)
		}
		dir, path = filepath.Join(p.Dir, "wtsimfunction"), path+"/wtsimfunction"
		files[filepath.Join(dir, "main.go")] = fmt.Sprintf(functionMain, p.ImportPath)
	}
	if slices.Contains(imports, grpcPackage) {
		links += fmt.Sprintf("import _ %q\n", path+"/wtsimcaller")
		files[filepath.Join(dir, "wtsimcaller", "caller.go")] = caller
	}
	files[filepath.Join(dir, "wtsim_program.go")] = links
	return files, dir, nil
}

// imports are the packages that a package needs, however deep.
func (p *Package) imports() ([]string, error) {
	c := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}}", ".")
	c.Dir = p.Dir
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("its imports cannot be told: %s", strings.TrimSpace(stderr.String()))
	}
	return strings.Fields(string(out)), nil
}

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

// debugVariable is set where programs are built for a debugger: their own module
// without optimisation.
const debugVariable = "WTSIM_PROGRAMS_DEBUGGED"

// Debugged lets this process, and those that it starts, build programs for a
// debugger.
func Debugged() error { return os.Setenv(debugVariable, "1") }

// Build builds a program that is named by its import path, as the module in the
// current folder knows it, or by its folder, which may be in another module. A
// package that is no main, but has functions of the Functions Framework, gets the
// main that their platform gives it.
// Binaries are kept in the user's cache folder, so that the go command has little
// to do the next time.
func Build(name string) (Binary, error) {
	p, err := Find(name)
	if err != nil {
		return Binary{}, fmt.Errorf("program %q: %w", name, err)
	}
	imports, err := p.imports()
	if err != nil {
		return Binary{}, fmt.Errorf("program %q: %w", name, err)
	}
	files, dir, err := p.added(imports)
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
	if overlay, err = overlay.With(files, tmp); err != nil {
		return Binary{}, err
	}
	var flags []string
	if os.Getenv(debugVariable) != "" && p.Module != nil {
		flags = []string{"-gcflags=" + p.Module.Path + "/...=-N -l"}
	}
	key := sha256.Sum256([]byte(strings.Join(append(flags, p.Dir, p.ImportPath, filepath.Base(filepath.Dir(overlay.Root))), "\x00")))
	b := Binary{Package: p.ImportPath, Dir: p.Dir, Path: filepath.Join(cache, "wtsim", "programs", hex.EncodeToString(key[:8]), path.Base(p.ImportPath))}
	compile := func(flags ...string) error {
		c := exec.Command(overlay.Command(), slices.Concat([]string{"build", "-overlay", overlay.File, "-o", b.Path}, flags, []string{dir})...)
		c.Dir, c.Env = p.Dir, append(os.Environ(), overlay.Env()...)
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("program %q cannot be built: %w\n%s", name, err, bytes.TrimSpace(out))
		}
		return nil
	}
	err = compile(flags...)
	if err != nil && p.Name != "main" {
		if own := p.moduleCopy(tmp); own != nil && compile(append(flags, own...)...) == nil {
			return b, nil
		}
	}
	if err != nil {
		return Binary{}, err
	}
	return b, nil
}

// moduleCopy are the flags that build with a copy of the module's go.mod and go.sum,
// which takes up what the main of a package of functions needs besides: the
// platform's builder does so, too. nil if there is nothing to copy.
func (p *Package) moduleCopy(dir string) []string {
	if p.Module == nil || p.Module.GoMod == "" {
		return nil
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(p.Module.GoMod), name))
		if err != nil && !os.IsNotExist(err) || os.WriteFile(filepath.Join(dir, name), text, 0o600) != nil {
			return nil
		}
	}
	return []string{"-mod=mod", "-modfile=" + filepath.Join(dir, "go.mod")}
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

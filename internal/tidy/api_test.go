package tidy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// apiFile is what the module has promised; see CHANGELOG.md.
const apiFile = "api/v0.1.txt"

// The public surface is what is written down: what is gone or has changed
// breaks who uses it. WTSIM_API_UPDATE=1 writes it anew, which nobody does
// without a line in the CHANGELOG.
func TestAPI(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	m, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	got, file := api(m), filepath.Join(root, apiFile)
	if os.Getenv("WTSIM_API_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	broken, unwritten := promised(got, strings.Split(strings.TrimSpace(string(text)), "\n"))
	for _, line := range broken {
		t.Errorf("%s: it is promised in %s and gone, or has changed", line, apiFile)
	}
	for _, line := range unwritten {
		t.Errorf("%s: it is new; if it is meant, write it down: WTSIM_API_UPDATE=1 go test -run TestAPI ./internal/tidy, and say so in CHANGELOG.md", line)
	}
}

// The list sees what is exported, and the comparison what is lost.
func TestAPIList(t *testing.T) {
	m := newTree("example.org/m")
	add := func(path, src string) {
		t.Helper()
		if err := m.add(path, []byte(src)); err != nil {
			t.Fatal(err)
		}
	}
	add("a/a.go", `package a
type T struct { A, b int; E; C func(x string) (y error) }
type e struct{ X int }
func (t *T) M(n ...int) bool { return true }
func (e) N() {}
func F[X any](x X) X { return x }
func g() {}
type I interface { M(int) }
type A = T
const ( K int = iota; l )
var V = 1
`)
	add("internal/b/b.go", "package b\nfunc F() {}\n")
	add("a/a_test.go", "package a\nfunc Test() {}\n")
	want := []string{
		"pkg a, const K int", "pkg a, func F[X any](x X) X", "pkg a, method (*T) M(n ...int) bool", "pkg a, type A = T",
		"pkg a, type I interface", "pkg a, type I interface, M func(int)", "pkg a, type T struct",
		"pkg a, type T struct, A int", "pkg a, type T struct, C func(x string) (y error)", "pkg a, type T struct, embedded E", "pkg a, var V",
	}
	got := api(m)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	broken, unwritten := promised(got[1:], want[:len(want)-1])
	if !slices.Equal(broken, want[:1]) || !slices.Equal(unwritten, want[len(want)-1:]) {
		t.Errorf("broken %q, unwritten %q", broken, unwritten)
	}
}

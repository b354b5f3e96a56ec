package program

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A package of functions whose module knows no more than it imports is built with the
// platform's main; its go.mod and go.sum stay as they are.
func TestBuildFunctions(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library and a program; runs without -short")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/hello\n\ngo 1.24\n\nrequire github.com/GoogleCloudPlatform/functions-framework-go v1.9.2\n",
		"hello.go": `package hello

import (
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
)

func init() { functions.HTTP("hello", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }) }
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tidy := exec.Command("go", "mod", "tidy")
	tidy.Dir = dir
	if out, err := tidy.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	module := func() (text string) {
		for _, name := range []string{"go.mod", "go.sum"} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			text += string(b)
		}
		return text
	}
	before := module()
	b, err := Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.Path); err != nil {
		t.Error(err)
	}
	if module() != before {
		t.Errorf("the module was changed: %s", module())
	}
}

package runtimepatch

import (
	"os/exec"
	"strings"
	"testing"
)

// What is of the standard library is known by the first element of its
// packages' paths.
func TestStandard(t *testing.T) {
	text, err := files.ReadFile("files/init.txt")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "list", "std").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "var wtsimElements = ")
	for _, pkg := range strings.Fields(string(out)) {
		if first, _, _ := strings.Cut(pkg, "/"); !strings.Contains(list, `"`+first+`"`) {
			t.Errorf("%s is missing", first)
		}
	}
}

package command

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// The light command links no client library and no fake, and is not silent
// about the scenarios that it has not.
func TestLight(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-tags", "light", "github.com/wtsim/wtsim/cmd/wtsim").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		for _, heavy := range []string{"cloud.google.com/", "google.golang.org/api", "github.com/redis/", "github.com/alicebob/", "github.com/fsouza/", "wtsim/fakes/", "wtsim/scenarios"} {
			if strings.Contains(dep, heavy) {
				t.Errorf("the light command links %s", dep)
			}
		}
	}
	if !strings.Contains(string(out), "github.com/wtsim/wtsim/cmd/wtsim/command\n") {
		t.Errorf("these are not the command's packages:\n%s", out)
	}
	for _, args := range [][]string{{"list"}, {"run", "checkout"}, {"trace", "checkout"}} {
		var errs bytes.Buffer
		if code := (&app{stdout: &bytes.Buffer{}, stderr: &errs}).main(args); code != exitUsage || !strings.Contains(errs.String(), "no scenarios") || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("wtsim %s: %d, %s", strings.Join(args, " "), code, &errs)
		}
	}
}

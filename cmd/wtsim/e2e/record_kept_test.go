package e2e

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
)

// An unmodified program keeps its invocations in a directory, with what they drew of
// crypto/rand, uuid and both of math/rand, and wtsim debug runs one again with the
// same: without any of that its command would be another one, and a divergence.
func TestRecordKept(t *testing.T) {
	t.Parallel() // all of it is in other processes
	long(t)
	dir := module(t, "kept")
	kept := filepath.Join(dir, "recordings")
	binary := filepath.Join(dir, "shop.bin")
	asWtsim(t, dir, 0, "build", "--record", "-o", binary, ".")
	c := exec.Command(binary)
	c.Env = append(os.Environ(), "REDIS_ADDR="+miniredis.RunT(t).Addr(), "WTSIM_KEEP="+kept+"/", "WTSIM_FUNCTION=shop")
	url := serving(t, c)
	resp, err := http.Get(url + "/tokens")
	if err != nil {
		t.Fatal(err)
	}
	token, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	files, err := filepath.Glob(filepath.Join(kept, "*.jsonl")) // there when the response has left
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	_ = c.Process.Signal(os.Interrupt)
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	got := asWtsim(t, dir, 0, "debug", files[0], "--of", "./shop:Played", "--step", "1", "--command", "print token")
	if !strings.Contains(got, string(token[:63])) || strings.Contains(got, "differs") { // a debugger shows 64 bytes of a text; its command has all of them
		t.Errorf("it prints %s, and production drew %s", got, token)
	}
}

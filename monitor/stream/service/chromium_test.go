package service

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/monitor"
)

// The page of a hundred thousand violations, whose texts are markup, is shown by
// a browser in seconds, and its texts are texts. WTSIM_SHOTS is a directory for
// pictures to look at.
func TestPageInChromium(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium: make page installs it")
	}
	base, _ := served(t, Options{Stream: monitor.StreamOptions{Lateness: time.Second}})
	const violations = 100_000
	evil := `</code><script>document.title="taken"</script><img src=x onerror='document.title="taken"'>`
	for n := 0; n < 2*violations; {
		var body strings.Builder
		for range 10_000 {
			fmt.Fprintln(&body, paid(fmt.Sprint(n), fmt.Sprint(evil, n/2), begin.Add(time.Duration(n)*time.Millisecond)))
			n++
		}
		if a, text := post(t, base+"/v1/events", body.String(), "Content-Type", lines); a.StatusCode != 202 {
			t.Fatal(a.StatusCode, text)
		}
	}
	if a, text := post(t, base+"/v1/close", ""); a.StatusCode != 200 {
		t.Fatal(text)
	}
	time.Sleep(1500 * time.Millisecond) // what the worker alone knows is kept each second
	started := time.Now()
	dom := browse(t, browser, "--dump-dom", base)
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("the page took %v", took)
	}
	for _, want := range []string{"<title>100000 violations - wtsim monitor</title>", "100000 violations in 200000 events", "2 of 2", `\u003cscript\u003e`, "older"} {
		if !strings.Contains(dom, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if strings.Contains(dom, "<img") || strings.Contains(dom, "<script") || strings.Count(dom, "<details id") != pageOf {
		t.Errorf("a text has become markup, or %d violations are shown", strings.Count(dom, "<details id"))
	}
	if old := browse(t, browser, "--dump-dom", base+"/?before=50"); strings.Count(old, "<details id") != pageOf || !strings.Contains(old, "newest") {
		t.Error("the first fifty are not there")
	}
	if dir := os.Getenv("WTSIM_SHOTS"); dir != "" {
		browse(t, browser, "--screenshot="+filepath.Join(dir, "page.png"), base)
	}
}

func browse(t *testing.T, browser string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1100,3000", "--user-data-dir=" + t.TempDir()}, args...)
	out, err := exec.CommandContext(ctx, browser, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", browser, err)
	}
	return string(out)
}

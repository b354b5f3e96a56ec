package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// recorded is what a recorder keeps of an invocation of testdata's shop.
const recorded = `{"specversion":"1.0","id":"i-7/1","source":"/functions/shop/i-7","type":"wtsim.begin","time":"2026-03-01T10:00:00Z","sequence":"1","invocation":"i-7/inv-1","data":{"method":"POST","target":"/orders","host":"shop.example","header":{},"base64":"by0x"}}
{"specversion":"1.0","id":"i-7/2","source":"/functions/shop/i-7","type":"wtsim.operation","time":"2026-03-01T10:00:00.002Z","sequence":"2","invocation":"i-7/inv-1","data":{"service":"redis","method":"INCR","resource":"seen/o-1","ok":true,"status":"1","request":{"words":["incr","seen/o-1"]},"response":{"body":"1"}}}
{"specversion":"1.0","id":"i-7/3","source":"/functions/shop/i-7","type":"wtsim.operation","time":"2026-03-01T10:00:00.009Z","sequence":"3","invocation":"i-7/inv-1","data":{"service":"payments","method":"POST","resource":"/charges","ok":true,"status":"201","request":{"target":"/charges","body":"12"},"response":{"body":"paid"}}}
{"specversion":"1.0","id":"i-7/4","source":"/functions/shop/i-7","type":"wtsim.end","time":"2026-03-01T10:00:00.010Z","sequence":"4","invocation":"i-7/inv-1","data":{"status":201}}
`

// An invocation of production runs again on its recorded answers and stops in its
// handler's frame, at the time that it was; a program that does something else is
// told what was expected.
func TestDebugRecording(t *testing.T) {
	t.Parallel() // all of it is in other processes
	long(t)
	dir := ownModule(t)
	file := filepath.Join(dir, "i-7_inv-1.jsonl")
	if err := os.WriteFile(file, []byte(recorded), 0o600); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "shop", "shop.go")
	out := asWtsim(t, dir, 0, "debug", file, "--of", "./shop:Played", "--event", "i-7/3", "--command", "print seen")
	place := fmt.Sprintf(`(?m)^step 2: i-7/inv-1  payments POST /charges\n.*shop/shop\.go:%d  example.com/counter/shop\.\(\*Shop\)\.ServeHTTP$`, lineOf(t, source, "s.payments.Post"))
	if !regexp.MustCompile(place).MatchString(out) || !strings.HasSuffix(strings.TrimSpace(out), "\n1") || strings.Contains(out, "differs") {
		t.Errorf("it prints %s, wanted %s", out, place)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(source, []byte(strings.Replace(string(text), `price = "12"`, `price = "13"`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	out = asWtsim(t, dir, 3, "debug", file, "--of", "./shop:Played", "--step", "2", "--command", "print seen")
	for _, want := range []string{"does not come to step 2: it differs from the recording at operation 2", `expected  payments POST /charges "12"`, `actual    payments POST /charges "13"`} {
		if !strings.Contains(out, want) {
			t.Errorf("it prints %s, wanted %q", out, want)
		}
	}
	for args, want := range map[string]string{
		"--step 3":                    "invocation i-7/inv-1 has 2 operations, wanted --step of one of them",
		"--event i-7/9":               `no operation is the event "i-7/9"`,
		"--step 1 --invocation i-7/2": `there is no invocation "i-7/2"`,
	} {
		if out := asWtsim(t, dir, 2, append([]string{"debug", file, "--of", "./shop:Played", "--command", "locals"}, strings.Fields(args)...)...); !strings.Contains(out, want) {
			t.Errorf("%s: it prints %s, wanted %q", args, out, want)
		}
	}
}

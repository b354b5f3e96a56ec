package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"pgregory.net/rapid"
)

// Entries fall due by time, then by name, whatever the order in which they
// were added; those that were removed do not.
func TestAgenda(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type key struct {
			at   int
			name string
		}
		draw := rapid.Custom(func(t *rapid.T) key {
			return key{rapid.IntRange(0, 3).Draw(t, "at"), fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "name"))}
		})
		keys := rapid.SliceOfNDistinct(draw, 0, 10, rapid.ID).Draw(t, "entries")
		var a agenda
		want := map[string]bool{}
		for _, k := range keys {
			name := fmt.Sprint(k.at, " ", k.name)
			a.add(time.Unix(int64(k.at), 0), name, func() {})
			want[name] = true
		}
		for _, k := range keys {
			if name := fmt.Sprint(k.at, " ", k.name); rapid.Bool().Draw(t, "remove") {
				a.remove(time.Unix(int64(k.at), 0), name)
				delete(want, name)
			}
		}
		last := ""
		for {
			e, ok := a.due(time.Unix(2, 0))
			if !ok {
				break
			}
			if e.name <= last || !want[e.name] {
				t.Fatalf("%q falls due after %q", e.name, last)
			}
			last = e.name
			delete(want, e.name)
		}
		for name := range want {
			if name < "3" {
				t.Fatalf("%q is not due", name)
			}
		}
	})
}

// What looks generated is masked, and nothing else.
func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"cart:alice": "cart:alice", "order-1234567890": "order-1234567890",
		"key:0d75f650-63ee-452c-a4ae-d6a51f299552":   "key:*",
		"a/0d75f65063ee452c/b":                       "a/*/b",
		"n:1234567890123456":                         "n:*",
		"01ARZ3NDEKTSV4RRFFQ69G5FAV":                 "*",
		"token:aGVsbG8gd29ybGQh9A==":                 "token:*",
		"AnOrdinaryButLongName":                      "AnOrdinaryButLongName",
		"averyveryverylongname12":                    "averyveryverylongname12",
		"0d75f650-63ee-452c-a4ae-d6a51f299552-extra": "*-extra",
	} {
		if got := cloud.Mask(in); got != want {
			t.Errorf("cloud.Mask(%q) = %q, want %q", in, got, want)
		}
	}
}

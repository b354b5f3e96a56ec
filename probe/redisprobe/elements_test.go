package redisprobe

import (
	"slices"
	"testing"
)

// What a reply of several elements has is told as texts, also where a text looks
// like a head; a text by itself is none of them.
func TestElements(t *testing.T) {
	for reply, want := range map[string][]string{
		"*2\r\n$4\r\njobs\r\n$5\r\njob-1\r\n":       {"jobs", "job-1"},
		"*2\r\n$4\r\n$3\r\n\r\n:7\r\n":              {"$3\r\n", "7"},
		"%1\r\n$1\r\nk\r\n*2\r\n$1\r\na\r\n$-1\r\n": {"k", "a", "(nil)"},
		"*-1\r\n":        nil,
		"$4\r\njobs\r\n": nil,
		"":               nil,
	} {
		if got := Elements([]byte(reply)); !slices.Equal(got, want) {
			t.Errorf("%q has %q, wanted %q", reply, got, want)
		}
	}
}

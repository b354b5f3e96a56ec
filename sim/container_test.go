package sim

import (
	"slices"
	"testing"

	"github.com/wtsim/wtsim/cloud"
)

// A process is told how many invocations it serves at the same time, where it is
// more than one.
func TestContainer(t *testing.T) {
	s := Scenario{Platform: cloud.Platform{Container: []string{"NAME=${function}", "AT_ONCE=${concurrency}"}}}
	for n, want := range map[int][]string{1: {"NAME=shop"}, 3: {"NAME=shop", "AT_ONCE=3"}} {
		f := Function{Name: "shop", Main: &Main{}, Concurrency: n}
		got := slices.DeleteFunc(s.container(&f), func(e string) bool { return e[:2] != "NA" && e[:2] != "AT" })
		if !slices.Equal(got, want) {
			t.Errorf("of %d: %q, wanted %q", n, got, want)
		}
	}
}

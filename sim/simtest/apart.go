package simtest

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/sim/search"
)

// apart makes the runs of an isolated scenario processes of this test binary,
// which run this test alone. In such a process it does not return.
func apart(t testing.TB, s search.Subject) search.Subject {
	t.Helper()
	switch asked := os.Getenv(search.ApartVariable); {
	case asked == s.Scenario().Name:
		if err := s.Serve(); err != nil {
			t.Fatal(err)
		}
		os.Exit(0)
	case asked != "": // the pattern selects more than one test
		t.SkipNow()
	case !s.Scenario().Isolated:
		return s
	}
	s.Command = func() *exec.Cmd { return itself(t.Name()) }
	return s
}

// pattern is the argument of -run that selects a test.
func pattern(test string) string {
	elements := strings.Split(test, "/")
	for i, e := range elements {
		elements[i] = "^" + regexp.QuoteMeta(e) + "$"
	}
	return strings.Join(elements, "/")
}

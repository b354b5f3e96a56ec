package simtest

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/sim/search"
)

// apart lets runs be processes of this test binary, which run this test alone,
// where one may end its process. In such a process it does not return.
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

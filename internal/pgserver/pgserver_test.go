package pgserver

import (
	"os"
	"testing"
	"testing/synctest"
)

// A server starts within a bubble, and is gone with its folder when it is stopped.
func TestRun(t *testing.T) {
	Need(t)
	synctest.Test(t, func(t *testing.T) {
		s, err := Run()
		if err != nil {
			t.Fatal(err)
		}
		s.Stop()
		if _, err := os.Stat(s.Dir); err == nil {
			t.Errorf("%s is still there", s.Dir)
		}
	})
}

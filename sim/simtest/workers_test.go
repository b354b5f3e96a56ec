package simtest

import "testing"

// Several processes of the test binary share a search, and come to what one would.
func TestWorkersShareASearch(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes of this binary")
	}
	t.Run("holds", func(t *testing.T) {
		share(t)
		recordCheck(t, t.Name(), tiny(1, 9)).wantPass(t, "holds under every schedule with at most 1 deviation (")
	})
	t.Run("violates", func(t *testing.T) {
		share(t)
		recordCheck(t, t.Name(), tiny(1, 1)).wantFailure(t, tooManyHits, "replay:  ")
	})
}

func share(t *testing.T) {
	t.Helper()
	fresh(t)
	setFlag(t, "wtsim.workers", "2")
	setFlag(t, "wtsim.bound", "1")
}

package suggest

import "testing"

// Names near a known one are suggested, others are not.
func TestDidYouMean(t *testing.T) {
	names := []string{"checkout", "checkout/oversell"}
	for name, want := range map[string]string{
		"chekout": `; did you mean "checkout"?`, "checkout/overselll": `; did you mean "checkout/oversell"?`, "zebra": "",
	} {
		if got := DidYouMean(name, names); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

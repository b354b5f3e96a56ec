package cloud

import (
	"testing"
	"time"
)

// Durations are told without what is zero.
func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 90 * time.Second: "1m30s", time.Minute: "1m", time.Hour: "1h", 90 * time.Minute: "1h30m",
		24 * time.Hour: "24h", time.Hour + time.Second: "1h0m1s", 100 * time.Millisecond: "100ms", 10 * time.Minute: "10m",
	} {
		if got := Short(d); got != want {
			t.Errorf("%d: got %s, wanted %s", d, got, want)
		}
	}
}

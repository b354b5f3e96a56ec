package program

import (
	"encoding/base64"
	"net/http"
	"testing"
	"time"
)

// By whom a call of gRPC is, and until when it is waited for, stands in its header.
func TestTold(t *testing.T) {
	for timeout, want := range map[string]time.Duration{"": 0, "60S": time.Minute, "59999999u": 59999999 * time.Microsecond, "1H": time.Hour, "S": 0, "1x": 0} {
		h := http.Header{"Grpc-Timeout": {timeout}, "Wtsim-Caller-Bin": {base64.StdEncoding.EncodeToString([]byte("#7"))}}
		began := time.Now()
		caller, by := Told(h)
		if caller != "#7" || h.Get("Wtsim-Caller-Bin") != "" || by.IsZero() != (want == 0) || want > 0 && (by.Sub(began) < want || by.Sub(began) > want+time.Minute) {
			t.Errorf("%q: by %s until %v", timeout, caller, by.Sub(began))
		}
	}
	if caller, by := Told(http.Header{}); caller != "" || !by.IsZero() {
		t.Errorf("got %q, %v", caller, by)
	}
}

package order

import (
	"math"
	"time"

	"github.com/wtsim/wtsim/monitor/internal/codec"
)

// Instant is a point in time. It reaches further than 64 bits of nanoseconds.
type Instant struct {
	Sec  int64
	Nsec int32
}

func InstantOf(t time.Time) Instant { return Instant{t.Unix(), int32(t.Nanosecond())} }

func (t Instant) Time() time.Time { return time.Unix(t.Sec, int64(t.Nsec)).UTC() }

func (t Instant) Compare(u Instant) int {
	switch {
	case t.Sec != u.Sec && t.Sec < u.Sec || t.Sec == u.Sec && t.Nsec < u.Nsec:
		return -1
	case t == u:
		return 0
	}
	return 1
}

func (t Instant) Before(u Instant) bool { return t.Compare(u) < 0 }

func (t Instant) Add(d time.Duration) Instant {
	sec, nsec := t.Sec+int64(d/time.Second), t.Nsec+int32(d%time.Second)
	switch {
	case nsec < 0:
		sec, nsec = sec-1, nsec+1e9
	case nsec >= 1e9:
		sec, nsec = sec+1, nsec-1e9
	}
	return Instant{sec, nsec}
}

// Since is how much later it is than another; what is longer than a duration
// can be is the longest.
func (t Instant) Since(u Instant) time.Duration {
	sec := t.Sec - u.Sec
	if sec >= math.MaxInt64/int64(time.Second) {
		return math.MaxInt64
	}
	return time.Duration(sec)*time.Second + time.Duration(t.Nsec-u.Nsec)
}

func Later(a, b Instant) Instant {
	if a.Before(b) {
		return b
	}
	return a
}

func (t Instant) Encode(e *codec.Encoder) {
	e.Int(t.Sec)
	e.Int(int64(t.Nsec))
}

func DecodeInstant(d *codec.Decoder) Instant {
	sec, nsec := d.Int(), d.Int()
	if nsec < 0 || nsec >= int64(time.Second) {
		d.Fail("a time has no such second")
		return Instant{}
	}
	return Instant{sec, int32(nsec)}
}

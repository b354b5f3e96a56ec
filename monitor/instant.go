package monitor

import "time"

// instant is a point in time. It reaches further than 64 bits of nanoseconds.
type instant struct {
	sec  int64
	nsec int32
}

func instantOf(t time.Time) instant { return instant{t.Unix(), int32(t.Nanosecond())} }

func (t instant) time() time.Time { return time.Unix(t.sec, int64(t.nsec)).UTC() }

func (t instant) compare(u instant) int {
	switch {
	case t.sec != u.sec && t.sec < u.sec || t.sec == u.sec && t.nsec < u.nsec:
		return -1
	case t == u:
		return 0
	}
	return 1
}

func (t instant) before(u instant) bool { return t.compare(u) < 0 }

func (t instant) add(d time.Duration) instant {
	sec, nsec := t.sec+int64(d/time.Second), t.nsec+int32(d%time.Second)
	switch {
	case nsec < 0:
		sec, nsec = sec-1, nsec+1e9
	case nsec >= 1e9:
		sec, nsec = sec+1, nsec-1e9
	}
	return instant{sec, nsec}
}

func later(a, b instant) instant {
	if a.before(b) {
		return b
	}
	return a
}

func (t instant) encode(e *encoder) {
	e.int(t.sec)
	e.int(int64(t.nsec))
}

func decodeInstant(d *decoder) instant {
	sec, nsec := d.int(), d.int()
	if nsec < 0 || nsec >= int64(time.Second) {
		d.fail("a time has no such second")
		return instant{}
	}
	return instant{sec, int32(nsec)}
}

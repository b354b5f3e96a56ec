package jetstream

import "syscall"

// diskFloor is how much of the disk is left for what is not events: commits,
// states, and the server's own.
const diskFloor = 64 << 20

// AlmostFull tells whether events should not be taken in any more.
func (e *Engine) AlmostFull() bool {
	if !e.Embedded() {
		return false
	}
	var s syscall.Statfs_t
	if err := syscall.Statfs(e.dir, &s); err != nil {
		return false // an append will tell
	}
	return int64(s.Bavail)*int64(s.Bsize) < diskFloor
}

package pgserver

import "golang.org/x/sys/unix"

// memory is a folder whose files are in memory, if there is room: a table is emptied
// in a tenth of the time there.
func memory() string {
	const folder, room = "/dev/shm", 512 << 20
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil || s.Bavail*uint64(s.Bsize) < room {
		return ""
	}
	return folder
}

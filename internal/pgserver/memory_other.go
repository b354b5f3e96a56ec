//go:build unix && !linux

package pgserver

// memory is the folder for temporary files: nothing better is known.
func memory() string { return "" }

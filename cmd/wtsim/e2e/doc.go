// Package e2e tries the command from the outside, as a newcomer does: the
// tutorial by its letter, modules of their own, the built binary. It has nothing
// but tests, all of which run other processes.
package e2e

package redis

// tellLack tells the run of a command, or of a form of one, that is not
// simulated.
func (b *Backend) tellLack(what string) { b.kernel.Lacks(what) }

// Package skew judges all orders of the events of one instance that are
// possible where the clocks of sources may differ: a Front holds the states
// that the instance may be in, and orders that violate, or do not, are read
// back from its down-sets. It knows a machine, and events as times, letters and
// sources; nothing of bindings, instances or messages.
package skew

// Package order brings events into exact order: which came before (Seen), what
// their place in their source is and what their effective time (Sequencer),
// and which of them no earlier one can follow any more. It knows nothing of
// properties: what waits carries whatever its judge needs.
package order

// Package seeded is the way to a Go runtime that wtsim has patched (see
// internal/runtimepatch). The build tag wtsim_runtime, which `wtsim test` and
// `wtsim build` give, says that it is there.
package seeded

//go:build ignore

package rand

import _ "unsafe" // for go:linkname

// wtsimNumbered, if it is set, is told of each number that the functions of this
// package draw without a source of the program's own. It is set while packages are
// initialised.
//
//go:linkname wtsimNumbered
var wtsimNumbered func(x uint64)

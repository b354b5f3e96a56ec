//go:build ignore

package rand

import _ "unsafe" // for go:linkname

// WtsimDrawn, if it is set, is told of random bytes that are drawn. It is set while
// packages are initialised.
//
//go:linkname WtsimDrawn
var WtsimDrawn func(b string)

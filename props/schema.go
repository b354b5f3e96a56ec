package props

import (
	_ "embed"
	"slices"
)

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema of property files in YAML, for editors: what
// it accepts can still be wrong, which [Parse] tells.
func Schema() []byte { return slices.Clone(schema) }

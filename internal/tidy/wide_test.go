package tidy

import (
	"strings"
	"testing"
)

// A type of many fields or methods is found, unless its comment says why.
func TestWidths(t *testing.T) {
	wide := "struct {\n" + strings.Repeat("\t_ int\n", maxFields+1) + "}\n"
	busy := strings.Repeat("func (t *T[_]) _() {}\n", maxMethods+1)
	m := parse(t, map[string]string{
		"a/fits.go": "package a\n\ntype X struct {\n" + strings.Repeat("\t_ int\n", maxFields) + "}\n",
		"a/wide.go": "package a\n\n// W is wide.\ntype W " + wide,
		"b/said.go": "package b\n\n// W is a record, a field for each of its columns.\ntype W " + wide,
		"b/busy.go": "package b\n\ntype T[X any] struct{}\n\n" + busy,
		"c/full.go": "package c\n\ntype T struct{}\n\n" + strings.Repeat("func (T) _() {}\n", maxMethods),
	})
	expect(t, widths(m),
		"a/wide.go:4: a.W has 21 fields and 0 methods; want at most 20 and 40; ",
		"b/busy.go:3: b.T has 0 fields and 41 methods; want at most 20 and 40; ")
}

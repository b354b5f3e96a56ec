package report

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// What both have in one order is as long as it can be (against the textbook's
// table), and the first and the second can be had again from the difference.
func TestDiff(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		line := rapid.Custom(func(rt *rapid.T) Line {
			k := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"}).Draw(rt, "key")
			return Line{k, k}
		})
		distinct := func(name string) []Line {
			return rapid.SliceOfNDistinct(line, 0, 7, func(l Line) string { return l.Key }).Draw(rt, name)
		}
		a, b := distinct("a"), distinct("b")
		d := Diff(a, b)
		if want := longestCommon(a, b); d.Same != want {
			rt.Errorf("%d lines in both, wanted %d: %v", d.Same, want, d.Lines)
		}
		if !slices.Equal(side(d, "-"), texts(a)) || !slices.Equal(side(d, "+"), texts(b)) {
			rt.Errorf("%v and %v cannot be had from %v", a, b, d.Lines)
		}
		if d.Equal() != slices.Equal(a, b) {
			rt.Errorf("equal is %t of %v and %v", d.Equal(), a, b)
		}
	})
}

// A line that comes again is not the one before.
func TestDiffOfRepeats(t *testing.T) {
	x := Line{"x", "x"}
	if d := Diff([]Line{x, x}, []Line{x}); d.Same != 1 || !slices.Equal(d.Only("-"), []string{"x"}) {
		t.Errorf("%v", d)
	}
}

func side(d Difference, in string) (out []string) {
	for _, l := range d.Lines {
		if l.In == in || l.In == " " {
			out = append(out, l.Text)
		}
	}
	return out
}

func texts(lines []Line) (out []string) {
	for _, l := range lines {
		out = append(out, l.Text)
	}
	return out
}

func longestCommon(a, b []Line) int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
	}
	for i := range a {
		for j := range b {
			table[i+1][j+1] = max(table[i][j+1], table[i+1][j])
			if a[i] == b[j] {
				table[i+1][j+1] = table[i][j] + 1
			}
		}
	}
	return table[len(a)][len(b)]
}

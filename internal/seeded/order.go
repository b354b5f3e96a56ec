package seeded

import (
	"strconv"
	"sync/atomic"
)

// most bounds what can be chosen from. The runtime has the same number.
const most = 16

// name is a goroutine's lineage, as the runtime keeps it.
type name struct {
	base  uint32
	depth uint32
	path  [8]uint16
}

// asked is what the runtime asks, in its form.
type asked struct {
	name          name
	points, times uint32
	sends, ncases int32
	nothers       int32
	cases         [most]uint16
	others        [most]name
}

// Choice is a question: which goroutine goes on, or which ready case a select
// takes. The answer 0 is what happens without a chooser.
type Choice struct {
	// Goroutine names who goes on, or who selects: by lineage.
	Goroutine string
	// Point tells the places at which it is asked about apart: the how
	// manieth point of the goroutine since it has its name, and after "+" the
	// how manieth question since.
	Point string
	// Select says that a case is to be chosen, not a goroutine.
	Select bool
	// Benign names what 0 stands for.
	Benign string
	// Others names the answers from 1 on.
	Others []string
}

// Names turns numbers into names. One goroutine uses it at a time, by the
// order of turns; the fence tells the race detector, which cannot know.
type Names struct {
	of    []string
	fence atomic.Uint32
}

// Add returns the number of a name, for [Call].
func (n *Names) Add(name string) uint32 {
	n.fence.Add(1)
	defer n.fence.Add(1)
	n.of = append(n.of, name)
	return uint32(len(n.of))
}

func (n *Names) string(g *name) string {
	b := append(make([]byte, 0, 80), n.of[g.base-1]...)
	for _, k := range g.path[:min(int(g.depth), len(g.path))] {
		b = append(b, '.')
		b = strconv.AppendUint(b, uint64(k), 10)
	}
	return string(b)
}

// choice puts a question into words.
func (n *Names) choice(a *asked) Choice {
	n.fence.Add(1)
	defer n.fence.Add(1)
	c := Choice{Goroutine: n.string(&a.name), Point: strconv.FormatUint(uint64(a.points), 10)}
	if a.times > 0 {
		c.Point += "+" + strconv.FormatUint(uint64(a.times), 10)
	}
	if c.Select = a.ncases > 0; c.Select {
		c.Benign = caseName(a, 0)
		for i := range a.ncases - 1 {
			c.Others = append(c.Others, caseName(a, i+1))
		}
		return c
	}
	c.Benign = c.Goroutine
	for i := range a.nothers {
		c.Others = append(c.Others, n.string(&a.others[i]))
	}
	return c
}

// caseName names a case of a select: its sends, in order, then its receives.
func caseName(a *asked, i int32) string {
	if k := int32(a.cases[i]); k < a.sends {
		return "send " + strconv.Itoa(int(k)+1)
	}
	return "receive " + strconv.Itoa(int(int32(a.cases[i])-a.sends)+1)
}

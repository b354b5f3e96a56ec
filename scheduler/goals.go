package scheduler

// goalTree enumerates sets of goals: those that follow from the benign run, one at
// a time, and for each set that was tried those that follow from its run, one
// more at a time. What is not a goal is benign. A pair is aimed
// at once.
//
// Whoever wants the k-th set has to know what the sets before it have shown,
// and runs those that it was not told of. So every worker enumerates the same
// sets, whichever it runs itself.
type goalTree struct {
	pilot *pilot
	nodes []*node // in the order in which they are handed out; the first is the benign run
	open  int     // nodes[:open] are expanded
	turn  int     // the node whose child comes next
	aimed map[Pair]bool
	kinds map[uint64]bool // partial orders that runs have shown
}

// node is a set of goals, and what its run has shown.
type node struct {
	goals  []Pair
	record *Record // nil if not known
	next   []Pair  // what might be added, once expanded
}

func newTree(p *pilot) *goalTree {
	return &goalTree{pilot: p, nodes: []*node{{}}, aimed: map[Pair]bool{}, kinds: map[uint64]bool{}}
}

// get returns the k-th set of goals, from 1, or nil if there are not so many.
func (t *goalTree) get(k int) *node {
	for len(t.nodes) <= k {
		if !t.grow() {
			return nil
		}
	}
	return t.nodes[k]
}

// grow hands out the next set: first what follows from the benign run; then the
// nodes that have children left give one each by turns, and when they all
// have, what was handed out meanwhile is expanded.
func (t *goalTree) grow() bool {
	for {
		if len(t.nodes[0].next) > 0 {
			t.turn = 0
		}
		for ; t.turn < t.open; t.turn++ {
			n := t.nodes[t.turn]
			for len(n.next) > 0 {
				p := n.next[0]
				if n.next = n.next[1:]; !t.aimed[p] {
					t.aimed[p] = true
					t.turn++
					t.nodes = append(t.nodes, &node{goals: append(n.goals[:len(n.goals):len(n.goals)], p)})
					return true
				}
			}
		}
		if !t.expand() {
			return false
		}
	}
}

// expand looks at the nodes that were handed out since.
func (t *goalTree) expand() bool {
	more := false
	for _, n := range t.nodes[:t.open] {
		more = more || len(n.next) > 0
	}
	t.turn = 0
	for t.open < len(t.nodes) && (!more || t.open < 64) {
		n := t.nodes[t.open]
		t.open++
		r := t.record(n)
		if n.record = nil; t.kinds[r.Hash] {
			continue // another run with the same partial order
		}
		t.kinds[r.Hash] = true
		if len(n.goals) < mostGoals {
			n.next = goals(r)
		}
		more = more || len(n.next) > 0
	}
	return more
}

func (t *goalTree) record(n *node) *Record {
	switch {
	case n.record != nil:
		return n.record
	case len(n.goals) == 0:
		return t.pilot.get()
	}
	return t.pilot.run(newAim(Benign{}, n.goals))
}

package monitor

import "slices"

func (f *front) eachSource(visit func(int32) int32) {
	for i := range f.waiting {
		f.waiting[i].source = visit(f.waiting[i].source)
	}
	f.armed = slices.Clone(f.armed) // fronts share it
	for i, n := range f.armed {
		f.armed[i] = visit(n)
	}
	f.eachGroup(func(name *groupName) {
		if name.chain {
			name.of = int64(visit(int32(name.of)))
		}
	})
}

// eachGroup visits the names of the groups that the front counts in, to
// change them.
func (f *front) eachGroup(visit func(*groupName)) {
	if f.layer == nil {
		return
	}
	f.layer.names = slices.Clone(f.layer.names) // fronts share it
	for i := range f.layer.names {
		visit(&f.layer.names[i])
	}
}

func (f *front) eachLetter(visit func(uint32) uint32) {
	if f == nil {
		return
	}
	for i := range f.waiting {
		f.waiting[i].letter = visit(f.waiting[i].letter)
	}
	f.eachGroup(func(name *groupName) {
		if !name.chain {
			name.of = int64(visit(uint32(name.of)))
		}
	})
}

// eachSet visits the sets of states that a front holds.
func (f *front) eachSet(visit func(uint64)) {
	if f == nil {
		return
	}
	visit(f.states)
	if f.layer != nil {
		for _, set := range f.layer.states {
			visit(set)
		}
	}
}

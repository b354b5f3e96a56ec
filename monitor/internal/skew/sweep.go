package skew

import "slices"

func (f *Front) EachSource(visit func(int32) int32) {
	for i := range f.Waiting {
		f.Waiting[i].Source = visit(f.Waiting[i].Source)
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
func (f *Front) eachGroup(visit func(*groupName)) {
	if f.layer == nil {
		return
	}
	f.layer.names = slices.Clone(f.layer.names) // fronts share it
	for i := range f.layer.names {
		visit(&f.layer.names[i])
	}
}

func (f *Front) EachLetter(visit func(uint32) uint32) {
	if f == nil {
		return
	}
	for i := range f.Waiting {
		f.Waiting[i].Letter = visit(f.Waiting[i].Letter)
	}
	f.eachGroup(func(name *groupName) {
		if !name.chain {
			name.of = int64(visit(uint32(name.of)))
		}
	})
}

// EachSet visits the sets of states that a front holds.
func (f *Front) EachSet(visit func(uint64)) {
	if f == nil {
		return
	}
	visit(f.States)
	if f.layer != nil {
		for _, set := range f.layer.states {
			visit(set)
		}
	}
}

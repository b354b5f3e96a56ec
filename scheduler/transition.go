package scheduler

// Touch is a resource that a step reads or writes. What else makes two steps
// depend on each other is told the same way: a task that one of them starts
// or ends, time that it moves, a property that sees both are resources too.
type Touch struct {
	Resource string
	Read     bool // what it does may depend on what the resource holds
	Write    bool // it may change it
}

// Transition is one thing that a run does, or may do next.
type Transition struct {
	Name    string  // its identity
	Task    string  // who does it; the steps of one task are in order
	Site    string  // where in the program: the same for all tasks that run the same code
	Touches []Touch // all that it reads and writes
	Outcome string  // the deviation that decided what became of it
}

// writes reports whether the step may change the resource.
func (s *Transition) writes(resource string) bool {
	for _, t := range s.Touches {
		if t.Write && t.Resource == resource {
			return true
		}
	}
	return false
}

// Conflict reports whether the order of two steps may matter: they are of
// one task, or touch one resource, which one of them writes.
func Conflict(a, b *Transition) bool {
	if a.Task == b.Task {
		return true
	}
	for _, x := range a.Touches {
		for _, y := range b.Touches {
			if x.Resource == y.Resource && (x.Write || y.Write) {
				return true
			}
		}
	}
	return false
}

// Pair is a read and the write that it saw, by their sites.
type Pair struct {
	Resource string
	Reader   string
	Writer   string // empty for what was there at the beginning
}

// Order is the partial order of a run: its steps, ordered where they
// conflict. Runs with one order differ only in steps that do not see each
// other, and end alike (Mazurkiewicz traces). The zero value is a run without
// steps.
type Order struct {
	last  map[string]uint64 // hash of each task's last step
	state map[string]*access
	sum   uint64
}

// access is who has touched a resource.
type access struct {
	writer string // site of the last write
	write  uint64 // hash of the step of the last write
	reads  uint64 // sum of those of the reads since
}

// Add takes in the next step. The hash of a step is one of its name, its
// outcome and the steps that it depends on directly, and the run's is their
// sum, so that it does not depend on the order of what is not ordered. saw,
// if not nil, is told what each read saw.
func (o *Order) Add(s *Transition, saw func(Pair)) {
	if o.last == nil {
		o.last, o.state = map[string]uint64{}, map[string]*access{}
	}
	h := hash(o.last[s.Task], s.Name, s.Outcome)
	var few [4]*access
	accesses := few[:0] // of each touch
	for _, t := range s.Touches {
		a := o.state[t.Resource]
		if a == nil {
			a = &access{}
			o.state[t.Resource] = a
		}
		accesses = append(accesses, a)
		h += mix(a.write ^ 1)
		if t.Write {
			h += mix(a.reads ^ 2)
		}
		if t.Read && saw != nil {
			saw(Pair{Resource: t.Resource, Reader: s.Site, Writer: a.writer})
		}
	}
	h = mix(h)
	for i, t := range s.Touches {
		if !t.Write {
			accesses[i].reads += h
		}
	}
	for i, t := range s.Touches {
		if t.Write {
			*accesses[i] = access{writer: s.Site, write: h}
		}
	}
	o.last[s.Task] = h
	o.sum += h
}

// Hash is the canonical hash of the partial order so far.
func (o *Order) Hash() uint64 { return o.sum }

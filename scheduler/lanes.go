package scheduler

// lanesOf is how many lanes a search with feedback has.
const lanesOf = 16

// Parts returns into how many parts the schedules of a strategy can be dealt
// at most, or 0 if there is no limit: lanes are dealt whole.
func Parts(strategy string) int {
	if strategy == "bounded" || Seeded(strategy) {
		return 0
	}
	return lanesOf
}

// Owner returns which of the workers, from 0, runs the schedule of a number:
// the one that has its lane; without lanes they take turns.
func Owner(strategy string, number, workers int) int {
	n := number - 1
	if parts := Parts(strategy); parts > 0 {
		n %= parts
	}
	return n % max(workers, 1)
}

// lanes is a strategy with feedback whose result does not depend on the number
// of workers: schedule n is of lane n modulo 16, and is made from what the
// earlier schedules of its lane, and the benign run, have shown. Whoever wants
// schedule n runs those of its lane before it, if he has not; but nobody runs
// what is lost, from which nothing is learned.
type lanes struct {
	first uint64 // seed of schedule 1
	again func(number int, s Source) *Record
	make  func() learner
	lost  map[int]bool
	all   [lanesOf]lane
	pilot *pilot
}

// learner makes the schedules of a lane.
type learner interface {
	// next makes the schedule of a number; every earlier one of the lane was
	// made, and learned from.
	next(number int, seed uint64) Schedule
	learn(r *Record)
}

// lane is the schedules of one lane.
type lane struct {
	learner
	at   int  // the newest that was made; 0 if none
	told bool // what it has shown was learned
}

func newLanes(c Config, p *pilot, make func() learner) *lanes {
	return &lanes{first: c.FirstSeed, again: c.Again, make: make, lost: c.Lost, pilot: p}
}

func (l *lanes) Schedule(n int) (Schedule, bool) {
	own := &l.all[(n-1)%lanesOf]
	if own.at >= n || own.at > 0 && !own.told {
		*own = lane{} // sources are used up: from the beginning
	}
	if own.at == 0 {
		own.learner = l.make()
		own.at = (n-1)%lanesOf + 1 - lanesOf
	}
	for own.at += lanesOf; own.at < n; own.at += lanesOf {
		s, r := l.at(own), &Record{}
		if !l.lost[own.at] {
			r = l.again(own.at, s.Source)
		}
		own.learn(r)
	}
	own.told = false
	return l.at(own), true
}

func (l *lanes) at(own *lane) Schedule { return own.next(own.at, l.first+uint64(own.at)-1) }

func (l *lanes) Learn(n int, r *Record) {
	if r == nil {
		r = &Record{}
	} else if n == 1 {
		l.pilot.offer(r)
	}
	if own := &l.all[(n-1)%lanesOf]; own.at == n && !own.told {
		own.learn(r)
		own.told = true
	}
}

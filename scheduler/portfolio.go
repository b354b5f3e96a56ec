package scheduler

// portfolio is the default, in one lane. The benign schedule comes first. Then
// by turns: what is enumerated (the goals of reads-from that follow from the
// benign run, and every plan of one deviation), and what is sampled (random,
// pct, pos, swarm, and the strategies with feedback). Of the latter each gets
// a share that grows with what it has found lately in the lane: pairs of read
// and write, and states of properties.
type portfolio struct {
	pilot   *pilot
	reads   *readsFrom
	near    *near
	arms    []arm
	current *arm
	pairs   map[Pair]bool
	states  map[string]bool
}

// arm is a strategy that samples, and how well it does.
type arm struct {
	name  string
	yield float64 // share of its latest runs that were news, decaying
}

func newPortfolio(p *pilot) *portfolio {
	return &portfolio{pilot: p, reads: newReadsFrom(p), near: newNear(p), pairs: map[Pair]bool{}, states: map[string]bool{},
		arms: []arm{{"random", 1}, {"pos", 1}, {"pct", 1}, {"reads-from", 1}, {"property-state", 1}, {"swarm", 1}}}
}

func (p *portfolio) next(n int, seed uint64) Schedule {
	p.current, p.reads.node, p.reads.mixed = nil, nil, false
	if n == 1 {
		return Schedule{Number: n, Strategy: "bounded", Source: Benign{}}
	}
	if n == 2 {
		return Schedule{Number: n, Strategy: "portfolio", Source: NewRoundRobin()}
	}
	// Turns of eight: enumerated, enumerated, pos, enumerated, enumerated, a
	// change of order, enumerated, sampled.
	round, turn := (n-3)/8, (n-3)%8
	switch turn {
	case 2:
		return seeded("pos", n, seed, p.pilot)
	case 5:
		if _, orders := p.pilot.list(); round < len(orders) {
			return Schedule{Number: n, Strategy: "bounded", Source: NewReplay(orders[round])}
		}
	case 7:
	default:
		if s, ok := p.enumerated(5*round+[]int{0, 1, 0, 2, 3, 0, 4}[turn], n); ok {
			return s
		}
	}
	return p.sampled(n, seed)
}

// enumerated is the k-th of what is enumerated first, from 0: by turns a goal
// and a plan of one fault, while there are both.
func (p *portfolio) enumerated(k, n int) (Schedule, bool) {
	faults, _ := p.pilot.list()
	fault := k / 2
	if k%2 == 0 || fault >= len(faults) {
		return p.reads.planned(k-min(fault, len(faults))+1, n)
	}
	return Schedule{Number: n, Strategy: "bounded", Source: NewReplay(faults[fault])}, true
}

// singles are the plans of one deviation: of what happens, and of who goes
// first.
func singles(r *Record) (faults, orders []Plan) {
	all := r.OneMore(nil)
	for p, ok := all.Next(); ok; p, ok = all.Next() {
		if all.Decision().schedules() {
			orders = append(orders, p)
		} else {
			faults = append(faults, p)
		}
	}
	return faults, orders
}

// sampled draws an arm by its yield.
func (p *portfolio) sampled(n int, seed uint64) Schedule {
	const floor = 0.25
	sum := 0.0
	for _, a := range p.arms {
		sum += a.yield + floor
	}
	at := float64(hash(seed, "arm", "")>>11) / (1 << 53) * sum
	i := 0
	for ; i < len(p.arms)-1 && at >= p.arms[i].yield+floor; i++ {
		at -= p.arms[i].yield + floor
	}
	p.current = &p.arms[i]
	switch name := p.arms[i].name; name {
	case "reads-from":
		return p.reads.mix(n, seed)
	case "property-state":
		return p.near.next(n, seed)
	default:
		return seeded(name, n, seed, p.pilot)
	}
}

func (p *portfolio) learn(r *Record) {
	news := 0.0
	for _, x := range r.Pairs {
		if !p.pairs[x] {
			p.pairs[x], news = true, 1
		}
	}
	for _, x := range r.States {
		if !p.states[x] {
			p.states[x], news = true, 1
		}
	}
	if p.current != nil {
		p.current.yield += (news - p.current.yield) / 8
	}
	p.reads.learn(r)
	p.near.learn(r)
}

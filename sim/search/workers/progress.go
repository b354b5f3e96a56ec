package workers

import "time"

// Progress is how far a search is.
type Progress struct {
	Ran        int // schedules
	Total      int // of the search, where that is known; else 0
	Estimate   int // of a bounded search: how many there are, as far as can be seen; else 0
	Workers    int
	Spent      time.Duration
	Behaviours int               // distinct ones
	Covered    int               // cases of the at-least-once closure
	Coverable  int               // as far as they were met
	Yields     map[string]*Yield // by strategy
	First      int               // the lowest schedule that violates, so far; 0 if none
	What       string            // it does
}

// Yield is what a strategy has brought.
type Yield struct {
	Schedules int
	News      int // behaviours that no schedule before has shown
}

// yielded takes note of what a strategy has brought.
func (p *Pool) yielded(e *ended) {
	y := p.yields[e.By]
	if y == nil {
		y = &Yield{}
		p.yields[e.By] = y
	}
	y.Schedules++
	if e.Order != 0 && p.seen.orders[e.Order] == 0 {
		y.News++
	}
}

func (p *Pool) progress() Progress {
	g := Progress{Ran: p.ran(), Workers: len(p.workers), Spent: time.Since(p.began), //wtsim:clock how long people wait, no part of a run
		Total: dealt(p.Options.Strategy, p.Options.Schedules, p.Shard, p.Shards), Behaviours: len(p.seen.orders), Estimate: p.estimate,
		Yields: p.yields, First: p.first, What: p.what}
	g.Covered, g.Coverable = p.seen.covered()
	return g
}

package monitor

import (
	"reflect"
	"slices"
	"testing"

	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// sharded judges a course by several streams, each of a part of the
// instances, and merges what they tell after each event.
func (c course) sharded(n int) (all told, err error) {
	p, err := Compile(c.model.property(), props.AtMostOnce("another", props.On("T0")))
	if err != nil {
		return all, err
	}
	shared, parts, streams := p.Parts(n), make([][]Finding, n), make([]*Stream, n)
	for i := range n {
		streams[i], err = p.Stream(StreamOptions{
			Skew: c.ms(c.skew), Lateness: c.ms(c.lateness), TTL: c.ms(c.ttl), Coverage: true, Part: i, Parts: n,
			limits: c.limits(),
		})
		if err != nil {
			return all, err
		}
	}
	for from := 0; from < len(c.arrivals); from += 3 {
		inputs := c.inputs(from, min(from+3, len(c.arrivals)))
		streams[0].Look(inputs)
		for i, s := range streams {
			parts[i] = s.Judge(shared.Share(nil, inputs, i)).Findings
		}
		all.tell(Judgement{Findings: MergeFindings(parts...)})
	}
	var sums []Summary
	var stats [][]PropertyStats
	var coverage [][]Coverage
	for i, s := range streams {
		parts[i] = s.Close().Findings
		sums = append(sums, s.Summary())
		stats, coverage = append(stats, s.Stats()), append(coverage, s.Coverage())
	}
	all.tell(Judgement{Findings: MergeFindings(parts...)})
	all.sum, all.stats, all.coverage = MergeSummaries(sums...), MergeStats(stats...), MergeCoverage(coverage...)
	return all, nil
}

// Judged in parts, a course comes to what it comes to as a whole: findings in
// the same order, summary, counts and coverage.
func TestShardsChangeNothing(t *testing.T) {
	var spread, cubes int
	check := func(t rapid.TB, c course, n int) {
		whole, err := c.sharded(1)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := c.sharded(n)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(whole, parts) {
			t.Fatalf("%d parts, skew %d, ttl %d\nwhole %+v\nparts %+v\n%s%+v", n, c.skew, c.ttl, whole, parts, showArrivals(c.arrivals), c.model)
		}
		if p, err := Compile(c.model.property()); err == nil && len(whole.findings) > 0 {
			if pl := &p.plans[0]; pl.hasCommon() {
				spread++
			} else if pl.cube(n).shares > 1 {
				cubes++
			}
		}
	}
	for _, skewed := range []bool{false, true} {
		for seed := range 1500 {
			check(t, withTTL(skewed).Example(seed).commonly(seed%2 == 0), 2+seed%3)
		}
		rapid.Check(t, func(t *rapid.T) {
			check(t, withTTL(skewed).Draw(t, "course").commonly(rapid.Bool().Draw(t, "common")), rapid.IntRange(2, 5).Draw(t, "parts"))
		})
	}
	if spread < 100 || cubes < 100 {
		t.Errorf("only %d courses have a common variable, and %d are shared out without one", spread, cubes)
	}
}

// commonly makes all types of a course bind the first variable too.
func (c course) commonly(yes bool) course {
	if !yes {
		return c
	}
	for i, t := range c.model.types {
		if slices.Contains(t.binds, 0) {
			continue
		}
		c.model.types[i].binds = append(slices.Clone(t.binds), 0)
		for n := range c.arrivals {
			if a := &c.arrivals[n]; a.kind == i {
				a.values = append(slices.Clone(a.values), n%3*3) // 1, 1 as text, "true"
			}
		}
	}
	return c
}

package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func someProgram(t testing.TB) *monitor.Program {
	t.Helper()
	all, err := props.Parse("p.yaml", []byte(`
properties:
  - name: at most once
    at most once: PAID(user)
  - name: consent
    forall: [user]
    states:
      no consent:
        - {on: GIVEN(user), to: given}
        - {on: USED(user), to: violated}
      given:
        - {on: TAKEN(user), to: no consent}
  - name: met before
    forall: [user, place]
    states:
      strangers:
        - {on: GIVEN(user), to: known}
        - {on: "MET(user, place)", to: violated}
      known:
        - {on: OPENED(place), to: both}
        - {on: TAKEN(user), to: strangers}
        - {on: "MET(user, place)", to: violated}
      both:
        - {on: TAKEN(user), to: strangers}
        - {on: SHUT(place), to: known}
  - name: three in a row
    states:
      none:
        - {on: LOST(), to: one}
      one:
        - {on: LOST(), to: two}
        - {on: OTHER(), to: none}
      two:
        - {on: LOST(), to: violated}
        - {on: OTHER(), to: none}
`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := monitor.Compile(all...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// someEvents are events of sources whose clocks go back now and then, out of
// order by less than the lateness, some twice, some malformed; of every third
// stream one source is lossy from somewhere on.
func someEvents(r *rand.Rand, n int) (all []event.Event) {
	sequence := map[string]int{}
	lossy := r.IntN(3) == 0
	for i := range n {
		source := fmt.Sprint("s", r.IntN(5))
		sequence[source]++
		e := event.Event{
			ID: fmt.Sprint(i), Source: source, Type: []string{"PAID", "GIVEN", "TAKEN", "USED", "OTHER", "LOST", "OPENED", "MET"}[r.IntN(8)],
			Time: begin.Add(time.Duration(i)*10*time.Millisecond - time.Duration(r.IntN(30))*time.Millisecond),
			Data: event.Data{{Name: "place", Value: event.Int(int64(r.IntN(20)))}, {Name: "user", Value: event.Int(int64(r.IntN(40)))}},
		}
		if r.IntN(3) > 0 {
			e.Sequence = fmt.Sprint(sequence[source])
		}
		e.Lossy = lossy && i > n/4 && source == "s1"
		if r.IntN(50) == 0 {
			e.Data = event.Data{{Name: "user", Value: event.Value{}}}
		}
		all = append(all, e)
	}
	for i := range all {
		j := min(i+r.IntN(4), len(all)-1)
		all[i], all[j] = all[j], all[i]
	}
	for range n / 50 {
		i := r.IntN(len(all))
		all = slices.Insert(all, i+r.IntN(min(20, len(all)-i)), all[i])
	}
	return all
}

var someOptions = monitor.StreamOptions{Lateness: time.Second}

// sequential is what one engine finds that is given everything.
func sequential(t *testing.T, p *monitor.Program, o monitor.StreamOptions, all []event.Event) (ids []string, sum monitor.Summary) {
	t.Helper()
	s, err := p.Stream(o)
	if err != nil {
		t.Fatal(err)
	}
	take := func(j monitor.Judgement) {
		for _, v := range j.Violations() {
			ids = append(ids, v.ID())
		}
	}
	for _, e := range all {
		take(s.Push([]monitor.Input{{Event: e}}))
	}
	take(s.Close())
	slices.Sort(ids)
	return ids, s.Summary()
}

// pipeline is a gateway, logs and a store; its workers come and go.
type pipeline struct {
	t       *testing.T
	program *monitor.Program
	options monitor.StreamOptions
	shards  int
	logs    []*MemoryLogs
	commits *MemoryLogs
	states  *MemoryStore
	number  uint64
	owners  int
	wrap    func(Log) Log // of the commits
	compile func(string) (*monitor.Program, error)
	plan    Plan   // that events are routed by; none is the program's
	past    bool   // properties that a plan brings begin with the logs
	mark    string // of the plan, in the gateway's name
	notices []Notice
	beside  func(func())
}

func newPipeline(t *testing.T, shards int) *pipeline {
	p := &pipeline{t: t, program: someProgram(t), options: someOptions, shards: shards, commits: &MemoryLogs{}, states: &MemoryStore{}}
	for range shards {
		p.logs = append(p.logs, &MemoryLogs{})
	}
	return p
}

func (p *pipeline) log(shard int) Log { return p.logs[shard].Log("ev") }

// send appends blocks, each twice now and then.
func (p *pipeline) send(r *rand.Rand, all []event.Event) {
	if len(p.plan.eras) == 0 {
		p.plan = FirstPlan(p.program)
	}
	router := NewRouter(p.plan, p.shards)
	for len(all) > 0 {
		n := min(1+r.IntN(20), len(all))
		blocks := router.Shards()
		for i := range all[:n] {
			router.Event(blocks, &all[i])
		}
		all = all[n:]
		p.append(blocks, 1+r.IntN(5)/4)
	}
}

func (p *pipeline) append(blocks []Block, times int) {
	p.number++
	for n := range blocks {
		for range times {
			if _, err := p.log(n).Append(context.Background(), blocks[n].Seal("g"+p.mark, p.number, begin)); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}

func (p *pipeline) close() {
	blocks := make([]Block, p.shards)
	for n := range blocks {
		blocks[n].Close(false)
	}
	p.append(blocks, 1)
}

func (p *pipeline) claim(shard int) (*Worker, error) {
	p.owners++
	commits := p.commits.Log(fmt.Sprint("cp", shard))
	if p.wrap != nil {
		commits = p.wrap(commits)
	}
	return Claim(context.Background(), Config{
		Program: p.program, Compile: p.compile, Options: p.options, Shard: shard, Shards: p.shards, Owner: fmt.Sprint("w", p.owners),
		Events: short3{p.log(shard)}, EventsOf: p.log, Commits: commits, States: p.states, StateEvery: 4000,
		Told: func(n Notice) { p.notices = append(p.notices, n) }, Beside: p.beside,
	})
}

// short3 reads at most three blocks at once.
type short3 struct{ Log }

func (l short3) Read(ctx context.Context, from uint64, size int) ([]Record, error) {
	all, err := l.Log.Read(ctx, from, size)
	return all[:min(len(all), 3)], err
}

// lastCommits are those of each shard.
func (p *pipeline) lastCommits() (all []Commit) {
	for shard := range p.shards {
		last, ok, _ := p.commits.Log(fmt.Sprint("cp", shard)).Last(context.Background())
		var c Commit
		if ok {
			read, err := DecodeCommit(last.Data)
			if err != nil {
				p.t.Fatal(err)
			}
			c = *read
		}
		all = append(all, c)
	}
	return all
}

// told are the ids in the verdict log, sorted, and the sum of the totals.
func (p *pipeline) told() (ids []string, sum Totals) {
	p.t.Helper()
	all, _ := p.commits.Log("").Read(context.Background(), 1, 1<<30)
	last := map[int]Totals{}
	for _, r := range all {
		c, err := DecodeCommit(r.Data)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, o := range c.Found {
			id, err := IDOf(o)
			if err != nil {
				p.t.Fatal(err)
			}
			ids = append(ids, id.String())
		}
		last[c.Shard] = c.Totals
	}
	for shard := range p.shards {
		sum.Add(last[shard])
	}
	slices.Sort(ids)
	return ids, sum
}

// shardsOf is how many shards have found violations of a property.
func (p *pipeline) shardsOf(property string) int {
	all, _ := p.commits.Log("").Read(context.Background(), 1, 1<<30)
	found := map[int]bool{}
	for _, r := range all {
		c, _ := DecodeCommit(r.Data)
		for _, o := range c.Found {
			if n, _ := NameOf(o); n.Property == property {
				found[c.Shard] = true
			}
		}
	}
	return len(found)
}

// Workers are killed between any two operations, two compete for a shard, and
// the log forgets what no state needs:
// the verdict log has each verdict of one engine once, and no other.
func TestWorkersCrashAndCompete(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 15))
		p := newPipeline(t, 1+int(seed%4))
		all := someEvents(r, 600)
		want, sum := sequential(t, p.program, p.options, all)
		p.send(r, all)
		p.close()
		p.wrap = func(l Log) Log { return &shaky{Log: l, r: r} }
		if seed%2 == 1 { // a state is stored later, when its worker may be dead
			var later []func()
			p.beside = func(store func()) {
				if later = append(later, store); r.IntN(3) > 0 {
					n := r.IntN(len(later))
					later[n]()
					later = slices.Delete(later, n, n+1)
				}
			}
		}
		for shard := range p.shards {
			p.compete(r, shard)
		}
		got, totals := p.told()
		if !slices.Equal(got, want) || len(want) < 5 {
			t.Fatalf("seed %d: %d verdicts, wanted %d as one engine finds", seed, len(got), len(want))
		}
		counts := []int{totals.Events, totals.Violations, totals.Malformed, totals.Late, totals.Duplicates, totals.Lost}
		if wanted := []int{sum.Events, sum.Violations, sum.Malformed, sum.Late, sum.Duplicates, 0}; !slices.Equal(counts, wanted) || sum.Late > 0 {
			t.Fatalf("seed %d: events, violations, malformed, late, duplicates, lost %v, wanted %v", seed, counts, wanted)
		}
		if n := p.shardsOf("met before"); n != p.shards { // three in a row, or two by two
			t.Errorf("seed %d: of %d shards %d find what no one variable shares out", seed, p.shards, n)
		}
		p.wrap = nil
		for shard := range p.shards {
			if _, err := p.claim(shard); err != nil {
				t.Fatal(err)
			}
		}
		if all, _ := p.states.List(context.Background()); len(all) > 2*p.shards {
			t.Errorf("seed %d: %d states are kept, wanted two a shard", seed, len(all))
		}
	}
}

// compete lets two workers judge a shard, who are killed and start anew, until
// all is committed.
func (p *pipeline) compete(r *rand.Rand, shard int) {
	p.t.Helper()
	last, _, _ := p.log(shard).Last(context.Background())
	var two [2]*Worker
	for range 10000 {
		n := r.IntN(2)
		w := two[n]
		if w == nil || r.IntN(20) == 0 {
			two[n], _ = p.claim(shard)
			continue
		}
		_, err := w.Step(context.Background(), r.IntN(2) == 0)
		if err != nil {
			if !errors.Is(err, ErrFenced) && !errors.Is(err, errShaky) {
				p.t.Fatal(err)
			}
			two[n] = nil
			continue
		}
		if r.IntN(3) == 0 && (!p.past || len(w.plans) == len(somePlans)-2) { // what no state needs; and nothing that is kept
			if err := p.log(shard).Forget(context.Background(), w.Needed(p.lastCommits())); err != nil {
				p.t.Fatal(err)
			}
		}
		if w.Judged() == last.Seq && w.Commit(context.Background()) == nil {
			return
		}
	}
	p.t.Fatal("never done")
}

// shaky is a log whose answers are lost now and then.
type shaky struct {
	Log
	r *rand.Rand
}

var errShaky = errors.New("no answer")

func (l *shaky) AppendIf(ctx context.Context, data []byte, last uint64) (uint64, error) {
	if l.r.IntN(8) == 0 {
		return 0, errShaky
	}
	seq, err := l.Log.AppendIf(ctx, data, last)
	if l.r.IntN(8) == 0 {
		return 0, errShaky
	}
	return seq, err
}

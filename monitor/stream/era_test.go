package stream

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
)

// someProperties are what the texts of the plans are made of.
var someProperties = map[string]*props.Property{
	"paid":    props.AtMostOnce("paid once", props.On("PAID", "user")),
	"paid'":   props.AtMostOnce("paid once", props.On("USED", "user")), // the same name, and another
	"given":   props.AtMostOnce("given once", props.On("GIVEN", "user")),
	"no lost": props.NeverAfter("no loss after another", props.On("LOST"), props.On("OTHER")),
	"taken":   props.Precedes("given before it is taken", props.On("GIVEN", "user"), props.On("TAKEN", "user")),
}

// compileSome reads a plan: names, with commas between them.
func compileSome(text string) (*monitor.Program, error) {
	var all []*props.Property
	for name := range strings.SplitSeq(text, ",") {
		p := someProperties[name]
		if p == nil {
			return nil, errors.New("no such property: " + name)
		}
		all = append(all, p)
	}
	return monitor.Compile(all...)
}

// somePlans follow each other; the last but one is there twice.
var somePlans = []string{"paid,given,no lost", "given,paid',taken", "taken,no lost,paid", "taken,no lost,paid", "paid',given"}

// lives are what is judged, plan by plan: a property from the record that
// brings it up to the one that drops it; with a past, one whose name is new from
// the beginning.
func lives(chunks [][]event.Event, past bool) (all map[string][][]event.Event) {
	all = map[string][][]event.Event{}
	judged := map[string]bool{}
	for n, plan := range somePlans {
		for name := range strings.SplitSeq(plan, ",") {
			before := n > 0 && slices.Contains(strings.Split(somePlans[n-1], ","), name)
			switch last := len(all[name]) - 1; {
			case before:
				all[name][last] = append(all[name][last], chunks[n]...)
			case past && !judged[strings.Trim(name, "'")]:
				all[name] = append(all[name], slices.Concat(chunks[:n+1]...))
			default:
				all[name] = append(all[name], slices.Clone(chunks[n]))
			}
		}
		for name := range strings.SplitSeq(plan, ",") {
			judged[strings.Trim(name, "'")] = true
		}
	}
	return all
}

// The properties change in the log, while workers crash and compete: each is
// judged from its record on and up to the one that drops it, as an engine of its
// own judges what stands between the two; what did not change went on.
func TestPlans(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 51))
		p := newPipeline(t, 1+int(seed%3))
		p.compile = compileSome
		p.past = seed%2 == 1 // names that are new begin with the logs
		var err error
		if p.program, err = compileSome(somePlans[0]); err != nil {
			t.Fatal(err)
		}
		all := someEvents(r, 600)
		var chunks [][]event.Event
		for n := range somePlans {
			chunks = append(chunks, all[n*len(all)/len(somePlans):(n+1)*len(all)/len(somePlans)])
		}
		p.sendPlans(r, chunks)
		p.wrap = func(l Log) Log { return &shaky{Log: l, r: r} }
		for shard := range p.shards {
			p.compete(r, shard)
		}
		var want []string
		for name, all := range lives(chunks, p.past) { //wtsim:order sorted below
			alone, err := compileSome(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, life := range all {
				ids, _ := sequential(t, alone, p.options, life)
				want = append(want, ids...)
			}
		}
		slices.Sort(want)
		got, totals := p.told()
		if !slices.Equal(got, want) || len(want) < 15 {
			t.Fatalf("seed %d: %d verdicts, wanted the %d of each property's life", seed, len(got), len(want))
		}
		_, sum := sequential(t, p.program, p.options, all)
		if totals.Events < sum.Events || totals.Events > sum.Events+10 || totals.Late > 0 { // a duplicate in another era is none
			t.Errorf("seed %d: %+v, wanted %d events", seed, totals, sum.Events)
		}
	}
}

// sendPlans sends events, and the plans but the first before theirs.
func (p *pipeline) sendPlans(r *rand.Rand, chunks [][]event.Event) {
	p.t.Helper()
	p.plan = FirstPlan(p.program)
	for n, chunk := range chunks {
		if n > 0 {
			next, err := compileSome(somePlans[n])
			if err != nil {
				p.t.Fatal(err)
			}
			p.plan = p.plan.Next(next)
			blocks, spans := make([]Block, p.shards), p.spans()
			for i := range blocks {
				blocks[i].Plan(somePlans[n], spans)
			}
			p.append(blocks, 1)
		}
		p.send(r, chunk)
	}
	p.close()
}

// spans are what properties that are new begin with.
func (p *pipeline) spans() (all []Span) {
	if !p.past {
		return nil
	}
	for n := range p.shards {
		last, _, _ := p.log(n).Last(p.t.Context())
		all = append(all, Span{1, last.Seq})
	}
	return all
}

// A worker that cannot read a plan goes no further, and says why.
func TestPlanThatCannotBeRead(t *testing.T) {
	for _, x := range []struct {
		compile func(string) (*monitor.Program, error)
		wanted  string
	}{
		{nil, "wanted Config.Compile"}, {compileSome, "no such property"},
	} {
		p := newPipeline(t, 1)
		p.compile = x.compile
		w, err := p.claim(0)
		if err != nil {
			t.Fatal(err)
		}
		var b Block
		b.Plan("nonsense", nil)
		p.append([]Block{b}, 1)
		if _, err := w.Step(t.Context(), false); err == nil || !strings.Contains(err.Error(), x.wanted) {
			t.Errorf("%v, wanted %q", err, x.wanted)
		}
		if _, sum := p.told(); fmt.Sprint(sum) != fmt.Sprint(Totals{}) {
			t.Errorf("%+v is committed", sum)
		}
	}
}

// A property that a record brings knows of what was lossy before: nothing that
// rests on absence is told.
func TestPlanLearnsOfLoss(t *testing.T) {
	for _, lossy := range []bool{false, true} {
		p := newPipeline(t, 1)
		p.compile = compileSome
		var err error
		if p.program, err = compileSome("paid"); err != nil {
			t.Fatal(err)
		}
		at := func(n int, kind string) event.Event {
			return event.Event{ID: fmt.Sprint(n), Source: fmt.Sprint("s", n), Type: kind, Time: begin.Add(time.Duration(n) * time.Second),
				Data: event.Data{{Name: "user", Value: event.Int(1)}}}
		}
		r, first := rand.New(rand.NewPCG(1, 1)), at(0, "PAID")
		first.Lossy = lossy
		p.send(r, []event.Event{first})
		var b Block
		b.Plan("paid,taken", nil)
		p.append([]Block{b}, 1)
		p.send(r, []event.Event{at(1, "TAKEN")})
		p.close()
		p.compete(r, 0)
		ids, sum := p.told()
		if (len(ids) == 0) != lossy || sum.Lossy != lossy || (sum.Undecided == 1) != lossy || sum.Missing != 0 {
			t.Errorf("lossy %v: %d violations, %+v", lossy, len(ids), sum)
		}
	}
}

// A gateway that hands events out by properties of before, while others hold: what
// a shard may lack blames nobody, and an alarm tells of it, once.
func TestStrayGateway(t *testing.T) {
	for _, marked := range []bool{false, true} {
		p := newPipeline(t, 3)
		p.compile = compileSome
		old, err := compileSome("paid")
		if err != nil {
			t.Fatal(err)
		}
		then, err := compileSome("paid,taken")
		if err != nil {
			t.Fatal(err)
		}
		p.program = old
		first := FirstPlan(old)
		by := func(plan Plan) {
			if p.plan = plan; marked {
				p.mark = "@" + plan.Mark()
			}
		}
		r, n := rand.New(rand.NewPCG(1, 1)), 0
		send := func(kind string, user int) {
			n++
			p.send(r, []event.Event{{ID: fmt.Sprint(n), Source: fmt.Sprint("s", n), Type: kind, Time: begin.Add(time.Duration(n) * time.Second),
				Data: event.Data{{Name: "user", Value: event.Int(int64(user))}}}})
		}
		by(first.Next(then))
		blocks := make([]Block, p.shards)
		for i := range blocks {
			blocks[i].Plan("paid,taken", nil)
		}
		p.append(blocks, 1)
		for user := range 10 {
			by(first)
			send("GIVEN", user)
			by(first.Next(then))
			send("TAKEN", user)
			send("PAID", user%3) // by a property that the gateway knows: judged as ever
		}
		p.close()
		for shard := range p.shards {
			p.compete(r, shard)
		}
		alarms := map[string]bool{}
		for _, n := range p.notices {
			if n.Alarm {
				alarms[n.What] = true
			}
		}
		ids, sum := p.told()
		if wrong := len(ids) > 3; wrong == marked || (len(alarms) > 0) != marked || (sum.Undecided > 0) != marked || marked && len(ids) != 3 {
			t.Errorf("marked %v: %d violations, wanted 3 of payments; %v, %+v", marked, len(ids), alarms, sum)
		}
	}
}

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
)

// cut is a log whose connection is cut at its nth append: neither that nor
// the question for the last record is answered, then it is well again.
type cut struct {
	Log
	n       int
	arrives bool // the append does
	down    bool
}

var errCut = errors.New("cut")

func (l *cut) AppendIf(ctx context.Context, data []byte, last uint64) (uint64, error) {
	l.n--
	if l.n != 0 {
		return l.Log.AppendIf(ctx, data, last)
	}
	if l.down = true; l.arrives {
		_, _ = l.Log.AppendIf(ctx, data, last)
	}
	return 0, errCut
}

func (l *cut) Last(ctx context.Context) (Record, bool, error) {
	if l.down {
		l.down = false
		return Record{}, false, errCut
	}
	return l.Log.Last(ctx)
}

// What a worker could not commit is not forgotten: asked again it commits that,
// once, whether it had arrived or not. The verdicts are too many for
// one commit, and each of the commits is cut.
func TestCommitAgain(t *testing.T) {
	var all []event.Event
	for n := range 6000 {
		all = append(all, event.Event{ID: fmt.Sprint(n), Source: "s", Type: "PAID", Time: begin.Add(time.Duration(n) * time.Millisecond),
			Data: event.Data{{Name: "user", Value: event.Int(int64(n / 2))}}})
	}
	for n := 2; n <= 3; n++ { // the first is the claim
		for _, arrives := range []bool{false, true} {
			p := newPipeline(t, 1)
			want, _ := sequential(t, p.program, p.options, all)
			router := NewRouter(FirstPlan(p.program), 1)
			blocks := router.Shards()
			for i := range all {
				router.Event(blocks, &all[i])
			}
			p.append(blocks, 1)
			p.close()
			p.wrap = func(l Log) Log { return &cut{Log: l, n: n, arrives: arrives} }
			w, err := p.claim(0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Step(context.Background(), false); !errors.Is(err, errCut) {
				t.Fatalf("commit %d: %v, wanted it cut", n, err)
			}
			if err := w.Commit(context.Background()); err != nil {
				t.Fatalf("commit %d, which arrives: %v; again: %v", n, arrives, err)
			}
			if got, _ := p.told(); !slices.Equal(got, want) || len(want) != 3000 {
				t.Fatalf("commit %d, which arrives: %v; %d verdicts, wanted %d", n, arrives, len(got), len(want))
			}
		}
	}
}

// Who has lost its shard, and does not know, finds that blocks are gone which
// the new owner does not need: it learns that it is fenced, and raises no alarm.
func TestNoAlarmOfTheFenced(t *testing.T) {
	p := newPipeline(t, 1)
	r := rand.New(rand.NewPCG(7, 15))
	all := someEvents(r, 400)
	p.send(r, all[:10])
	zombie, err := p.claim(0)
	if err != nil {
		t.Fatal(err)
	}
	p.send(r, all[10:])
	owner, err := p.claim(0)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n > 0; {
		if n, err = owner.Step(context.Background(), false); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.log(0).Forget(context.Background(), owner.Needed(nil)); err != nil || owner.Needed(nil) < 5 {
		t.Fatalf("block %d is needed: %v", owner.Needed(nil), err)
	}
	p.notices = nil
	if _, err := zombie.Step(context.Background(), true); !errors.Is(err, ErrFenced) {
		t.Errorf("%v, wanted it fenced", err)
	}
	for _, n := range p.notices {
		if n.Alarm {
			t.Errorf("alarm: %s", n.What)
		}
	}
}

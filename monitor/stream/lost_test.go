package stream

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
)

// A block that is damaged, or gone, raises an alarm and ends nothing. What its
// events could undo is inconclusive from there on, and told so; what they could
// not is a violation as ever.
func TestLostBlock(t *testing.T) {
	for _, x := range []struct{ how, violations, undecided, alarm string }{
		{"", "paid once", "", ""},
		{"damaged", "paid once", "given before it is taken", "block 1 of the log is damaged"},
		{"gone", "paid once", "given before it is taken", "lost 1 blocks before block 2"},
	} {
		p := newPipeline(t, 1)
		p.compile = compileSome
		var err error
		if p.program, err = compileSome("paid,taken"); err != nil {
			t.Fatal(err)
		}
		r, n := rand.New(rand.NewPCG(1, 1)), 0
		send := func(kind string) {
			n++
			p.send(r, []event.Event{{ID: fmt.Sprint(n), Source: "s", Type: kind, Time: begin.Add(time.Duration(n) * time.Second),
				Data: event.Data{{Name: "user", Value: event.Int(1)}}}})
		}
		send("GIVEN")
		p.logs[0].all = p.logs[0].all[:1] // once
		switch first := &p.logs[0].all[0]; x.how {
		case "damaged":
			first.Data[len(first.Data)/2] ^= 1
		case "gone":
			first.log = forgotten
		}
		send("TAKEN")
		send("PAID")
		send("PAID")
		p.close()
		p.compete(r, 0)
		_, sum := p.told()
		var violations, undecided []string
		all, _ := p.commits.Log("").Read(t.Context(), 1, 1<<30)
		for _, r := range all {
			c, err := DecodeCommit(r.Data)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range c.Found {
				name, _ := NameOf(o)
				violations = append(violations, name.Property)
			}
			for _, o := range c.Undecided {
				undecided = append(undecided, string(o))
			}
		}
		var alarms []string
		for _, n := range p.notices {
			if n.Alarm {
				alarms = append(alarms, n.What)
			}
		}
		told := strings.Join(alarms, "; ")
		if strings.Join(violations, ",") != x.violations || !strings.Contains(strings.Join(undecided, ""), x.undecided) || !strings.Contains(told, x.alarm) ||
			(sum.Lost == 1) != (x.how != "") || (sum.Undecided == 1) != (x.how != "") || (told == "") != (x.how == "") {
			t.Errorf("%q: violations %q, undecided %q, alarms %q, %+v", x.how, violations, undecided, alarms, sum)
		}
	}
}

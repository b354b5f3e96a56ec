package seeded

import (
	"reflect"
	"testing"
)

// A question is told in names: of lineages that are cut off where they are
// too deep, and of a select's cases.
func TestChoice(t *testing.T) {
	n := &Names{}
	first, second := n.Add("buy(alice/1)"), n.Add("buy(bob/1)")
	order := &asked{name: name{base: first}, points: 3, nothers: 2}
	order.others[0] = name{base: second, depth: 2, path: [8]uint16{4, 1}}
	order.others[1] = name{base: first, depth: 9, path: [8]uint16{1, 2, 3, 4, 5, 6, 7, 8}}
	cases := &asked{name: name{base: second}, times: 2, sends: 2, ncases: 3, cases: [most]uint16{1, 2, 0}}
	for _, c := range []struct {
		asked *asked
		want  Choice
	}{
		{order, Choice{Goroutine: "buy(alice/1)", Point: "3", Benign: "buy(alice/1)", Others: []string{"buy(bob/1).4.1", "buy(alice/1).1.2.3.4.5.6.7.8"}}},
		{cases, Choice{Goroutine: "buy(bob/1)", Point: "0+2", Select: true, Benign: "send 2", Others: []string{"receive 1", "send 1"}}},
	} {
		if got := n.choice(c.asked); !reflect.DeepEqual(got, c.want) {
			t.Errorf("got %+v, wanted %+v", got, c.want)
		}
	}
}

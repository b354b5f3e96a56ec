package search

import (
	"testing"

	"github.com/wtsim/wtsim/scheduler"
)

// A deviation goes to where its kind is offered at what is most like its old
// place: first the same operation of the same function.
func TestPlaces(t *testing.T) {
	option := func(do, with string) []scheduler.Option { return []scheduler.Option{{}, {Do: do, With: with}} }
	decisions := []scheduler.Decision{
		{At: "after start mail(alice/1)", Options: option("run-other", "count(bob/1)")},
		{At: "count(mail(alice/1).named-7):redis.INCR n/1", Options: option("crash", "after")},
		{At: "mail(alice/1):redis.INCR n/1", Options: option("crash", "after")},
		{At: "count(mail(alice/1).named-7):redis.SET n/1", Options: option("crash", "after")},
		{At: "count(mail(alice/1).named-7)~retry:redis.INCR n/1", Options: option("crash", "after")},
	}
	old := scheduler.Deviation{At: "count(mail(alice/1).task/1):redis.INCR n/1", Do: "crash", With: "after"}
	got := places(decisions, old, nil)
	if len(got) != 3 || got[0].At != decisions[1].At {
		t.Errorf("got %v", got)
	}
	if got := places(decisions, old, got[:1]); len(got) != 2 || got[0].At == decisions[1].At {
		t.Errorf("one that is taken is offered again: %v", got)
	}
}

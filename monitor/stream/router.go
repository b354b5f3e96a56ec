package stream

import (
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
)

// Router hands events out to shards. An event goes whole to each shard that
// judges instances of it; the others learn that it happened, so that order,
// lateness and duplicates are in each what they are in one engine that is given
// everything.
type Router struct {
	plan   []*monitor.Parts // by era
	shards int
	to     []int
	line   []byte
}

// NewRouter returns a router for a plan. It is used by one goroutine.
func NewRouter(plan Plan, shards int) *Router {
	r := &Router{shards: shards}
	for _, era := range plan.eras {
		r.plan = append(r.plan, era.Program.Parts(shards))
	}
	return r
}

// Shards returns a block for each shard.
func (r *Router) Shards() []Block { return make([]Block, r.shards) }

// Event adds an event to the blocks of the shards.
func (r *Router) Event(blocks []Block, e *event.Event) {
	r.line = e.AppendJSON(r.line[:0])
	line := string(r.line)
	r.to = r.to[:0]
	for _, parts := range r.plan {
		r.to = parts.Route(r.to, e)
	}
	if slices.Sort(r.to); len(r.to) == 0 {
		r.to = append(r.to, 0)
	}
	r.to = slices.Compact(r.to)
	for n := range blocks {
		switch slices.Index(r.to, n) {
		case -1:
			blocks[n].passed(e, r.line)
		case 0:
			blocks[n].event(entryEvent, line)
		default:
			blocks[n].event(entryGuest, line)
		}
	}
}

// Malformed adds why a line is no event: to the first shard, which counts it.
func (r *Router) Malformed(blocks []Block, line int, why string) {
	blocks[0].Malformed(line, short(why))
}

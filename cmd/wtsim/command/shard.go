package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim/search"
)

// parseShard reads --shard.
func (o *runOptions) parseShard() error {
	var err error
	if o.shard, o.shards, err = search.ParseShard(o.part); err != nil {
		return fmt.Errorf("--shard %w", err)
	}
	return nil
}

func (o *runOptions) validateShard() error {
	parts := scheduler.Parts(o.strategy)
	switch {
	case o.exhaustive: // whatever the strategy is now
		parts = 0
	case o.shards > 0 && o.single:
		return errors.New("--seed and --shard exclude each other")
	}
	switch {
	case o.shards == 0 && o.result != "":
		return errors.New("--result is given without --shard, wanted both: it names the file that a shard leaves for wtsim merge")
	case parts > 0 && o.shards > parts:
		return fmt.Errorf("--shard is %q, but the schedules of strategy %s are dealt in %d parts, wanted at most so many shards", o.part, o.strategy, parts)
	}
	return nil
}

// resultPath is where a shard leaves its result. A file that is there is
// replaced: a shard that is run again tells the same.
func (o *runOptions) resultPath() string {
	if o.result != "" {
		return o.result
	}
	return fmt.Sprintf("wtsim-%s-shard-%d-of-%d.json", strings.ReplaceAll(o.scenario, "/", "-"), o.shard, o.shards)
}

package pipelinesim

import (
	"fmt"
	"slices"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream"
	"github.com/wtsim/wtsim/props"
)

// asOneEngine compares the verdict log with what one engine finds that is given
// the log up to where the last commit has read.
func asOneEngine(s props.State) error {
	var found []string
	var last *stream.Commit
	for _, data := range records(s, commitLog) {
		c, err := stream.DecodeCommit(data)
		if err != nil {
			return err
		}
		for _, object := range c.Found {
			id, err := stream.IDOf(object)
			if err != nil {
				return err
			}
			found = append(found, id.String())
		}
		last = c
	}
	if last == nil {
		return nil
	}
	want, sum, err := sequential(records(s, eventLog), last.Offset)
	if err != nil {
		return err
	}
	slices.Sort(found)
	if !slices.Equal(found, want) {
		return fmt.Errorf("up to block %d the verdict log has %v, and one engine finds %v", last.Offset, found, want)
	}
	if t := last.Totals; t.Events != sum.Events || t.Late != sum.Late || t.Duplicates != sum.Duplicates || t.Malformed != sum.Malformed {
		return fmt.Errorf("up to block %d the commits count %+v, and one engine %+v", last.Offset, t, sum)
	}
	return nil
}

func records(s props.State, log string) (all [][]byte) {
	for _, key := range s.Keys(engineName) {
		if len(key) > len(log) && key[:len(log)+1] == log+"/" {
			value, _ := s.Get(engineName, key)
			all = append(all, []byte(value))
		}
	}
	return all
}

// sequential is what one engine finds in some blocks: it is given everything,
// once, and asked anew where it is to tell what waits.
func sequential(blocks [][]byte, offset uint64) (ids []string, sum monitor.Summary, err error) {
	inputs, closes, err := opened(blocks[:min(offset, uint64(len(blocks)))])
	if err != nil {
		return nil, sum, err
	}
	find := func(n int, close bool) error {
		engine, err := program.Stream(options)
		if err != nil {
			return err
		}
		found := engine.Push(inputs[:n])
		all := found.Violations()
		if close {
			last := engine.Close()
			all = append(all, last.Violations()...)
		}
		for _, v := range all {
			ids = append(ids, v.ID())
		}
		sum = engine.Summary()
		return nil
	}
	for _, n := range closes {
		if err := find(n, true); err != nil {
			return nil, sum, err
		}
	}
	if err := find(len(inputs), false); err != nil {
		return nil, sum, err
	}
	slices.Sort(ids)
	return slices.Compact(ids), sum, nil
}

// opened are the entries of blocks that are there for the first time, and after
// how many of them what waits was to be told.
func opened(blocks [][]byte) (inputs []monitor.Input, closes []int, err error) {
	numbers := map[string]uint64{}
	for _, data := range blocks {
		b, err := stream.Open(data)
		if err != nil {
			return nil, nil, err
		}
		if b.Number <= numbers[b.Gateway] {
			continue
		}
		numbers[b.Gateway] = b.Number
		err = b.Each(func(x *stream.Entry) error {
			if x.Close {
				closes = append(closes, len(inputs))
				return nil
			}
			in := x.Input
			in.Event.Data = slices.Clone(in.Event.Data)
			inputs = append(inputs, in)
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return inputs, closes, nil
}

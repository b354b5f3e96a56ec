package pipelinesim

import (
	"fmt"
	"slices"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream"
	"github.com/wtsim/wtsim/props"
)

// committed is what commits have found, and the last of them; nil if there is none.
func committed(log [][]byte) (found []string, last *stream.Commit, err error) {
	for _, data := range log {
		if last, err = stream.DecodeCommit(data); err != nil {
			return nil, nil, err
		}
		for _, object := range last.Found {
			id, err := stream.IDOf(object)
			if err != nil {
				return nil, nil, err
			}
			found = append(found, id.String())
		}
	}
	return found, last, nil
}

// asOneEngine compares the verdict log with what one engine finds that is given
// the log up to where the last commit has read.
func asOneEngine(s props.State) error {
	found, last, err := committed(records(s, commitLog))
	if err != nil || last == nil {
		return err
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

// part is what stands in the log from a place on, for an engine of its own.
type part struct {
	inputs []monitor.Input
	closes []int // after how many inputs what waits was to be told
}

// sequential is what one engine finds of each property, in some blocks: it is
// given everything from the record on that brings the property, once, and asked
// anew where it is to tell what waits. The summary is that of the oldest.
func sequential(blocks [][]byte, offset uint64) (ids []string, sum monitor.Summary, err error) {
	all, behind, err := opened(blocks[:min(offset, uint64(len(blocks)))])
	if err != nil {
		return nil, sum, err
	}
	if behind != nil {
		if ids, _, err = behind.judged(backOnly); err != nil {
			return nil, sum, err
		}
	}
	more, sum, err := all.judged(program)
	ids = append(ids, more...)
	slices.Sort(ids)
	return ids, sum, err
}

// judged is what an engine finds, each once.
func (p *part) judged(by *monitor.Program) (ids []string, sum monitor.Summary, err error) {
	for _, n := range append(p.closes, -1) {
		engine, err := by.Stream(options)
		if err != nil {
			return nil, sum, err
		}
		var all []monitor.Violation
		if n < 0 {
			found := engine.Push(p.inputs)
			all, sum = found.Violations(), engine.Summary()
		} else {
			found := engine.Push(p.inputs[:n])
			last := engine.Close()
			all = append(found.Violations(), last.Violations()...)
		}
		for _, v := range all {
			ids = append(ids, v.ID())
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), sum, nil
}

// opened are the entries of blocks that are there for the first time: all, and
// those behind the first plan; nil if there is none.
func opened(blocks [][]byte) (all, behind *part, err error) {
	all = &part{}
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
			if x.Plan != "" && behind == nil {
				behind = &part{}
			}
			all.take(x)
			if behind != nil {
				behind.take(x)
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return all, behind, nil
}

func (p *part) take(x *stream.Entry) {
	switch {
	case x.Plan != "":
	case x.Close:
		p.closes = append(p.closes, len(p.inputs))
	default:
		in := x.Input
		in.Event.Data = slices.Clone(in.Event.Data)
		p.inputs = append(p.inputs, in)
	}
}

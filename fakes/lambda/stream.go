package lambda

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/internal/pattern"
)

// Stream is the changes of a table, which an event source mapping brings to a
// function: in their order, one batch at a time, or as many as Parallel says. A batch
// that fails comes again until it succeeds, is given up or expires, and nothing after
// it comes meanwhile. What is zero is the mapping's default.
//
// Not there: tumbling windows.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
type Stream struct {
	From      string        // the service's name; default "lambda"
	Table     string        // which has a stream
	BatchSize int           // 100; at most 10 000, and 6 MB
	Window    time.Duration // how long records are gathered for a batch that is not full; none; at most 5 min
	Retries   int           // of a batch, before it is given up; zero for as many as it takes, below zero none
	MaxAge    time.Duration // of a record; zero for as long as it is kept, 24 h
	// Bisect splits a batch that fails in two, which come again one after the other.
	Bisect bool
	// ItemFailures is ReportBatchItemFailures: what stands before the first record
	// that the function names has succeeded.
	ItemFailures bool
	OnFailure    string // the ARN of what is told of a batch that was given up
	// Parallel is ParallelizationFactor: so many batches of the shard are under way at
	// the same time, those of one item still in their order. 1; at most 10.
	// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
	Parallel int
	// Filters are the patterns of FilterCriteria, over the record that the function
	// would get: {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"status": {"S": ["paid"]}}}}.
	// A record that matches none is passed over. None for all; at most 10.
	// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
	Filters []string
}

// Service is the name of the service that it is of.
func (t Stream) Service() string {
	if t.From == "" {
		return "lambda"
	}
	return t.From
}

// Check returns the first thing that is wrong with it.
func (t Stream) Check() error {
	_, filters := pattern.CompileCriteria(t.Filters)
	switch {
	case filters != nil:
		return filters
	case t.Table == "":
		return errors.New("wanted a table")
	case t.Window < 0 || t.Window > 5*time.Minute || t.Parallel < 0 || t.Parallel > 10:
		return fmt.Errorf("its Window is %v and its Parallel %d, wanted at most 5m, and 1 to 10", t.Window, t.Parallel)
	case t.BatchSize < 0 || t.BatchSize > 10_000 || t.Retries > 10_000 || t.MaxAge < 0:
		return fmt.Errorf("its BatchSize is %d, its Retries %d and its MaxAge %v, wanted at most 10000, 10000, and none below zero", t.BatchSize, t.Retries, t.MaxAge)
	}
	return nil
}

// String tells people what it is.
func (t Stream) String() string { return "changes of table " + t.Table }

// shard is a stream that is brought to a function, in as many lanes as batches may be
// under way at the same time.
type shard struct {
	Stream
	backend  *Backend
	function string
	name     string // of the binding
	criteria pattern.Criteria
	lanes    []*lane
}

func newShard(b *Backend, x cloud.Binding) *shard {
	s := &shard{Stream: x.Trigger.(Stream), backend: b, function: x.Function, name: x.Name}
	s.criteria, _ = pattern.CompileCriteria(s.Filters) // they are checked
	cloud.SetDefault(&s.BatchSize, 100)
	cloud.SetDefault(&s.Parallel, 1)
	for n := range s.Parallel {
		s.lanes = append(s.lanes, &lane{shard: s, number: n})
	}
	return s
}

// lane is what comes in order: the records of some items. Of these, those up to done
// are dealt with.
type lane struct {
	*shard
	number   int
	waits    bool // a batch waits, is under way, or comes again
	done     int64
	until    []int64   // where batches end that were split, the next one last
	window   time.Time // when a batch goes that is not full
	gathered bool      // that time has come
}

// has reports whether a record is the lane's, and passes. Which items share one is not
// told: a hash decides.
func (l *lane) has(r *aws.Change) bool {
	if l.Parallel > 1 {
		h := fnv.New32a()
		_, _ = h.Write([]byte(r.Item)) // it has no errors
		if int(h.Sum32()%uint32(l.Parallel)) != l.number {
			return false
		}
	}
	if len(l.criteria) == 0 {
		return true
	}
	record, err := pattern.Decode(r.Event)
	if err != nil {
		panic(err) // it is JSON
	}
	return l.criteria.Pass(record)
}

// read reads what comes next: at most so many records, and a batch.
func (l *lane) read(most int) (out []aws.Change) {
	size, look := 0, most
	if l.Parallel > 1 || len(l.criteria) > 0 {
		look = math.MaxInt // others are between
	}
	kept := l.kept(look)
	for i := range kept {
		if !l.has(&kept[i]) {
			continue
		}
		if size += len(kept[i].Event); len(out) == most || len(out) > 0 && size > mostBytes {
			break
		}
		out = append(out, kept[i])
	}
	if n := len(kept); n > 0 && len(out) == 0 {
		l.done = kept[n-1].Number // none is for it
	}
	return out
}

// kept are records after those that are dealt with.
func (l *lane) kept(most int) []aws.Change {
	for _, b := range l.backend.kernel.Backends() {
		if c, ok := b.(aws.Changes); ok {
			if out, ok := c.Changes(l.Table, l.done, most); ok {
				return out
			}
		}
	}
	return nil
}

// Settle looks for changes, whenever all is quiet.
func (b *Backend) Settle() {
	for _, s := range b.shards {
		for _, l := range s.lanes {
			l.offer()
		}
	}
}

// offer makes a task of what comes next.
func (l *lane) offer() {
	if l.waits {
		return
	}
	most := 1
	if l.Window > 0 {
		most = l.BatchSize
	}
	next := l.read(most)
	if len(next) == 0 || !l.full(next) {
		return
	}
	l.waits, l.gathered = true, false
	t := &cloud.Task{Name: cloud.NameTask(l.name, next[0].Subject), Root: next[0].Root, Attempt: 1, Cause: &changes{lane: l, first: next[0]}}
	t.Name.Function = l.function
	l.backend.kernel.Invoke(t, time.Time{})
}

// full reports whether a batch goes: it is full, or has been gathered for long enough.
func (l *lane) full(next []aws.Change) bool {
	if l.Window == 0 || l.gathered || len(next) == l.BatchSize {
		if !l.window.IsZero() {
			l.backend.kernel.NotAt(l.window, l.windowName())
			l.window = time.Time{}
		}
		return true
	}
	if l.window.IsZero() {
		l.window = l.backend.kernel.Now().Add(l.Window)
		l.backend.kernel.At(l.window, l.windowName(), func() {
			l.window, l.gathered = time.Time{}, true
			l.offer()
		})
	}
	return false
}

func (l *lane) windowName() string { return fmt.Sprintf("window %s/%d", l.name, l.number) }

// AppendState adds how far the streams are read.
func (b *Backend) AppendState(d *cloud.Digest) {
	for _, s := range b.shards {
		for _, l := range s.lanes {
			d.Number(l.done)
			d.Flags(l.waits)
			if l.Window > 0 {
				d.Flags(l.gathered)
				d.Time(l.window)
			}
			for _, n := range l.until {
				d.Number(n)
			}
		}
	}
}

package command

import (
	"runtime"

	"github.com/wtsim/wtsim/monitor"
)

// With several workers each judges a part of the instances: its own events, and
// ticks in place of the others. What they find is merged batch by batch.
// Reading, decoding and duplicates stay with the decoder.

// partJudge judges one part, in a goroutine of its own.
type partJudge struct {
	number int
	in     chan *batch
	out    chan []monitor.Finding
}

// maxWorkers bounds the streams: on more cores they would only order events.
const maxWorkers = 64

// workers is how many streams share the work. Each orders all that happens, so
// more than a few do not pay, and none where the decoder and one judge have the
// cores already.
func (c *checking) workers(program *monitor.Program) int {
	n := c.options.workers
	if n == 0 {
		n = min(4, runtime.GOMAXPROCS(0)-1)
	}
	if n < 1 || !program.Divisible() || c.options.checkpoint != "" {
		return 1
	}
	return min(n, maxWorkers)
}

func (c *checking) judgeInParts(d *decoder) (err error) {
	workers, parted := make([]partJudge, len(c.streams)), c.program.Parts(len(c.streams))
	for i := range workers {
		workers[i] = partJudge{i, make(chan *batch, 4), make(chan []monitor.Finding, 4)}
		go workers[i].run(parted, c.streams[i])
	}
	sent := make(chan *batch, cap(d.free))
	go func() {
		for b := range c.batches(d) {
			sent <- b
			for _, w := range workers {
				w.in <- b
			}
		}
		for _, w := range workers {
			close(w.in)
		}
		close(sent)
	}()
	parts := make([][]monitor.Finding, len(workers))
	for b := range sent {
		for i, w := range workers {
			parts[i] = <-w.out
		}
		c.tell(parts...)
		c.show(b)
		err = b.err
		d.free <- b
	}
	for _, w := range workers {
		<-w.out // closed: the streams are ours again
	}
	return err
}

func (w partJudge) run(p *monitor.Parts, s *monitor.Stream) {
	defer close(w.out)
	var own []monitor.Input
	for b := range w.in {
		own = p.Share(own[:0], b.all, w.number)
		w.out <- s.Judge(own).Findings
	}
}

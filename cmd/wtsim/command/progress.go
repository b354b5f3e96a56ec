package command

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress is the line that a search shows on a terminal when it takes longer
// than a second.
type progress struct {
	w       io.Writer
	on      bool
	total   int
	workers int
	shown   int // width of what stands there
}

func newProgress(w io.Writer, o *runOptions) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, on: ok && term.IsTerminal(int(f.Fd())), total: o.schedules, workers: o.workers}
}

func (p *progress) show(ran int, spent time.Duration) {
	if !p.on || spent < time.Second {
		return
	}
	line := fmt.Sprintf("%d schedules", ran)
	if p.total > 0 {
		line = fmt.Sprintf("%d of %d schedules", ran, p.total)
	}
	line += fmt.Sprintf(", %.0f/s, %d workers, %v", float64(ran)/spent.Seconds(), p.workers, spent.Round(time.Second))
	p.print(line)
}

// print replaces the line.
func (p *progress) print(line string) {
	fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(0, p.shown-len(line))))
	p.shown = len(line)
}

// clear removes the line.
func (p *progress) clear() {
	if p.shown > 0 {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.shown))
		p.shown = 0
	}
}

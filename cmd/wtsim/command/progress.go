package command

import (
	"fmt"
	"io"
	"strings"
)

// progress is a line that is shown on a terminal while something takes its
// time.
type progress struct {
	w     io.Writer
	on    bool
	shown int // width of what stands there
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

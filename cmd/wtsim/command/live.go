package command

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search/workers"
)

// view is what a search shows on standard error while it runs: on a terminal
// some lines that are redrawn in place, elsewhere a plain line now and then.
// It takes three escape sequences (up, erase line, erase below), which every
// terminal knows; a library for that would be larger than all of this.
//
// What workers print passes through it, so that the lines stay below.
type view struct {
	mode  string // "live", "plain" or "none"
	color bool
	size  func() (width, height int)

	mu    sync.Mutex // of what follows
	w     io.Writer
	drawn []string      // the lines that stand there
	next  time.Duration // when the next plain line is due
}

// The modes of --progress.
const (
	progressAuto  = "auto" // live on a terminal, else plain
	progressLive  = "live"
	progressPlain = "plain"
	progressNone  = "none"
)

func checkProgressMode(mode string) error {
	if modes := []string{progressAuto, progressLive, progressPlain, progressNone}; !slices.Contains(modes, mode) {
		return fmt.Errorf("--progress is %q, wanted one of %s", mode, strings.Join(modes, ", "))
	}
	return nil
}

// Nothing is shown of a search that is over sooner.
const (
	liveAfter  = time.Second
	plainAfter = 5 * time.Second
)

func newView(w io.Writer, mode string) *view {
	v := &view{w: w, mode: mode, color: os.Getenv("NO_COLOR") == "", next: plainAfter}
	v.size = func() (int, int) { return 80, 24 }
	f, ok := w.(*os.File)
	terminal := ok && term.IsTerminal(int(f.Fd()))
	if terminal {
		v.size = func() (int, int) {
			width, height, err := term.GetSize(int(f.Fd()))
			if err != nil || width <= 0 || height <= 0 {
				return 80, 24
			}
			return width, height
		}
	}
	if mode == progressAuto {
		v.mode = progressPlain
		if terminal && os.Getenv("TERM") != "dumb" {
			v.mode = progressLive
		}
	}
	return v
}

// show shows the figures if it is time.
func (v *view) show(f figures) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.mode == progressLive && f.Spent >= liveAfter:
		width, height := v.size()
		v.draw(f.lines(height-1), width)
	case v.mode == progressPlain && f.Spent >= v.next:
		fmt.Fprintln(v.w, f.sentence())
		for v.next <= f.Spent { // 5 s, 10 s, 20 s, 40 s, 80 s, then every minute
			v.next = min(2*v.next, v.next+time.Minute)
		}
	}
}

// draw replaces the lines that stand there.
func (v *view) draw(lines []line, width int) {
	var b strings.Builder
	v.up(&b, width)
	v.drawn = v.drawn[:0]
	for _, l := range lines {
		l.text = cut(l.text, width-1)
		v.drawn = append(v.drawn, l.text)
		b.WriteString(v.colored(l) + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	_, _ = io.WriteString(v.w, b.String())
}

// up moves to where the lines begin. On a terminal that has become narrower
// since, they take more rows.
func (v *view) up(b *strings.Builder, width int) {
	rows := 0
	for _, l := range v.drawn {
		rows += max(1, (utf8.RuneCountInString(l)+width-1)/max(width, 1))
	}
	b.WriteString("\r")
	if rows > 0 {
		fmt.Fprintf(b, "\x1b[%dA", rows)
	}
}

// line is a line of the view.
type line struct {
	text string
	kind lineKind
}

type lineKind int

const (
	bodyLine lineKind = iota
	headLine
	findingLine
)

func (v *view) colored(l line) string {
	switch {
	case !v.color:
		return l.text
	case l.kind == findingLine:
		return "\x1b[1;31m" + l.text + "\x1b[0m"
	case l.kind == headLine:
		return "\x1b[1m" + l.text + "\x1b[0m"
	}
	return l.text
}

// cut shortens a line to the width.
func cut(line string, width int) string {
	if width < 1 {
		return ""
	}
	if runes := []rune(line); len(runes) > width {
		return string(runes[:width])
	}
	return line
}

// clear removes the lines; the cursor stands where they began.
func (v *view) clear() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
}

func (v *view) erase() {
	if len(v.drawn) == 0 {
		return
	}
	var b strings.Builder
	width, _ := v.size()
	v.up(&b, width)
	v.drawn = nil
	_, _ = io.WriteString(v.w, b.String()+"\x1b[J")
}

// Write passes on what a worker prints.
func (v *view) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	n, err := v.w.Write(p)
	if err == nil && v.mode == progressLive && n > 0 && p[n-1] != '\n' {
		_, err = io.WriteString(v.w, "\n") // the lines begin at a margin
	}
	return n, err
}

// figures are what a view shows.
type figures struct {
	workers.Progress
	scenario string
	most     time.Duration // of --for
}

// lines are the figures for a terminal, at most so many.
func (f *figures) lines(most int) []line {
	head := []line{
		{fmt.Sprintf("%s: %s, %s", f.scenario, f.count(), report.Plural(f.Workers, "worker")), headLine},
		{fmt.Sprintf("  behaviours  %d distinct", f.Behaviours), bodyLine},
	}
	if f.Coverable > 0 {
		head = append(head, line{fmt.Sprintf("  coverage    %d of %d cases: crash before, crash after, response lost, redelivered", f.Covered, f.Coverable), bodyLine})
	}
	foot := line{"  findings    " + f.found(), bodyLine}
	if f.First > 0 {
		foot.kind = findingLine
	}
	table := f.table()
	if len(head)+len(table)+1 > most {
		table = nil
	}
	all := append(append(head, table...), foot)
	return all[:max(1, min(len(all), most))]
}

func (f *figures) table() []line {
	out := []line{{fmt.Sprintf("  %-14s  %9s  %14s", "strategy", "schedules", "new behaviours"), bodyLine}}
	for _, name := range scheduler.Names {
		if y := f.Yields[name]; y != nil {
			out = append(out, line{fmt.Sprintf("  %-14s  %9d  %14d", name, y.Schedules, y.News), bodyLine})
		}
	}
	if len(out) == 1 {
		return nil
	}
	return out
}

// sentence is the figures on a plain line.
func (f *figures) sentence() string {
	s := fmt.Sprintf("wtsim: %s: %s, %d distinct behaviours", f.scenario, f.count(), f.Behaviours)
	if f.Coverable > 0 {
		s += fmt.Sprintf(", %d of %d cases covered", f.Covered, f.Coverable)
	}
	return s + ", findings: " + f.found()
}

func (f *figures) found() string {
	if f.First == 0 {
		return "none so far"
	}
	return fmt.Sprintf("schedule %d: %s", f.First, strings.Join(strings.Fields(f.What), " ")) // on one line
}

// count is how far the search is: "978 of 1000 (125/s, 1 s left)"; of a bounded
// one the whole is an estimate.
func (f *figures) count() string {
	of := report.Plural(f.Ran, "schedule")
	switch {
	case f.Total > 0:
		of = fmt.Sprintf("%d of %d", f.Ran, f.Total)
	case f.Estimate > f.Ran:
		of = fmt.Sprintf("%d of about %s", f.Ran, rounded(f.Estimate))
	}
	return fmt.Sprintf("%s (%.0f/s, %s)", of, f.perSecond(), f.time())
}

// rounded is a number of which two digits are worth telling.
func rounded(n int) string {
	unit := 1
	for n/unit >= 100 {
		unit *= 10
	}
	return fmt.Sprint((n + unit/2) / unit * unit)
}

func (f *figures) perSecond() float64 { return float64(f.Ran) / max(f.Spent.Seconds(), 0.001) }

// time is how long it will take, or where that cannot be said has taken.
func (f *figures) time() string {
	left := f.most - f.Spent
	if total := max(f.Total, f.Estimate); total > f.Ran && f.Ran > 0 && f.most == 0 {
		left = time.Duration(float64(f.Spent) * float64(total-f.Ran) / float64(f.Ran))
	}
	if left = left.Round(time.Second); left > 0 {
		return people(left) + " left"
	}
	return people(f.Spent.Round(time.Second))
}

// people writes a time as people do: "1 s", "3 min 20 s", "2 h 5 min".
func people(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

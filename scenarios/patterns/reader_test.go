package patterns

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// account is what a reader takes from the text of a finding, who has nothing
// else.
type account struct {
	violated   string
	deviations []string
	rows       []told
	missing    []string // what never happens
	folded     int      // steps that are left out as those of the attempt before
	detail     string   // what was wrong at the end of the run
}

// told is a row of a story.
type told struct {
	mark  string // "!", ">" or " "
	who   string // "charge #2"
	words string // "redis GET cart:1"
	rest  string // result, events
	name  string // the invocation, with its attempt, as deviations call it
}

var (
	rowLine   = regexp.MustCompile(`^  ([ >!]) \d\d:\d\d:\d\d\.\d{6}(?: \+\d+d)?  (.*)$`)
	planLine  = regexp.MustCompile(`^  \d+\. (.*)$`)
	foldLine  = regexp.MustCompile(`\.\.\. (\d+) steps? of attempts that go as the one before`)
	columns   = regexp.MustCompile(` {2,}`)
	startLine = regexp.MustCompile(`^(?:starts|gets):? (.*)$`)
)

// read reads a finding.
func read(text string) (*account, error) {
	a := &account{}
	for _, line := range unfolded(text) {
		switch m := rowLine.FindStringSubmatch(line); {
		case m != nil:
			a.row(m[1], m[2])
		case strings.HasPrefix(line, "property "):
			a.violated = line
		case planLine.MatchString(line):
			a.deviations = append(a.deviations, planLine.FindStringSubmatch(line)[1])
		case foldLine.MatchString(line):
			var n int
			_, _ = fmt.Sscan(foldLine.FindStringSubmatch(line)[1], &n)
			a.folded += n
		default:
			if what, ok := strings.CutPrefix(strings.TrimSpace(line), "never happens: "); ok {
				a.missing = append(a.missing, what)
			}
		}
	}
	return a, a.nameAll()
}

// unfolded puts the lines together that were one.
func unfolded(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		inner := strings.TrimLeft(line, " ")
		depth := len(line) - len(inner)
		begins := rowLine.MatchString(line) || planLine.MatchString(line) || strings.HasPrefix(inner, "...") || strings.HasPrefix(inner, "| ") ||
			strings.HasPrefix(inner, "never happens") || inner == "" || depth == 0
		if begins || len(out) == 0 {
			out = append(out, line)
			continue
		}
		gap := " " // of a sentence
		if last := out[len(out)-1]; rowLine.MatchString(last) && !strings.Contains(last, "  -- ") && !strings.Contains(last, "is quiescent: ") {
			gap = "  "
		}
		out[len(out)-1] += gap + inner
	}
	return out
}

// row takes in what stands behind the time.
func (a *account) row(mark, text string) {
	if detail, ok := strings.CutPrefix(text, "the run is quiescent: "); ok {
		a.detail = strings.TrimSpace(strings.TrimSuffix(detail, "VIOLATED"))
		return
	}
	if strings.HasPrefix(text, "-- ") {
		return // the row of the deviation follows
	}
	parts := columns.Split(text, 3)
	for len(parts) < 3 {
		parts = append(parts, "")
	}
	a.rows = append(a.rows, told{mark: mark, who: parts[0], words: parts[1], rest: parts[2]})
}

// nameAll names the invocations by the rows in which they start.
func (a *account) nameAll() error {
	names := map[string]string{}
	for i := range a.rows {
		r := &a.rows[i]
		if m := startLine.FindStringSubmatch(r.words); m != nil {
			function, _, _ := strings.Cut(r.who, " ")
			names[r.who] = invocationName(function, m[1])
		}
		function, number, _ := strings.Cut(r.who, " ")
		switch {
		case names[r.who] != "":
			r.name = names[r.who]
		case strings.HasPrefix(number, "i-"):
			r.name = function + " in the background (on " + number + ")"
		case r.who != "" && strings.Contains(r.who, "#"):
			return fmt.Errorf("%s %s: nobody says what has invoked it", r.who, r.words)
		}
	}
	return nil
}

// invocationName makes of a function and of what invokes it what deviations say.
func invocationName(function, trigger string) string {
	attempt := ""
	for _, suffix := range []string{", again", ", attempt "} {
		if i := strings.LastIndex(trigger, suffix); i >= 0 {
			trigger, attempt = trigger[:i], trigger[i:]+attempt
		}
	}
	if strings.HasSuffix(trigger, ")") {
		return function + " " + trigger + attempt
	}
	return function + " (" + trigger + ")" + attempt
}

// place finds what a deviation names, from a row on: "the start of NAME", "the
// end of NAME", "OPERATION of NAME". It is -1 where the story does not have it.
func (a *account) place(what string) int { return slices.IndexFunc(a.rows, of(what)) }

// last is the last such row: of what is done several times a sentence says no more
// than that one of them came later.
func (a *account) last(what string) int {
	for i := len(a.rows) - 1; i >= 0; i-- {
		if of(what)(a.rows[i]) {
			return i
		}
	}
	return -1
}

func of(what string) func(told) bool {
	return func(r told) bool {
		if r.name == "" {
			return false
		}
		does := r.words
		switch {
		case startLine.MatchString(does):
			does = "the start"
		case does == "ends":
			does = "the end"
		}
		return what == does+" of "+r.name
	}
}

// cause says which row a deviation is, and which other one it names; an error
// where the story leaves that open.
func (a *account) cause(sentence string) (row int, err error) {
	for _, order := range []string{" goes before ", " comes before "} {
		first, second, ok := strings.Cut(sentence, order)
		if !ok {
			continue
		}
		row = a.place(first)
		other := a.last(second)
		switch {
		case row < 0:
			return 0, fmt.Errorf("no row is %q", first)
		case other < 0 && !slices.Contains(a.missing, second):
			return 0, fmt.Errorf("no row is %q, and nothing says that it never happens", second)
		case other >= 0 && other < row:
			return 0, fmt.Errorf("%q stands behind %q", first, second)
		}
		return row, nil
	}
	row = slices.IndexFunc(a.rows, func(r told) bool { return r.mark == "!" && r.is(sentence) })
	if row < 0 {
		return 0, fmt.Errorf("no marked row is of %q", sentence)
	}
	return row, nil
}

// is reports whether a sentence is about the row's invocation, and about what it
// does where the sentence says so.
func (r told) is(sentence string) bool {
	name, attempt, _ := strings.Cut(r.name, ", attempt ")
	rest, ok := strings.CutPrefix(sentence, name)
	if !ok || name == "" {
		return false
	}
	if n, more, ok := strings.Cut(strings.TrimPrefix(rest, ", attempt "), ": "); ok && strings.HasPrefix(rest, ", attempt ") {
		if attempt == "" {
			attempt = "1"
		}
		return n == attempt && (strings.Contains(more, r.words) || r.words == "ends" || startLine.MatchString(r.words))
	}
	return startLine.MatchString(r.words)
}

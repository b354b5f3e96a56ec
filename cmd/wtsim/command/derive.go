package command

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/stream/otlp"
	"github.com/wtsim/wtsim/probe"
)

const deriveExamples = `  wtsim derive --rules rules.yaml --recordings recordings/ > events.ndjson
  wtsim derive --rules rules.yaml --recordings recordings/ | wtsim check --props new.yaml --events -`

// deriveOptions are the flags of `wtsim derive`.
type deriveOptions struct{ rules, recordings string }

// derive prints the events that rules make of recorded operations.
func (a *app) derive(args []string) (int, error) {
	o := &deriveOptions{}
	f := a.flags("derive", " --rules FILE --recordings DIR", deriveExamples)
	f.StringVar(&o.rules, "rules", "", "which operations are events, in YAML: as a scenario's rules, or as wtsim monitor's for spans (docs/production.md)")
	f.StringVar(&o.recordings, "recordings", "", "a directory of files that a recorder has kept, one operation a line, or an exporter of OpenTelemetry, one request in JSON a line; gzip and zstd are recognised")
	if done, err := parse(f, args); done || err != nil {
		return exitHeld, err
	}
	switch {
	case o.rules == "":
		return 0, errors.New("derive: --rules is missing, wanted a file of rules; see wtsim derive --help")
	case o.recordings == "":
		return 0, errors.New("derive: --recordings is missing, wanted a directory; see wtsim derive --help")
	}
	d := &deriver{app: a, seen: map[[2]string]bool{}, numbers: map[string][]uint64{}}
	d.rules, d.badRules = readRules(o.rules)
	d.spanRules, d.badSpanRules = readSpanRules(o.rules)
	if d.badRules != nil && d.badSpanRules != nil {
		return 0, d.badRules
	}
	if err := d.directory(o.recordings); err != nil {
		return 0, err
	}
	if err := d.print(); err != nil {
		return 0, err
	}
	return d.summary(), nil
}

func readRules(name string) (*probe.Rules, error) {
	all, err := parseRules(name)
	if err != nil {
		return nil, err
	}
	return probe.CompileRules(all)
}

// parseRules reads a file of rules, each of which is right.
func parseRules(name string) ([]probe.Rule, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--rules: %w", err)
	}
	var f struct {
		Rules []probe.Rule `yaml:"rules"`
	}
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %s", name, strings.Join(strings.Fields(yaml.FormatError(err, false, false)), " "))
	}
	if len(f.Rules) == 0 {
		return nil, fmt.Errorf("%s: no rules, wanted a list under \"rules\"", name)
	}
	if _, err := probe.CompileRules(f.Rules); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f.Rules, nil
}

// deriver makes events of recordings.
type deriver struct {
	app          *app
	rules        *probe.Rules // of operations
	badRules     error        // why there are none
	spanRules    *otlp.Rules
	badSpanRules error
	seen         map[[2]string]bool  // events by source and id
	numbers      map[string][]uint64 // of all that a source has recorded
	all          []derived
	operations   int
	spans        bool // or log records are recorded
	unmatched    int  // of them
	malformed    int
	gaps         int
}

// derived is an event, and its place.
type derived struct {
	event.Event
	sequence  uint64 // of its operation; 0 if it has none
	effective time.Time
}

func (d *deriver) directory(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("--recordings: %w", err)
	}
	files := 0
	for _, e := range entries { // by name
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		files++
		if err := d.file(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	if files == 0 {
		return fmt.Errorf("--recordings: %s has no files, wanted those that a recorder has kept", dir)
	}
	return nil
}

func (d *deriver) file(name string) error {
	in, err := openEvents(name)
	if err != nil {
		return err
	}
	defer in.Close()
	b := bufio.NewReader(in)
	for n := 1; ; n++ {
		line, err := b.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %w", name, err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			why := d.line(line)
			if errors.Is(why, errRules) {
				return why
			}
			if why != nil {
				d.wrong(fmt.Sprintf("%s:%d: %v", name, n, why))
			}
		}
		if err != nil {
			return nil
		}
	}
}

// line takes one event of a recording: what its operation stands for, or itself.
func (d *deriver) line(text []byte) error {
	e, err := event.Decode(text)
	if err != nil && otlp.IsJSON(text) {
		return d.request(text)
	}
	if err != nil {
		return err
	}
	key := [2]string{e.Source, e.ID}
	if d.seen[key] {
		return nil
	}
	d.number(&e)
	op, isOperation, err := probe.Recorded(&e)
	if err != nil {
		return err
	}
	d.seen[key] = true
	switch {
	case !isOperation && strings.HasPrefix(e.Type, probe.NotePrefix): // of an invocation itself
		return nil
	case !isOperation:
		d.add(e, e)
		return nil
	}
	if d.operations++; d.rules == nil {
		return fmt.Errorf("%w: %w", errRules, d.badRules)
	}
	for i, emitted := range d.rules.Apply(&op) {
		made := e
		made.ID, made.Type, made.Data = fmt.Sprintf("%s.%d", e.ID, i+1), emitted.Type, emitted.Data
		d.add(e, made)
	}
	return nil
}

func (d *deriver) add(of, e event.Event) {
	n, _ := strconv.ParseUint(of.Sequence, 10, 64) // one without stands where it came
	d.all = append(d.all, derived{Event: e, sequence: n, effective: e.Time})
}

// mostMalformed is how many malformed lines are shown.
const mostMalformed = 10

func (d *deriver) wrong(what string) {
	if d.malformed++; d.malformed <= mostMalformed {
		fmt.Fprintf(d.app.stderr, "wtsim: %s\n", what)
	}
}

// print prints the events in order of time, those of one source in its order and
// numbered anew: what the rules leave out is not missing. What was not recorded is:
// there a number is left out.
func (d *deriver) print() error {
	for source, all := range d.numbers { //wtsim:order each on its own
		slices.Sort(all)
		d.numbers[source] = slices.Compact(all)
	}
	slices.SortStableFunc(d.all, func(a, b derived) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), cmp.Compare(a.sequence, b.sequence))
	})
	n := 0
	for i := range d.all {
		x := &d.all[i]
		if i == 0 || d.all[i-1].Source != x.Source {
			n = 0
		} else {
			before := &d.all[i-1]
			if x.effective.Before(before.effective) {
				x.effective = before.effective
			}
			if d.gap(x.Source, before.sequence, x.sequence) {
				n++
				d.gaps++
			}
		}
		n++
		if !x.Lossy { // of which nobody knows what is missing
			x.Sequence = strconv.Itoa(n)
		}
	}
	slices.SortStableFunc(d.all, func(a, b derived) int { return a.effective.Compare(b.effective) })
	out := bufio.NewWriter(d.app.stdout)
	for i := range d.all {
		if _, err := out.Write(append(d.all[i].AppendJSON(nil), '\n')); err != nil {
			return err
		}
	}
	return out.Flush()
}

// number notes the number of what a source has recorded.
func (d *deriver) number(e *event.Event) {
	if n, err := strconv.ParseUint(e.Sequence, 10, 64); err == nil && !e.Lossy {
		d.numbers[e.Source] = append(d.numbers[e.Source], n)
	}
}

// gap tells whether a source has not recorded a number between two of its own; its
// numbers are in order, each once.
func (d *deriver) gap(source string, from, to uint64) bool {
	if from == 0 || to <= from {
		return false
	}
	i, _ := slices.BinarySearch(d.numbers[source], from)
	j, _ := slices.BinarySearch(d.numbers[source], to)
	return uint64(j-i) < to-from
}

// summary tells, on standard error, what there was.
func (d *deriver) summary() int {
	if more := d.malformed - mostMalformed; more > 0 {
		fmt.Fprintf(d.app.stderr, "wtsim: %d more lines are malformed\n", more)
	}
	of := counted(d.operations, "operation")
	if d.spans {
		of += fmt.Sprintf(" and of spans and log records, of which no rule wants %d", d.unmatched)
	}
	fmt.Fprintf(d.app.stderr, "wtsim: %s of %s, %d malformed\n", counted(len(d.all), "event"), of, d.malformed)
	if d.gaps > 0 {
		fmt.Fprintf(d.app.stderr, "wtsim: %s between events, of what was not recorded: numbers are left out there, and wtsim check takes it for missing\n", counted(d.gaps, "gap"))
	}
	if d.malformed > 0 {
		return exitInconclusive
	}
	return exitHeld
}

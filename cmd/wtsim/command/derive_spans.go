package command

import (
	"errors"
	"fmt"
	"os"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor/stream/otlp"
)

// errRules says that a recording has what the rules are not for.
var errRules = errors.New("the rules are not for what is recorded")

func readSpanRules(name string) (*otlp.Rules, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--rules: %w", err)
	}
	return otlp.ParseRules(name, text)
}

// request takes spans or log records, as an exporter of OpenTelemetry has written
// them to a file.
func (d *deriver) request(text []byte) error {
	d.spans = true
	err := d.spanRules.JSON(text, (*spanEvents)(d))
	if errors.Is(err, otlp.ErrNoRules) {
		return fmt.Errorf("%w: %w", errRules, d.badSpanRules)
	}
	return err
}

// spanEvents takes the events of spans.
type spanEvents deriver

// Event takes one; what comes again says nothing new.
func (s *spanEvents) Event(e *event.Event) {
	d := (*deriver)(s)
	key := [2]string{e.Source, e.ID}
	if d.seen[key] {
		return
	}
	d.seen[key] = true
	d.number(e)
	if e.Type != otlp.Placeholder {
		d.add(*e, *e)
	}
}

// Refuse tells what is none.
func (s *spanEvents) Refuse(why string) { (*deriver)(s).wrong(why) }

// Unmatched counts what no rule wants.
func (s *spanEvents) Unmatched() { s.unmatched++ }

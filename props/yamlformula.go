package props

import (
	"errors"

	"github.com/wtsim/wtsim/props/internal/formula"
)

// formula reads a formula with its signature. A mistake in it is told with its
// place in the file.
func (p *patternYAML) formula() (*Property, error) {
	text, err := p.str(p.key, "formula")
	if err != nil {
		return nil, err
	}
	s := Signature{}
	t := p.tree.get("signature")
	if t == nil || t.kind != '{' || len(t.members) == 0 {
		return nil, p.fail(p.tree, "the formula has no \"signature\", or an empty one, wanted the event that each predicate is, such as publish: PUBLISHED(report)")
	}
	for _, m := range t.members {
		if s[m.name.text], err = p.guardedLetter(m.value); err != nil {
			return nil, err
		}
	}
	f := Formula(p.name, text, s)
	var mistake *formula.Error
	if errors.As(f.err, &mistake) {
		line, column := p.within(p.key, mistake.Line, mistake.Column)
		return nil, p.at(line, column, "property %q: formula: %s", p.name, mistake.What)
	}
	return f, nil
}

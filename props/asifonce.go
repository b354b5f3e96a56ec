package props

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Difference is something in which the ends of two runs may differ; see
// [AsIfOnce].
type Difference struct {
	except, mask *regexp.Regexp
	err          error
}

// Except leaves out what is stored under some keys: "redis/seen:*" are those
// of service redis that begin with "seen:". A star stands for any characters.
func Except(keys string) Difference {
	if !strings.Contains(keys, "/") {
		return Difference{err: fmt.Errorf("except %q: no slash, wanted a service and a key, such as \"redis/seen:*\"", keys)}
	}
	parts := strings.Split(keys, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return Difference{except: regexp.MustCompile(`(?s)\A` + strings.Join(parts, ".*") + `\z`)}
}

// Masked takes everything that a regular expression matches, in keys and in
// values, for the same: identifiers that are drawn, and times. Keys that then
// are equal are told apart by their values.
func Masked(expression string) Difference {
	mask, err := regexp.Compile(expression)
	if err != nil {
		err = fmt.Errorf("masked: %w", err)
	}
	return Difference{mask: mask, err: err}
}

// AsIfOnce returns the property that the run ends as if every event had been
// delivered exactly once, and in order: the stores hold what they hold at the
// end of the benign run, up to the differences that are named.
//
// It says the truth only where there is one right end. Where clients race (for
// the last seat, say, or by writing the same key) the benign run's end is one
// of several legal ones, and another is reported as a violation: use it where
// the requests commute, or come from one client. Where a client gives up, or
// the platform may (a dead letter, a trigger without retries), less happens
// than in the benign run, and that is reported too.
func AsIfOnce(name string, differences ...Difference) *Property {
	p := judged(name, "the stores end as in the benign run, where everything happens once and in order", func(r Run) error {
		benign, err := r.Benign()
		if err != nil {
			return err
		}
		return firstDifference(holdings(benign, differences), holdings(r, differences))
	})
	p.once = true
	for _, d := range differences {
		if p.err == nil {
			p.err = d.err
		}
	}
	return p
}

// holding is what a store holds under one key, as far as it matters.
type holding struct{ service, key, value string }

func (h holding) compare(o holding) int {
	return slices.Compare([]string{h.service, h.key, h.value}, []string{o.service, o.key, o.value})
}

// holdings returns what the stores hold, in order, but for the differences.
func holdings(s State, differences []Difference) (all []holding) {
	for _, service := range s.Services() {
		for _, key := range s.Keys(service) {
			if excepted(service+"/"+key, differences) {
				continue
			}
			value, _ := s.Get(service, key)
			all = append(all, holding{service, masked(key, differences), masked(value, differences)})
		}
	}
	slices.SortFunc(all, holding.compare)
	return all
}

func excepted(name string, differences []Difference) bool {
	return slices.ContainsFunc(differences, func(d Difference) bool { return d.except != nil && d.except.MatchString(name) })
}

func masked(text string, differences []Difference) string {
	for _, d := range differences {
		if d.mask != nil {
			text = d.mask.ReplaceAllString(text, "…")
		}
	}
	return text
}

// firstDifference tells the first key whose values differ.
func firstDifference(want, got []holding) error {
	for i := 0; i < max(len(want), len(got)); i++ {
		switch {
		case i < len(want) && i < len(got) && want[i] == got[i]:
		case i < len(want) && i < len(got) && want[i].service == got[i].service && want[i].key == got[i].key:
			return fmt.Errorf("%s holds %s under %q, and %s if everything happens once", got[i].service, shown(got[i].value), got[i].key, shown(want[i].value))
		case i >= len(got) || i < len(want) && want[i].compare(got[i]) < 0:
			return fmt.Errorf("%s holds nothing under %q, and %s if everything happens once", want[i].service, want[i].key, shown(want[i].value))
		default:
			return fmt.Errorf("%s holds %s under %q, and nothing if everything happens once", got[i].service, shown(got[i].value), got[i].key)
		}
	}
	return nil
}

// shown is a stored value on one line, of bounded length.
func shown(value string) string {
	const most = 100
	if r := []rune(value); len(r) > most {
		return fmt.Sprintf("%q...", string(r[:most]))
	}
	return fmt.Sprintf("%q", value)
}

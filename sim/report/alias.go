package report

import (
	"regexp"
	"strings"
	"unicode"
)

// aliases are the short names of long values in a story: their first letters,
// so many that no two of the run are called the same. An alias depends on the
// value, so that it stays the same in another run, and can be searched for.
type aliases map[string]string

// aliasLength is how many letters an alias has at least.
const aliasLength = 8

// longValue is what nobody reads to its end: a UUID, a hash, a token.
var longValue = regexp.MustCompile(`[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[A-Za-z0-9_]{25,}`)

// aliasesOf names the long values of texts.
func aliasesOf(texts []string) aliases {
	a, taken := aliases{}, map[string]string{}
	for _, text := range texts {
		for _, v := range longValue.FindAllString(text, -1) {
			if a[v] != "" || !strings.ContainsFunc(v, unicode.IsDigit) { // else it is words
				continue
			}
			n := aliasLength
			for taken[v[:n]] != "" && n < len(v) {
				n++
			}
			if n < len(v) {
				taken[v[:n]], a[v] = v, v[:n]+"…"
			}
		}
	}
	return a
}

// in puts the aliases in the place of the values.
func (a aliases) in(text string) string {
	if len(a) == 0 {
		return text
	}
	return longValue.ReplaceAllStringFunc(text, func(v string) string {
		if short := a[v]; short != "" {
			return short
		}
		return v
	})
}

// aliases are those of the report.
func (r *Report) aliases() aliases {
	texts := make([]string, 0, 4*len(r.Timeline.Rows))
	for i := range r.Timeline.Rows {
		row := &r.Timeline.Rows[i]
		texts = append(texts, row.What, row.Trigger.String(), row.Status, row.EventsText())
	}
	return aliasesOf(append(texts, Notes(r.Deviations)...))
}

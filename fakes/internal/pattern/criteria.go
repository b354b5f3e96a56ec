package pattern

import "fmt"

// Criteria are the filters of an event source mapping: a record passes if it matches
// one of them, or there are none. What does not pass is discarded, a message of a queue
// deleted.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
type Criteria []*Pattern

// mostFilters are those of a mapping, with the quota raised: 5 without.
const mostFilters = 10

// CompileCriteria reads the filters of a mapping: a pattern each.
func CompileCriteria(filters []string) (c Criteria, err error) {
	if len(filters) > mostFilters {
		return nil, fmt.Errorf("it has %d filters, wanted at most %d", len(filters), mostFilters)
	}
	for n, text := range filters {
		p, err := Compile(text, Event)
		if err != nil {
			return nil, fmt.Errorf("filter %d: %w", n+1, err)
		}
		c = append(c, p)
	}
	return c, nil
}

// Pass reports whether a record, as [Decode] reads it, passes.
func (c Criteria) Pass(record any) bool {
	for _, p := range c {
		if p.Matches(record) {
			return true
		}
	}
	return len(c) == 0
}

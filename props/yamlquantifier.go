package props

import "strings"

// The keys of variables.
const (
	forallKey      = "forall"
	existsKey      = "exists"
	existsEachTime = "exists each time"
	quantifiersKey = "quantifiers"
)

// quantifiers reads the variables and what must do for them.
func (m *machineYAML) quantifiers(t *tree) (err error) {
	if order := t.get(quantifiersKey); order != nil {
		return m.ordered(t, order)
	}
	if all := t.get(forallKey); all != nil {
		if m.spec.variables, err = m.strings(all, forallKey); err != nil {
			return err
		}
	}
	some, key := t.get(existsKey), existsKey
	if each := t.get(existsEachTime); each != nil {
		if some != nil {
			return m.fail(each, "%q beside %q, wanted one of the two", existsEachTime, existsKey)
		}
		some, key, m.spec.eachTime = each, existsEachTime, true
	}
	if some == nil {
		return nil
	}
	names, err := m.strings(some, key)
	if err == nil && len(names) == 0 {
		err = m.fail(some, "%s is empty, wanted a list of variables", key)
	}
	for _, name := range names {
		m.spec.inner = append(m.spec.inner, inner{name: name})
	}
	return err
}

// ordered reads all variables in their order.
func (m *machineYAML) ordered(t, order *tree) error {
	for _, key := range []string{forallKey, existsKey, existsEachTime} {
		if other := t.get(key); other != nil {
			return m.fail(other, "%q beside %q, wanted all variables in one of them", key, quantifiersKey)
		}
	}
	items, err := m.strings(order, quantifiersKey)
	if err != nil {
		return err
	}
	q := Quantifier{}
	for i, item := range items {
		quantifier, name, _ := strings.Cut(item, " ")
		switch name = strings.TrimSpace(name); {
		case name == "" || strings.Contains(name, " "):
			return m.fail(order.items[i], "quantifier %q, wanted one such as \"forall user\" or \"exists reviewer\"", item)
		case quantifier == forallKey:
			q = q.ForAll(name)
		case quantifier == existsKey:
			q = q.Exists(name)
		default:
			return m.fail(order.items[i], "quantifier %q, wanted one such as \"forall user\" or \"exists reviewer\"", item)
		}
	}
	m.spec.variables, m.spec.inner = q.variables, q.inner
	return nil
}

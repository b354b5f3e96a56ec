package scaffold

import (
	"fmt"
	"slices"
)

// tree is a part of what a file says that has no type of its own.
type tree struct{ v any }

// at goes down, by names and by places in lists.
func (t tree) at(steps ...any) tree {
	for _, step := range steps {
		switch key := step.(type) {
		case string:
			m, _ := t.v.(map[string]any)
			t = tree{m[key]}
		case int:
			list, _ := t.v.([]any)
			if key >= len(list) {
				return tree{}
			}
			t = tree{list[key]}
		}
	}
	return t
}

func (t tree) text() string {
	switch v := t.v.(type) {
	case string:
		return v
	case nil, unknown, map[string]any, []any:
		return ""
	default:
		return fmt.Sprint(v)
	}
}

func (t tree) number() int {
	switch v := t.v.(type) {
	case float64:
		return int(v)
	case uint64:
		return int(v)
	case int64:
		return int(v)
	case string:
		n := 0
		_, _ = fmt.Sscan(v, &n) // what is none is 0, as what is not said
		return n
	}
	return 0
}

func (t tree) yes() bool { v, _ := t.v.(bool); return v }

func (t tree) list() (all []tree) {
	list, _ := t.v.([]any)
	for _, v := range list {
		all = append(all, tree{v})
	}
	return all
}

func (t tree) names() (all []string) {
	m, _ := t.v.(map[string]any)
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func (t tree) texts() (all []string) {
	for _, x := range t.list() {
		all = append(all, x.text())
	}
	return all
}

// seconds is a number of them as a duration.
func (t tree) seconds() string {
	if n := t.number(); n > 0 {
		return fmt.Sprintf("%ds", n)
	}
	return ""
}

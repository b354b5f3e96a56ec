package dynamodb

import "strconv"

// projection reads paths with commas between.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html
func (p *parser) projection() ([]path, error) {
	var out []path
	for {
		path, err := p.path()
		if err != nil {
			return nil, err
		}
		p.apart(out, path)
		out = append(out, path)
		if !p.takes(",") {
			return out, nil
		}
	}
}

// apart refuses a path that overlaps with another of the same expression, or
// that takes for a list what another takes for a map.
func (p *parser) apart(others []path, path path) {
	for _, o := range others {
		tail := "; must remove or rewrite one of these paths; path one: " + o.String() + ", path two: " + path.String()
		same := true
		for i := 0; same && i < min(len(o), len(path)); i++ {
			if (o[i].name == "") != (path[i].name == "") {
				p.wrong(rankOverlap, "Two document paths conflict with each other"+tail)
			}
			same = o[i] == path[i]
		}
		if same {
			p.wrong(rankOverlap, "Two document paths overlap with each other"+tail)
		}
	}
}

// part is what of a value is asked for: all of it, or some of what it has.
type part struct {
	all   bool
	below map[step]*part
	order []step // of below
}

func (t *part) add(p path) {
	if len(p) == 0 {
		t.all = true
		return
	}
	next := t.below[p[0]]
	if next == nil {
		next = &part{}
		if t.below == nil {
			t.below = map[step]*part{}
		}
		t.below[p[0]] = next
		t.order = append(t.order, p[0])
	}
	next.add(p[1:])
}

// of is what of a value is asked for; nil if it has none of it. What is left of
// a list closes up, in the list's order.
func (t *part) of(v *value) *value {
	if t.all {
		return v
	}
	out := &value{kind: v.kind}
	switch v.kind {
	case "M":
		out.m = map[string]*value{}
		for _, s := range t.order {
			if has := v.m[s.name]; has != nil && s.name != "" {
				if some := t.below[s].of(has); some != nil {
					out.m[s.name] = some
				}
			}
		}
		if len(out.m) > 0 {
			return out
		}
	case "L":
		for i, has := range v.l {
			if below := t.below[step{index: i}]; below != nil {
				if some := below.of(has); some != nil {
					out.l = append(out.l, some)
				}
			}
		}
		if len(out.l) > 0 {
			return out
		}
	}
	return nil
}

// only is the item with nothing but what the paths name.
func (it item) only(paths []path) item {
	var t part
	for _, p := range paths {
		t.add(p)
	}
	out := item{}
	for _, s := range t.order {
		if has := it[s.name]; has != nil {
			if some := t.below[s].of(has); some != nil {
				out[s.name] = some
			}
		}
	}
	return out
}

// names are paths of whole attributes.
func names(attributes ...string) []path {
	var out []path
	for _, a := range attributes {
		out = append(out, path{{name: a}})
	}
	return out
}

// mostDepth is how far values may be nested.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-attributes
const mostDepth = 32

// checkDepth refuses what is nested too far.
func (it item) checkDepth() error {
	for _, v := range it { //wtsim:order all have one error
		if v.depth() > mostDepth {
			return invalid("Nesting Levels have exceeded supported limits: Attributes depth exceeded the limit of " + strconv.Itoa(mostDepth))
		}
	}
	return nil
}

package scaffold

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// unknown stands for what is not known before a template is deployed, as the
// template has it.
type unknown string

// tagged is a file of YAML, or JSON, as a tree in which the short forms of
// CloudFormation's functions have their long one: !Ref x is {Ref: x}.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
func tagged(text []byte) (tree, error) {
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		return tree{}, notYAML(err)
	}
	r := reader{anchors: map[string]any{}}
	for _, doc := range f.Docs {
		if doc.Body != nil {
			return tree{r.value(doc.Body)}, nil
		}
	}
	return tree{}, nil
}

// reader makes a tree of nodes.
type reader struct{ anchors map[string]any }

func (r *reader) value(n ast.Node) any {
	switch n := n.(type) {
	case *ast.TagNode:
		return r.function(strings.TrimPrefix(n.Start.Value, "!"), n.Value)
	case *ast.AnchorNode:
		v := r.value(n.Value)
		r.anchors[n.Name.String()] = v
		return v
	case *ast.AliasNode:
		return r.anchors[n.Value.String()]
	case *ast.MappingNode:
		out := map[string]any{}
		for _, pair := range n.Values {
			r.pair(out, pair)
		}
		return out
	case *ast.MappingValueNode:
		out := map[string]any{}
		r.pair(out, n)
		return out
	case *ast.SequenceNode:
		out := []any{}
		for _, x := range n.Values {
			out = append(out, r.value(x))
		}
		return out
	case ast.ScalarNode:
		return n.GetValue()
	}
	return nil
}

// pair adds a key and its value; what is merged (<<) does not replace.
func (r *reader) pair(to map[string]any, pair *ast.MappingValueNode) {
	v := r.value(pair.Value)
	if _, merge := pair.Key.(*ast.MergeKeyNode); merge {
		from, _ := v.(map[string]any)
		for key, v := range from { //wtsim:order a map to a map
			if _, ok := to[key]; !ok {
				to[key] = v
			}
		}
		return
	}
	to[fmt.Sprint(r.value(pair.Key))] = v
}

// function is a call in its long form; a tag that is none of a function is passed
// over.
func (r *reader) function(name string, argument ast.Node) any {
	v := r.value(argument)
	switch name {
	case "Ref", "Condition":
		return map[string]any{name: v}
	case "GetAtt", "Sub", "Join", "FindInMap", "If", "Select", "Split", "ImportValue", "Equals", "Not", "And", "Or", "Base64", "GetAZs", "Cidr", "Transform", "ToJsonString", "Length":
		return map[string]any{"Fn::" + name: v}
	}
	return v
}

// resolver finds what calls of functions mean in a template.
type resolver struct {
	template tree
	pseudo   map[string]string                      // AWS::Region and its like
	of       func(id, attribute string) (any, bool) // what a resource is known by; of no attribute, Ref's
	seen     []string                               // conditions under way
}

// value is a part of a template with all calls resolved, as far as they are.
func (r *resolver) value(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			for name, argument := range v { //wtsim:order there is one
				if name == "Ref" || strings.HasPrefix(name, "Fn::") {
					return r.call(name, argument)
				}
			}
		}
		out := map[string]any{}
		for name, x := range v { //wtsim:order a map to a map
			if x = r.value(x); x != noValue {
				out[name] = x
			}
		}
		return out
	case []any:
		out := []any{}
		for _, x := range v {
			if x = r.value(x); x != noValue {
				out = append(out, x)
			}
		}
		return out
	}
	return v
}

// noValue is AWS::NoValue: as if the key were not there.
const noValue = unknown("AWS::NoValue")

func (r *resolver) call(name string, argument any) any {
	if name == "Fn::If" {
		return r.chosen(argument)
	}
	if name != "Ref" && name != "Fn::GetAtt" {
		argument = r.value(argument)
	}
	a := tree{argument}
	var out any
	switch name {
	case "Ref":
		out = r.ref(a.text())
	case "Fn::GetAtt":
		id, attribute, _ := strings.Cut(a.text(), ".")
		if list := a.texts(); len(list) > 1 {
			id, attribute = list[0], strings.Join(list[1:], ".")
		}
		out = r.attribute(id, attribute)
	case "Fn::Sub":
		out = r.sub(a)
	case "Fn::Join":
		out = joined(a)
	case "Fn::FindInMap":
		out = r.value(r.template.at("Mappings", a.at(0).text(), a.at(1).text(), a.at(2).text()).v)
	case "Fn::Select":
		out = a.at(1, a.at(0).number()).v
	case "Fn::Split":
		if text, ok := a.at(1).v.(string); ok && a.at(0).text() != "" {
			var parts []any
			for _, x := range strings.Split(text, a.at(0).text()) {
				parts = append(parts, x)
			}
			out = parts
		}
	}
	if out == nil {
		out = unknown(fmt.Sprintf("!%s %s", strings.TrimPrefix(name, "Fn::"), spelled(argument)))
	}
	return out
}

// spelled is what a template has somewhere, for people.
func spelled(v any) string {
	if list, ok := v.([]any); ok {
		var parts []string
		for _, x := range list {
			parts = append(parts, spelled(x))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v)
}

// ref is a parameter's default, a resource's name, or a pseudo parameter.
func (r *resolver) ref(name string) any {
	if name == string(noValue) {
		return noValue
	}
	if v, ok := r.pseudo[name]; ok {
		return v
	}
	if p := r.template.at("Parameters", name); p.v != nil {
		if v := p.at("Default").v; v != nil && !strings.HasPrefix(p.at("Type").text(), "AWS::SSM::") {
			return v
		}
		return nil
	}
	return r.attribute(name, "")
}

func (r *resolver) attribute(id, attribute string) any {
	if v, ok := r.of(id, attribute); ok {
		return v
	}
	return nil
}

var variable = regexp.MustCompile(`\$\{([^!}][^}]*)\}`)

// sub replaces ${Name}, ${Resource.Attribute}, and names of a mapping of its own.
func (r *resolver) sub(a tree) any {
	text, own := a.text(), tree{}
	if list := a.list(); len(list) == 2 {
		text, own = list[0].text(), list[1]
	}
	var left any
	out := variable.ReplaceAllStringFunc(text, func(m string) string {
		name := strings.TrimSpace(m[2 : len(m)-1])
		v := own.at(name).v
		if v == nil {
			if id, attribute, dotted := strings.Cut(name, "."); dotted {
				v = r.attribute(id, attribute)
			} else {
				v = r.ref(name)
			}
		}
		if _, is := v.(unknown); is || v == nil {
			left = unknown("!Sub " + text)
		}
		return tree{v}.text()
	})
	if left != nil {
		return left
	}
	return strings.ReplaceAll(out, "${!", "${")
}

func joined(a tree) any {
	list, ok := a.at(1).v.([]any)
	if !ok {
		return nil
	}
	var parts []string
	for _, x := range list {
		if _, is := x.(unknown); is {
			return nil
		}
		parts = append(parts, tree{x}.text())
	}
	return strings.Join(parts, a.at(0).text())
}

// chosen is one of the two values of Fn::If.
func (r *resolver) chosen(argument any) any {
	a := tree{argument}
	holds, known := r.condition(a.at(0).text())
	switch {
	case !known:
		return unknown("!If " + a.at(0).text())
	case holds:
		return r.value(a.at(1).v)
	}
	return r.value(a.at(2).v)
}

// condition reports whether one of the template's holds, if that is known.
func (r *resolver) condition(name string) (holds, known bool) {
	c := r.template.at("Conditions", name)
	if c.v == nil || slices.Contains(r.seen, name) {
		return false, false
	}
	r.seen = append(r.seen, name)
	defer func() { r.seen = r.seen[:len(r.seen)-1] }()
	return r.holds(c)
}

func (r *resolver) holds(c tree) (holds, known bool) {
	m, _ := c.v.(map[string]any)
	for name, argument := range m { //wtsim:order there is one
		a := tree{argument}
		switch name {
		case "Condition":
			return r.condition(a.text())
		case "Fn::Equals":
			x, y := r.value(a.at(0).v), r.value(a.at(1).v)
			_, xUnknown := x.(unknown)
			_, yUnknown := y.(unknown)
			return tree{x}.text() == tree{y}.text(), !xUnknown && !yUnknown
		case "Fn::Not":
			holds, known = r.holds(a.at(0))
			return !holds, known
		case "Fn::And", "Fn::Or":
			holds, known = name == "Fn::And", true
			for _, x := range a.list() {
				h, k := r.holds(x)
				if k && h != (name == "Fn::And") {
					return h, true
				}
				known = known && k
			}
			return holds, known
		}
	}
	return false, false
}

package dynamodb

import "strings"

// keyCondition is which items of a view a query is about.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
type keyCondition struct {
	partition *value
	sort      *node // nil for all
}

// keyConditions reads a key condition expression into its terms.
func (p *parser) keyConditions() ([]*node, error) {
	n, err := p.condition()
	if err != nil {
		return nil, err
	}
	return p.terms(n)
}

// terms are what stands between ANDs.
func (p *parser) terms(n *node) ([]*node, error) {
	switch n.op {
	case "and":
		left, err := p.terms(n.args[0])
		if err != nil {
			return nil, err
		}
		right, err := p.terms(n.args[1])
		return append(left, right...), err
	case "or", "not", "in", "<>":
		return nil, invalid("Invalid operator used in KeyConditionExpression: " + strings.ToUpper(n.op))
	case "call":
		if n.name != "begins_with" {
			return nil, invalid("Invalid operator used in KeyConditionExpression: " + n.name)
		}
	}
	return []*node{n}, nil
}

// turned are the comparisons with their sides changed.
var turned = map[string]string{"=": "=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}

// attribute is the name that a term is about; a value before it changes its
// side.
func (n *node) attribute() (string, error) {
	if to := turned[n.op]; to != "" && n.args[0].op == "value" && n.args[1].op == "path" {
		n.op, n.args[0], n.args[1] = to, n.args[1], n.args[0]
	}
	for i, a := range n.args {
		switch {
		case i == 0 && a.op != "path":
			return "", invalid("Invalid condition in KeyConditionExpression: No key attribute specified")
		case i > 0 && a.op == "path":
			return "", invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
		case a.op == "path" && len(a.path) > 1:
			return "", invalid("KeyConditionExpressions cannot have conditions on nested attributes")
		case i > 0 && a.op != "value":
			return "", invalid("Invalid operator used in KeyConditionExpression: " + a.name)
		}
	}
	return n.args[0].path[0].name, nil
}

// conditionOf makes of the terms what they ask of a view.
func (t *table) conditionOf(v *view, terms []*node) (*keyCondition, error) {
	by := map[string]*node{}
	for _, n := range terms {
		name, err := n.attribute()
		if err != nil {
			return nil, err
		}
		if by[name] != nil {
			return nil, invalid("KeyConditionExpressions must only contain one condition per key")
		}
		by[name] = n
	}
	if len(by) > 2 {
		return nil, invalid("Conditions can be of length 1 or 2 only")
	}
	for i, name := range v.names() {
		n := by[name]
		switch {
		case n == nil && (i == 0 || len(by) > 1):
			return nil, invalid("Query condition missed key schema element: " + name)
		case i == 0 && n.op != "=":
			return nil, invalid("Query key condition not supported")
		case n != nil:
			if err := t.fits(name, n); err != nil {
				return nil, err
			}
		}
	}
	if len(by) > len(v.names()) {
		return nil, invalid("Query key condition not supported")
	}
	return &keyCondition{by[v.partition].args[1].val, by[v.sort]}, nil
}

// fits refuses values that a key cannot have.
func (t *table) fits(name string, n *node) error {
	for _, a := range n.args[1:] {
		switch {
		case a.val.kind != t.types[name]:
			return invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
		case a.val.kind != "N" && a.val.s == "" && n.op == "=":
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty " +
				emptyNames[a.val.kind] + " value. Key: " + name)
		}
	}
	return nil
}

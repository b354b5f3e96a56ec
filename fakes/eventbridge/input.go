package eventbridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/fakes/internal/pattern"
)

// Input is what a target gets instead of the event: one of a text, a part of the
// event, or a template with parts of it. The zero value is the event itself.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
type Input struct {
	Text string // JSON
	Path string // $.detail.order
	// Template is JSON in which <name> stands for what Paths has of that name, or
	// for <aws.events.event>, <aws.events.event.json>, <aws.events.rule-name>,
	// <aws.events.rule-arn>, <aws.events.event.ingestion-time>. What is not there
	// is nothing within a text, and null elsewhere.
	Template string
	Paths    map[string]string // $.detail.order, by name
}

// input is one, compiled.
type input struct {
	Input
	path  path
	paths map[string]path
}

// compile reads paths, and finds what a template names.
func (i Input) compile() (out *input, err error) {
	set := 0
	for _, s := range []string{i.Text, i.Path, i.Template} {
		if s != "" {
			set++
		}
	}
	switch {
	case set > 1:
		return nil, errors.New("its Input has more than one of Text, Path and Template")
	case i.Text != "" && !json.Valid([]byte(i.Text)):
		return nil, errors.New("the Text of its Input is no JSON")
	case i.Template == "" && len(i.Paths) > 0:
		return nil, errors.New("its Input has Paths without a Template")
	}
	out = &input{Input: i, paths: map[string]path{}}
	if i.Path != "" {
		if out.path, err = parsePath(i.Path); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(i.Paths)) {
		if out.paths[name], err = parsePath(i.Paths[name]); err != nil {
			return nil, err
		}
	}
	return out, out.known()
}

// known reports the first name in a template that nothing has.
func (i *input) known() (err error) {
	i.fill(func(name string) any {
		if _, ok := i.Paths[name]; !ok && !slices.Contains(reserved, name) && err == nil {
			err = fmt.Errorf("the Template of its Input has <%s>, which its Paths do not have", name)
		}
		return nil
	})
	return err
}

// reserved are the names that every template has.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html#eb-transform-input-predefined
var reserved = []string{"aws.events.event", "aws.events.event.json", "aws.events.rule-name", "aws.events.rule-arn", "aws.events.event.ingestion-time"}

// fill puts values in the place of names: as JSON, or within a text as its
// letters.
func (i *input) fill(value func(name string) any) []byte {
	var out bytes.Buffer
	t, within := i.Template, false
	for at := 0; at < len(t); at++ {
		end := -1
		if t[at] == '<' {
			end = strings.IndexByte(t[at:], '>')
		}
		switch {
		case end > 0 && !strings.ContainsAny(t[at:at+end], " \""):
			v := value(t[at+1 : at+end])
			text := encode(v)
			if s, ok := v.(string); within && ok {
				text = strings.Trim(encode(s), `"`)
			} else if within && v == nil {
				text = ""
			} else if within {
				text = strings.Trim(encode(text), `"`)
			}
			out.WriteString(text)
			at += end
			continue
		case t[at] == '\\' && within && at+1 < len(t):
			out.WriteByte(t[at])
			at++
		case t[at] == '"':
			within = !within
		}
		out.WriteByte(t[at])
	}
	return out.Bytes()
}

func encode(v any) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // it comes from JSON
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// of is what a target gets of an event that a rule lets through.
func (i *input) of(e *occurrence, r *rule) []byte {
	switch {
	case i.Text != "":
		return []byte(i.Text)
	case i.Path != "":
		v, _ := i.path.of(e.value)
		return []byte(encode(v))
	case i.Template == "":
		return e.text
	}
	return i.fill(func(name string) any {
		switch name {
		case "aws.events.event":
			return without(e.value, "detail")
		case "aws.events.event.json":
			return e.value
		case "aws.events.rule-name":
			return r.Name
		case "aws.events.rule-arn":
			return r.arn()
		case "aws.events.event.ingestion-time":
			return e.at.UTC().Format("2006-01-02T15:04:05.000Z")
		}
		v, _ := i.paths[name].of(e.value)
		return v
	})
}

// without is the event but for a member of it.
func without(v any, name string) map[string]any {
	out := map[string]any{}
	for k, x := range v.(map[string]any) { //wtsim:order a map to a map
		if k != name {
			out[k] = x
		}
	}
	return out
}

// path is a way into JSON: names, and numbers of elements.
type path []any

// parsePath reads $.detail.items[0].name: what of JSONPath is without a wildcard.
func parsePath(s string) (path, error) {
	wrong := fmt.Errorf("%q is no path, wanted such as $.detail.items[0].name", s)
	rest, ok := strings.CutPrefix(s, "$")
	if !ok {
		return nil, wrong
	}
	out := path{}
	for rest != "" {
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			if end == 0 || strings.ContainsAny(rest[1:end+1], "*? ") {
				return nil, wrong
			}
			out, rest = append(out, rest[1:end+1]), rest[end+1:]
		case '[':
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, wrong
			}
			n, err := strconv.Atoi(rest[1:end])
			if err != nil || n < 0 {
				return nil, wrong
			}
			out, rest = append(out, n), rest[end+1:]
		default:
			return nil, wrong
		}
	}
	return out, nil
}

// of is what is there; nil and false where nothing is.
func (p path) of(v any) (any, bool) {
	for _, step := range p {
		switch step := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			x, ok := object[step]
			if !ok {
				return nil, false
			}
			v = x
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil, false
			}
			v = list[step]
		}
	}
	return v, true
}

// read reads JSON that is known to be some.
func read(text []byte) any {
	v, err := pattern.Decode(text)
	if err != nil {
		panic(err) // it was checked, or made by us
	}
	return v
}

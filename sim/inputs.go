package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/wtsim/wtsim/probe"
)

// Inputs are the choices that a scenario's workload is made from, see
// [Scenario.Generate]. Each is drawn under a name; a seed decides it, or a
// counterexample file, whose "inputs" are all that was drawn, as one JSON
// object. What a file does not have is the simplest choice.
//
// A choice depends on the seed and its name, and not on what was drawn before,
// so that a shrink changes nothing but what it means to.
type Inputs struct {
	top    *drawing
	path   string         // of this object, such as "customers/2/"
	values map[string]any // by name: int, bool, string, or []any of map[string]any
}

// drawing is what all objects of one generation share.
type drawing struct {
	seed *uint64 // nil: as given, and simplest where nothing is
	all  []draw
	err  error // the first given value that was not wanted
}

// draw is one choice that was made.
type draw struct {
	in    *Inputs
	name  string
	least int // of a number, or of a list's length; 0 for a bool or the first option
	value int // a number, a length, 0 or 1, the index of an option
	make  func(value int) any
	list  bool
}

// Int draws a number from least to most; least is the simplest.
func (in *Inputs) Int(name string, least, most int) int {
	n := in.choose(name, least, most, func(v any) (int, bool) { n, ok := v.(int); return n, ok }, fmt.Sprintf("a number from %d to %d", least, most))
	in.keep(draw{name: name, least: least, value: n, make: func(v int) any { return v }})
	return n
}

// Bool draws true or false, which is the simplest.
func (in *Inputs) Bool(name string) bool {
	n := in.choose(name, 0, 1, func(v any) (int, bool) {
		b, ok := v.(bool)
		return map[bool]int{true: 1}[b], ok
	}, "true or false")
	in.keep(draw{name: name, value: n, make: func(v int) any { return v == 1 }})
	return n == 1
}

// Pick draws one of the options; the first is the simplest.
func (in *Inputs) Pick(name string, options ...string) string {
	n := in.choose(name, 0, len(options)-1, func(v any) (int, bool) {
		s, ok := v.(string)
		return slices.Index(options, s), ok
	}, fmt.Sprintf("one of %q", options))
	in.keep(draw{name: name, value: n, make: func(v int) any { return options[v] }})
	return options[n]
}

// List draws from least to most objects; each makes one of them, the k-th from
// 0. A shrink takes away any of them.
func (in *Inputs) List(name string, least, most int, each func(k int, in *Inputs)) {
	given, _ := in.values[name].([]any)
	n := in.choose(name, least, most, func(v any) (int, bool) { l, ok := v.([]any); return len(l), ok }, fmt.Sprintf("a list of %d to %d", least, most))
	list := make([]any, n)
	in.keep(draw{name: name, least: least, value: n, list: true})
	in.values[name] = list
	for k := range n {
		values := map[string]any{}
		if k < len(given) {
			object, ok := given[k].(map[string]any)
			if !ok {
				in.wrong(fmt.Sprintf("%s%s/%d", in.path, name, k), given[k], "an object")
			}
			maps.Copy(values, object)
		}
		list[k] = values
		element := &Inputs{top: in.top, path: fmt.Sprintf("%s%s/%d/", in.path, name, k), values: values}
		each(k, element)
		element.finish()
	}
}

// choose returns the choice that was given, or that the seed makes: one in
// eight is the least, one in eight the most.
func (in *Inputs) choose(name string, least, most int, read func(any) (int, bool), wanted string) int {
	if most < least {
		panic(probe.Mistake(fmt.Sprintf("the input %q is drawn from %d to %d, wanted at least one choice", in.path+name, least, most)))
	}
	if slices.ContainsFunc(in.top.all, func(d draw) bool { return d.in.path == in.path && d.name == name }) {
		panic(probe.Mistake(fmt.Sprintf("the input %q is drawn twice, wanted a name for each", in.path+name)))
	}
	if v, ok := in.values[name]; ok {
		if n, ok := read(v); ok && n >= least && n <= most {
			return n
		}
		in.wrong(in.path+name, v, wanted)
		return least
	}
	if in.top.seed == nil {
		return least
	}
	sum := fnv.New64a()
	_, _ = io.WriteString(sum, in.path+name)
	r := rand.New(rand.NewPCG(*in.top.seed, sum.Sum64()))
	switch r.IntN(8) {
	case 0:
		return least
	case 1:
		return most
	}
	return least + r.IntN(most-least+1)
}

func (in *Inputs) keep(d draw) {
	d.in = in
	in.top.all = append(in.top.all, d)
	if d.make != nil {
		in.values[d.name] = d.make(d.value)
	}
}

func (in *Inputs) wrong(path string, v any, wanted string) {
	if in.top.err == nil {
		text, _ := json.Marshal(v) // it came from JSON
		in.top.err = fmt.Errorf("inputs: %s is %s, wanted %s", path, text, wanted)
	}
}

// finish looks for what was given and not drawn.
func (in *Inputs) finish() {
	for _, name := range slices.Sorted(maps.Keys(in.values)) {
		if !slices.ContainsFunc(in.top.all, func(d draw) bool { return d.in.path == in.path && d.name == name }) && in.top.err == nil {
			in.top.err = fmt.Errorf("inputs: the scenario does not draw %q, wanted what it draws", in.path+name)
		}
	}
}

// generate makes a scenario from its generator.
func generate(s Scenario, seed *uint64, given map[string]any) (Scenario, *drawing, error) {
	top := &drawing{seed: seed}
	in := &Inputs{top: top, values: given}
	s.Clients, s.Services = slices.Clip(s.Clients), slices.Clip(s.Services) // what is appended is this run's
	s.Generate(in, &s)
	in.finish()
	s.Inputs = in.values
	return s, top, top.err
}

// Drawn returns the simulation with the inputs of a seed; itself if the
// scenario draws none. The error is a scenario that is not valid.
func (s *Simulation) Drawn(seed uint64) (*Simulation, error) {
	if s.general == nil || s.fixed {
		return s, nil
	}
	return s.draw(&seed, map[string]any{})
}

// With returns the simulation with the inputs of a counterexample file, whatever
// the seed; itself if the scenario draws none. The error is one line: what is wrong with them.
func (s *Simulation) With(inputs json.RawMessage) (*Simulation, error) {
	if s.general == nil {
		return s, nil
	}
	values, err := readInputs(inputs)
	if err != nil {
		return nil, err
	}
	fixed, err := s.draw(nil, values)
	if err != nil {
		return nil, err
	}
	fixed.fixed = true
	return fixed, nil
}

// readInputs reads an object, numbers as int.
func readInputs(raw json.RawMessage) (map[string]any, error) {
	values := map[string]any{}
	if len(raw) == 0 {
		return values, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&values); err != nil && err != io.EOF {
		return nil, fmt.Errorf("inputs: %w, wanted an object", err)
	}
	if values == nil { // null
		values = map[string]any{}
	}
	return integers(values).(map[string]any), nil
}

func integers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			return n
		}
	case []any:
		for i := range v {
			v[i] = integers(v[i])
		}
	case map[string]any:
		for name, x := range v { //wtsim:order each by itself
			v[name] = integers(x)
		}
	}
	return v
}

// draw makes the simulation with other inputs: the same world, and runs of the
// same kind.
func (s *Simulation) draw(seed *uint64, given map[string]any) (*Simulation, error) {
	scenario, made, err := generate(*s.general, seed, given)
	if err != nil {
		return nil, fmt.Errorf("scenario %q: %w", s.general.Name, err)
	}
	out, err := compileDrawn(scenario)
	if err != nil {
		return nil, err
	}
	if lacking := s.scenario.without; lacking != "" {
		if out, err = out.Without(lacking); err != nil {
			return nil, err
		}
	}
	out.general, out.draws = s.general, made
	out.watchdog = s.watchdog
	return out, nil
}

// Draws is how many choices were drawn for the simulation's inputs; 0 if the
// scenario draws none.
func (s *Simulation) Draws() int {
	if s.draws == nil {
		return 0
	}
	return len(s.draws.all)
}

// Smaller lists inputs that differ from the simulation's in the i-th choice
// alone, which is simpler there: lists lose elements, numbers come nearer to
// the least, options to the first. The largest steps come first. They may not
// be valid: another choice that depends on this one can be out of range.
func (s *Simulation) Smaller(i int) iter.Seq[json.RawMessage] {
	return func(yield func(json.RawMessage) bool) {
		d := s.draws.all[i]
		for value := range d.smaller() {
			if raw, ok := s.inputsWith(d, value); ok && !yield(raw) {
				return
			}
		}
	}
}

// smaller lists simpler values of a choice.
func (d draw) smaller() iter.Seq[any] {
	return func(yield func(any) bool) {
		if !d.list {
			for gap := d.value - d.least; gap > 0; gap /= 2 { // the least, half way, ..., one less
				if !yield(d.make(d.value - gap)) {
					return
				}
			}
			return
		}
		list := d.in.values[d.name].([]any)
		for size := max(1, (d.value-d.least)/2); size > 0; size /= 2 {
			for from := 0; from+size <= d.value && d.value-size >= d.least; from++ {
				if !yield(append(append([]any{}, list[:from]...), list[from+size:]...)) {
					return
				}
			}
		}
	}
}

// inputsWith are the inputs with another value for one choice.
func (s *Simulation) inputsWith(d draw, value any) (json.RawMessage, bool) {
	before := d.in.values[d.name]
	d.in.values[d.name] = value
	raw, err := json.Marshal(s.scenario.Inputs)
	d.in.values[d.name] = before
	return raw, err == nil // they are numbers, strings and lists
}

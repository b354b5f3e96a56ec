package config

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"

	"github.com/wtsim/wtsim/props"
)

// final is a property of what the stores hold at the end of a run.
type final struct {
	Name   string  `yaml:"name" doc:"what holds, in words"`
	Holds  string  `yaml:"holds" doc:"a CEL expression over stores: what each holds, by key, as text, such as int(stores.redis.stock) >= 0"`
	AsOnce *asOnce `yaml:"as-if-once" doc:"instead: the stores hold what they do when everything happens once and in order"`
}

// asOnce are the differences that do not count.
type asOnce struct {
	Except []string `yaml:"except" doc:"keys that are left out, such as redis/seen:*"`
	Masked []string `yaml:"masked" doc:"regular expressions: what they match is taken for the same"`
}

// property makes it.
func (f *final) property() (*props.Property, error) {
	switch {
	case f.Name == "":
		return nil, errors.New("no \"name\", wanted what holds, in words")
	case (f.Holds == "") == (f.AsOnce == nil):
		return nil, fmt.Errorf("%q has \"holds\" and \"as-if-once\", or none, wanted one of them", f.Name)
	case f.AsOnce != nil:
		var differ []props.Difference
		for _, keys := range f.AsOnce.Except {
			differ = append(differ, props.Except(keys))
		}
		for _, expression := range f.AsOnce.Masked {
			differ = append(differ, props.Masked(expression))
		}
		return props.AsIfOnce(f.Name, differ...), nil
	}
	holds, err := compileFinal(f.Holds)
	if err != nil {
		return nil, fmt.Errorf("%q: holds: %w", f.Name, err)
	}
	return props.AtQuiescence(f.Name, func(s props.State) error { return holds(stored(s)) }), nil
}

// stored is what the stores hold: by service, by key.
func stored(s props.State) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, service := range s.Services() {
		all[service] = map[string]string{}
		for _, key := range s.Keys(service) {
			all[service][key], _ = s.Get(service, key)
		}
	}
	return all
}

// compileFinal makes an expression ready. What it returns is an error that says
// why the stores are not as they should be.
func compileFinal(text string) (func(stores map[string]map[string]string) error, error) {
	env, err := cel.NewEnv(cel.Variable("stores", cel.MapType(cel.StringType, cel.MapType(cel.StringType, cel.StringType))), ext.Strings())
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, fmt.Errorf("%s, at its character %d: %s", text, first.Location.Column()+1, strings.Join(strings.Fields(first.Message), " "))
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, fmt.Errorf("%s is a %s, wanted true or false", text, ast.OutputType())
	}
	program, err := env.Program(ast)
	if err != nil {
		return nil, err
	}
	return func(stores map[string]map[string]string) error {
		v, _, err := program.Eval(map[string]any{"stores": stores})
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		if held, ok := v.Value().(bool); !ok || !held {
			return fmt.Errorf("%s is false", text)
		}
		return nil
	}, nil
}

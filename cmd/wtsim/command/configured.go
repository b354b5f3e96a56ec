package command

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/wtsim/wtsim/sim"
)

// configVariable tells the processes of a search which file their scenario is
// in.
const configVariable = "WTSIM_CONFIG"

// loadConfig reads a scenario that is data; nil in a binary that has none of the
// services that it may name.
var loadConfig func(file string) (sim.Scenario, error)

// configSchema is the schema of such a file.
var configSchema *jsonschema.Schema

// Configured lets --config FILE name a scenario that is data, which load reads;
// schema says what is in the file.
func Configured(load func(file string) (sim.Scenario, error), schema *jsonschema.Schema) {
	loadConfig, configSchema = load, schema
}

// configHelp is what --config means.
const configHelp = "the file that the scenario is in, mostly wtsim.yaml: programs, services, requests, rules"

// takesConfig are the commands that take --config; those with a scenario's name
// need none then.
var takesConfig = map[string]bool{
	"run": true, "trace": true, "describe": true, "mutate": true,
	"replay": false, "cause": false, "debug": false, "reproduce": false, "list": false, "mcp": false,
}

// configured takes --config from a command's arguments, and loads the scenario.
func (a *app) configured(args []string) ([]string, error) {
	named := false
	if len(args) > 0 {
		if wantsName, takes := takesConfig[args[0]]; takes {
			file, rest, err := takeFlag(args[1:], "--config")
			if err != nil {
				return nil, err
			}
			if file != "" {
				named = wantsName
				args = append([]string{args[0]}, rest...)
				if err := os.Setenv(configVariable, file); err != nil {
					return nil, err
				}
			}
		}
	}
	file := os.Getenv(configVariable)
	if file == "" {
		return args, nil
	}
	if loadConfig == nil {
		return nil, errNone
	}
	s, err := loadConfig(file)
	if err != nil {
		return nil, err
	}
	a.scenarios = []sim.Scenario{s}
	switch {
	case named && !slices.Contains(args, s.Name):
		args = slices.Insert(args, 1, s.Name)
	case len(args) > 0 && args[0] == "reproduce" && !slices.ContainsFunc(args, isScenarioFlag):
		args = append(args, "--scenario="+s.Name)
	}
	return args, nil
}

func isScenarioFlag(arg string) bool {
	return arg == "--scenario" || strings.HasPrefix(arg, "--scenario=")
}

// takeFlag takes a flag with its value out of arguments; the last one counts.
func takeFlag(args []string, flag string) (value string, rest []string, err error) {
	for i := 0; i < len(args); i++ {
		switch v, joined := strings.CutPrefix(args[i], flag+"="); {
		case joined:
			value = v
		case args[i] != flag:
			rest = append(rest, args[i])
			continue
		case i+1 == len(args):
			return "", nil, errors.New(flag + " has no value, wanted a file")
		default:
			i++
			value = args[i]
		}
		if value == "" {
			return "", nil, errors.New(flag + " has no value, wanted a file")
		}
	}
	return value, rest, nil
}

package command

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/internal/suggest"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// answer is a kind of object that a command prints, or a file that it writes.
type answer struct {
	name string
	of   string // what prints or writes it
	typ  reflect.Type
	made *jsonschema.Schema // instead of typ's
}

// published are the answers, and the file of --config where there is one.
func published() []answer {
	if configSchema == nil {
		return answers
	}
	return append(slices.Clip(answers), answer{name: "wtsim", of: "the file of --config, wtsim.yaml", made: configSchema})
}

// answers are all, in order of name. Each is published as schemas/NAME.json.
var answers = []answer{
	{name: "bench-scenario", of: "wtsim bench scenarios --json, a line each", typ: reflect.TypeFor[scenarioRow]()},
	{name: "bench-search", of: "wtsim bench search --json, a line each", typ: reflect.TypeFor[benchRow]()},
	{name: "cause", of: "wtsim cause --json", typ: reflect.TypeFor[report.CauseSummary]()},
	{name: "counterexample", of: "the file of wtsim run and go test", typ: reflect.TypeFor[search.Counterexample]()},
	{name: "coverage", of: "wtsim check --coverage --json, a line a property", typ: reflect.TypeFor[coverageObject]()},
	{name: "diff", of: "wtsim diff --json", typ: reflect.TypeFor[toldDiff]()},
	{name: "fault", of: "wtsim faults --json, a line each", typ: reflect.TypeFor[cloud.Kind]()},
	{name: "finding", of: "wtsim check --json and wtsim monitor, a line each", typ: reflect.TypeFor[monitor.Finding]()},
	{name: "findings", of: "the file of wtsim run --findings", typ: reflect.TypeFor[search.Findings]()},
	{name: "init-file", of: "wtsim init --json, a line a file", typ: reflect.TypeFor[startedFile]()},
	{name: "init-summary", of: "wtsim init --json, the last line", typ: reflect.TypeFor[started]()},
	{name: "listed", of: "wtsim list --json, a line each", typ: reflect.TypeFor[listed]()},
	{name: "property", of: "wtsim props --json, a line each", typ: reflect.TypeFor[described]()},
	{name: "result", of: "wtsim run, replay, merge, reproduce --json, and the last line of wtsim trace --json", typ: reflect.TypeFor[report.Summary]()},
	{name: "scenario", of: "wtsim describe --json", typ: reflect.TypeFor[report.Description]()},
	{name: "stats", of: "wtsim check --stats --json, a line a property", typ: reflect.TypeFor[statsObject]()},
	{name: "step", of: "wtsim trace --json, a line a step", typ: reflect.TypeFor[report.StepLine]()},
	{name: "summary", of: "wtsim check --json, the last line", typ: reflect.TypeFor[summaryObject]()},
	{name: "weakening", of: "wtsim mutate --json, a line a guarantee", typ: reflect.TypeFor[mutation]()},
	{name: "weakenings", of: "wtsim mutate --json, the last line", typ: reflect.TypeFor[mutateResult]()},
}

const schemaExamples = `  wtsim schema            what there is
  wtsim schema result     the schema of what wtsim run --json prints`

func (a *app) schema(args []string) (int, error) {
	f := a.flags("schema", " [NAME] [flags]", schemaExamples)
	asJSON := f.Bool("json", false, "print all schemas as one JSON object, by name")
	if done, err := parse(f, args, "[NAME]"); done || err != nil {
		return exitHeld, err
	}
	if *asJSON {
		all := map[string]*jsonschema.Schema{}
		for _, x := range published() {
			all[x.name] = x.schema()
		}
		return exitHeld, encoder(a.stdout).Encode(all)
	}
	var names []string
	for _, x := range published() {
		if x.name == f.Arg(0) {
			_, err := a.stdout.Write(x.text())
			return exitHeld, err
		}
		names = append(names, x.name)
	}
	if f.NArg() > 0 {
		return 0, fmt.Errorf("schema: unknown name %q, wanted one of %s%s", f.Arg(0), strings.Join(names, ", "), suggest.DidYouMean(f.Arg(0), names))
	}
	for _, x := range published() {
		fmt.Fprintf(a.stdout, "%-14s  %s\n", x.name, x.of)
	}
	return exitHeld, nil
}

// text is the schema as it is published.
func (x answer) text() []byte {
	data, err := json.MarshalIndent(x.schema(), "", " ")
	if err != nil {
		panic("command: a schema is made of maps and texts: " + err.Error())
	}
	return append(data, '\n')
}

// schemaNamed is the schema of an answer that there is.
func schemaNamed(name string) *jsonschema.Schema {
	i := slices.IndexFunc(answers, func(x answer) bool { return x.name == name })
	return answers[i].schema()
}

// schema is made of the type that is printed, so that it cannot say otherwise.
func (x answer) schema() *jsonschema.Schema {
	if x.made != nil {
		return x.made
	}
	if x.typ == reflect.TypeFor[monitor.Finding]() {
		return x.titled(findingSchema())
	}
	s, err := jsonschema.ForType(x.typ, &jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[json.RawMessage](): {},
		reflect.TypeFor[event.Event]():     {Type: "object", Required: []string{"specversion", "id", "source", "type", "time"}},
	}})
	if err != nil {
		panic("command: " + x.name + " is made of what JSON has: " + err.Error())
	}
	return x.titled(s)
}

func (x answer) titled(s *jsonschema.Schema) *jsonschema.Schema {
	s.Schema, s.Title, s.Description = "https://json-schema.org/draft/2020-12/schema", "wtsim "+x.name, x.of
	return s
}

// findingSchema is that of a line that the monitor encodes by itself.
func findingSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", Required: []string{"kind"}, Properties: map[string]*jsonschema.Schema{
		"kind":     {Enum: []any{"violation", "inconclusive", "malformed", "late"}},
		"property": {Type: "string"}, "binding": {Type: "object"}, "certainty": {Enum: []any{"certain", "possible"}},
		"source": {Type: "string"}, "event": {Type: "string"}, "time": {Type: "string"}, "line": {Type: "integer"}, "why": {Type: "string"},
		"witness": {Type: "array", Items: &jsonschema.Schema{Type: "object", Required: []string{"source", "id", "type", "to"}}},
	}}
}

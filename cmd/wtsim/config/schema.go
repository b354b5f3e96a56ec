package config

import (
	"maps"
	"reflect"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// schemaURL is where editors find the schema; a file says so in its first line:
//
//	# yaml-language-server: $schema=URL
const schemaURL = "https://raw.githubusercontent.com/wtsim/wtsim/main/schemas/wtsim.json"

// enums are the texts that a key may have, by its path's end.
var enums = map[string][]any{
	"file.platform":   {"cloud-run", "cloud-functions", "cloud-functions-1", lambda},
	"file.expect":     {"holds", "violation"},
	"model.operation": {"InvokeModel", "Converse"},
	"programme.front": {"function-url", "http-api", "rest-api", "alb"},
}

// required are the keys that a mapping must have.
var required = map[string][]string{
	"file": {"scenario", "programs"}, "programme": {"package"}, "service": {"kind"}, "told": {"emit"}, "final": {"name"}, "schedule": {"program"}, "async": {"program"}, "secret": {"name"}, "parameter": {"name"}, "Rule": {"service", "emit"},
}

// Schema is the JSON schema of a file, made of what is read, so that it cannot say
// otherwise.
func Schema() *jsonschema.Schema {
	s := schemaOf(reflect.TypeFor[file]())
	s.Schema, s.ID, s.Title, s.Description = "https://json-schema.org/draft/2020-12/schema", schemaURL, "wtsim.yaml", "a scenario that is data, for wtsim run --config"
	return s
}

// schemaOf is the schema of a type, by its yaml tags.
func schemaOf(t reflect.Type) *jsonschema.Schema {
	switch {
	case t == reflect.TypeFor[duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^[0-9][0-9a-zµ.]*$`, Description: "a duration, such as 90s or 1m30s"}
	case strings.HasPrefix(t.Name(), "ordered["):
		value, _ := t.Elem().FieldByName("value")
		return &jsonschema.Schema{Type: "object", AdditionalProperties: schemaOf(value.Type)}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Slice:
		return &jsonschema.Schema{Type: "array", Items: schemaOf(t.Elem())}
	case reflect.Map:
		return &jsonschema.Schema{Type: "object", AdditionalProperties: scalar()}
	case reflect.Struct:
		return structSchema(t)
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.Int:
		return &jsonschema.Schema{Type: "integer"}
	}
	return scalar()
}

// scalar is a text, which YAML lets one write without quotes.
func scalar() *jsonschema.Schema {
	return &jsonschema.Schema{Types: []string{"string", "number", "boolean"}}
}

func structSchema(t reflect.Type) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}, Required: required[t.Name()],
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}}}
	for field := range t.Fields() {
		name, inline := key(field)
		p := schemaOf(field.Type)
		if inline {
			maps.Copy(s.Properties, p.Properties)
			s.PropertyOrder = append(s.PropertyOrder, p.PropertyOrder...)
			continue
		}
		if name == "" {
			continue
		}
		if doc := field.Tag.Get("doc"); doc != "" {
			p.Description = doc
		}
		if values := enums[t.Name()+"."+name]; values != nil {
			p.Enum = values
		}
		if t == reflect.TypeFor[service]() && name == "kind" {
			for _, k := range kindNames() {
				p.Enum = append(p.Enum, k)
			}
		}
		s.Properties[name] = p
		s.PropertyOrder = append(s.PropertyOrder, name)
	}
	return s
}

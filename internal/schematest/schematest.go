// Package schematest holds documents against JSON Schemas, in tests.
package schematest

import (
	"bytes"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Compile reads a schema.
func Compile(t testing.TB, schema []byte) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Misfit is where a document, JSON or YAML, is not as its schema says; nil if
// nowhere.
func Misfit(t testing.TB, s *jsonschema.Schema, document []byte) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		if document, err = yaml.YAMLToJSON(document); err == nil {
			value, err = jsonschema.UnmarshalJSON(bytes.NewReader(document))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}

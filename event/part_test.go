package event

import "testing"

// FuzzDocument of package probe compares it with a tree of the whole text.
func TestPart(t *testing.T) {
	const text = ` {"a": [1, {"b" : "x"}, []], "a.b": 0, "é": {"c": null}, "a": [2,{"b":"\"}"}] } `
	for path, want := range map[string]string{"a.0": "2", "a.1": `{"b":"\"}"}`, "a.1.b": `"\"}"`, "é.c": "null", "é": `{"c": null}`,
		"a.2": "", "a.-1": "", "a.b": "", "é.c.d": "", "": "", "b": ""} {
		part, ok := Part([]byte(text), path)
		if string(part) != want || ok != (want != "") {
			t.Errorf("%q: %q %v, wanted %q", path, part, ok, want)
		}
	}
}

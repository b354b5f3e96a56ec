package props

import (
	"os"
	"strings"
	"testing"
)

const gdpr7 = `[{"name":"gdpr7","quantifiedVariables":["user"],"projections":[["user"]],
  "stateMachine":{
    "GOT_CONSENT":{"params":["user"],"INITIAL":{"to":"consented"}},
    "REVOKED_CONSENT":{"params":["user"],"consented":{"to":"INITIAL"}},
    "PROCESSING_DATA":{"params":["user","purpose"],"INITIAL":{"to":"FAILURE"},"ANY":{"to":"SUCCESS"}}}}]`

// The contract's example means what the contract says.
func TestWatchtower(t *testing.T) {
	ps, err := Parse("gdpr7.json", []byte(gdpr7))
	if err != nil {
		t.Fatal(err)
	}
	a := ps[0].Automaton()
	if got := strings.Join(a.States, " "); got != "FAILURE SUCCESS INITIAL consented" {
		t.Errorf("states: %s", got)
	}
	want := map[string]string{
		"GOT_CONSENT INITIAL": "consented", "GOT_CONSENT consented": "consented",
		"REVOKED_CONSENT INITIAL": "INITIAL", "REVOKED_CONSENT consented": "INITIAL",
		"PROCESSING_DATA INITIAL": "FAILURE", "PROCESSING_DATA consented": "SUCCESS",
	}
	for i := range a.Events {
		et := &a.Events[i]
		for s := StartState; s < len(a.States); s++ {
			if got := a.States[et.Next(s, 0)]; got != want[et.Type+" "+a.States[s]] {
				t.Errorf("%s in %s leads to %s", et.Type, a.States[s], got)
			}
		}
		if et.Type == "PROCESSING_DATA" && (len(et.Binds) != 1 || len(et.Wants) != 1) {
			t.Errorf("PROCESSING_DATA binds %v and wants %v", et.Binds, et.Wants)
		}
	}
}

// One property needs no list; SAME shields from ANY; a type without
// transitions, and a state that nothing leaves, are fine; what is written for
// an absorbing state has no effect.
func TestWatchtowerForms(t *testing.T) {
	ps, err := Parse("f", []byte(`{"name":"p","quantifiedVariables":[],"stateMachine":{
		"A":{"params":[],"INITIAL":{"to":"SAME"},"ANY":{"to":"FAILURE"},"SUCCESS":{"to":"INITIAL"}},
		"B":{"params":["x"]}, "C":{"params":[],"INITIAL":{"to":"end"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	a := ps[0].Automaton()
	if got := []int{a.Events[0].Next(2, 0), a.Events[0].Next(1, 0), a.Events[0].Next(3, 0)}; got[0] != 2 || got[1] != 1 || got[2] != 0 || len(a.Events) != 3 {
		t.Errorf("got %v of %d", got, len(a.Events))
	}
}

// Each mistake is told with its place.
func TestWatchtowerRefuses(t *testing.T) {
	swap := func(from, to string) string {
		if !strings.Contains(gdpr7, from) {
			t.Fatalf("%q is not in the example", from)
		}
		return strings.Replace(gdpr7, from, to, 1)
	}
	for want, content := range map[string]string{
		`f: the file is empty`:                                                  " \n",
		`f:1:1: no property`:                                                    "[]",
		`f:1:2: a property is no object`:                                        "[1]",
		`f:1:2: the property has no "name"`:                                     swap(`"name":"gdpr7",`, ``),
		`f:1:10: the property's name`:                                           swap(`"gdpr7"`, `""`),
		`f:1:2: the property has no "quantifiedVariables"`:                      swap(`"quantifiedVariables":["user"],`, ``),
		`f:1:2: the property has no "stateMachine"`:                             `[{"name":"p","quantifiedVariables":[]}]`,
		`f:1:18: a property has unknown part "quantified"`:                      swap(`quantifiedVariables`, `quantified`),
		`f:1:65: unknown variable "usr", wanted one of "user"`:                  swap(`[["user"]]`, `[["usr"]]`),
		`f:1:64: a projection is no list`:                                       swap(`[["user"]]`, `["user"]`),
		`f:1:48: quantifiedVariables holds "user" twice`:                        swap(`["user"]`, `["user","user"]`),
		`f:3:19: event type "GOT_CONSENT" has no "params"`:                      swap(`"params":["user"],`, ``),
		`f:3:48: the transition from "INITIAL" on "GOT_CONSENT" has no "to"`:    swap(`{"to":"consented"}`, `{}`),
		`f:3:54: the transition from "INITIAL" on "GOT_CONSENT" leads to no st`: swap(`"consented"}}`, `"ANY"}}`),
		`f:3:66: a transition has unknown part "guard"`:                         swap(`"consented"}`, `"consented","guard":"x > 1"}`),
		`f:3:38: a transition from "SAME"`:                                      swap(`"INITIAL":{"to":"consented"}`, `"SAME":{"to":"consented"}`),
		`f:4:5: "GOT_CONSENT" occurs twice`:                                     swap(`REVOKED_CONSENT`, `GOT_CONSENT`),
		`f:3:75: a JavaScript function`:                                         swap(`"consented"}`, `"consented","guard": (e) => e.x > 1}`),
		`f:3:74: a JavaScript function`:                                         swap(`"consented"}`, `"consented","guard":function (e) { return true }}`),
		`f:2:31: a JavaScript function`:                                         "// filters\nmodule.exports = [{a: f(async x => 1, 'function')}]",
		`f:1:1: not JSON: `:                                                     "module.exports = []",
		`f:1:9: not JSON: the file ends too soon`:                               `[{"name"`,
		`f:5:106: something follows`:                                            gdpr7 + " []",
	} {
		if _, err := Parse("f", []byte(content)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	twice := gdpr7[:len(gdpr7)-1] + "," + gdpr7[1:]
	if _, err := Parse("f", []byte(twice)); err == nil || !strings.Contains(err.Error(), `a second property "gdpr7"`) {
		t.Errorf("got %v", err)
	}
}

// No content makes the parser panic, or gives a property that is not valid.
func FuzzParse(f *testing.F) {
	f.Add([]byte(gdpr7))
	for _, s := range []string{"", "[", "{}", `[{"name":"p","quantifiedVariables":["a"],"stateMachine":{"A":{"params":["a"],"ANY":{"to":"SAME"}}}}]`, "x = (a, b) => 1 // `"} {
		f.Add([]byte(s))
	}
	if paths, _ := os.ReadDir("testdata/examples"); len(paths) > 0 {
		for _, e := range paths {
			if content, err := os.ReadFile("testdata/examples/" + e.Name()); err == nil {
				f.Add(content)
			}
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		ps, err := Parse("f", content)
		if (err == nil) != (len(ps) > 0) {
			t.Fatalf("%d properties and %v", len(ps), err)
		}
		for _, p := range ps {
			if err := p.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

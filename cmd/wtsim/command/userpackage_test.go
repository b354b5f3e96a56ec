package command

import "testing"

// A reference is a package and an exported name; names of scenarios are none.
func TestParseRef(t *testing.T) {
	for text, want := range map[string]packageRef{
		"./shopsim:Scenario": {"./shopsim", "Scenario"}, "example.com/shop/shopsim:All": {"example.com/shop/shopsim", "All"},
		".:Scenario": {".", "Scenario"}, "checkout/oversell": {}, "shop:double charge": {}, "shop:scenario": {}, ":Scenario": {}, "shop:": {},
	} {
		if got, ok := parseRef(text); got != want || ok != (want != packageRef{}) {
			t.Errorf("%q: got %v, %v", text, got, ok)
		}
	}
}

package awswire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
)

// Entries reads a map out of a form of the Query protocol: NAME.entry.1.key,
// NAME.entry.1.value, ...
func Entries(f url.Values, name string) map[string]string {
	out := map[string]string{}
	for i := 1; f.Has(fmt.Sprintf("%s.entry.%d.key", name, i)); i++ {
		out[f.Get(fmt.Sprintf("%s.entry.%d.key", name, i))] = f.Get(fmt.Sprintf("%s.entry.%d.value", name, i))
	}
	return out
}

// Differs names an attribute, of those that count, that who creates what is declared
// asks for and that is declared otherwise; empty if there is none. Of several the first
// in the order of counts is named. What is not declared is the empty text.
func Differs(asked, declared map[string]string, counts ...string) string {
	i := slices.IndexFunc(counts, func(name string) bool {
		value, ok := asked[name]
		return ok && !reflect.DeepEqual(meant(value), meant(declared[name]))
	})
	if i < 0 {
		return ""
	}
	return counts[i]
}

// meant is an attribute's value: of a policy what it says, however it is spaced.
func meant(text string) any {
	var policy map[string]any
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if d.Decode(&policy) != nil {
		return text
	}
	for name, v := range policy { //wtsim:order a map to a map
		if n, ok := v.(json.Number); ok {
			policy[name] = n.String()
		}
	}
	return policy
}

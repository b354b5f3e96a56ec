package probe

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/wtsim/wtsim/event"
)

// What a path leads to is what it leads to in the tree of the whole body.
func FuzzDocument(f *testing.F) {
	for _, body := range []string{
		`{"a":{"b":[1,{"c":null},"x,]}\"y"]},"a":{"b":[2 , -1e5,true]} }`, "[ ]", `{"":{"":7},"é":1,"\u00e9":2,"a\"b":"\\"}`, `{"0":"zero","d":[[],[[3]],{}]}`, `"t"`, "12", "\n{\"a\" : \n1}\t", `{"a`, "",
		"{\"\xff\":1,\"\ufffd\":2}",
	} {
		for _, path := range []string{"", "a.b.0", "a.b.1.c", "a.b.2", "é", "0", "d.1.0.0", ".", "a", "d.2", "-1", "a\"b", "\ufffd", "d.+1"} {
			f.Add(body, path)
		}
	}
	f.Fuzz(func(t *testing.T, body, path string) {
		d := document{body: []byte(body)}
		got, ok := d.at(path)
		var want event.Tree
		found := false
		if json.Valid(d.body) {
			v, err := event.ParseValue(d.body)
			if want, found = follow(v.Tree(), path); err != nil {
				return // a text that is no Unicode
			}
		}
		if ok != found || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%q in %q: got %+v %v, in the tree %+v %v", path, body, got, ok, want, found)
		}
	})
}

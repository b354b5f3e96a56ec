package otlp

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/event"
)

// checking is a sink that wants events which are read as they were written.
type checking struct{ t *testing.T }

func (s checking) Event(e *event.Event) {
	if _, err := event.Decode(e.AppendJSON(nil)); err != nil && e.Time.Year() <= 9999 && e.Type != "" {
		s.t.Errorf("%v: %s", err, e.AppendJSON(nil))
	}
}
func (s checking) Refuse(why string) {
	if why == "" {
		s.t.Error("refused without a reason")
	}
}
func (checking) Unmatched() {}

// Whatever comes in as JSON or protobuf, it is events, or refused with a reason,
// and what is read in one form reads the same in the other.
func FuzzRequests(f *testing.F) {
	rules, err := ParseRules("r.yaml", []byte("rules:\n- {emit: E, outcome: any, with: {a: attribute.a, b: method, c: resource}}\n- {emit: S, at: start}"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		strings.Replace(oneSpan, "RESOURCE", `{"key":"faas.instance","value":{"stringValue":"f-1"}}`, 1),
		`{"resourceLogs":[{"resource":{"attributes":[{"key":"service.instance.id","value":{"stringValue":"x"}}]},"scopeLogs":[{"logRecords":[{"eventName":"E","timeUnixNano":"5","attributes":[{"key":"a","value":{"arrayValue":{"values":[{"doubleValue":"NaN"},{"bytesValue":"AA=="}]}}}]}]}]}]}`,
		`{"resourceSpans":[null]}`, `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"wtsim.sequence","value":{"kvlistValue":{}}},{"key":"url.full","value":{"stringValue":"://"}}]}]}]}]}`,
	} {
		f.Add([]byte(seed), true)
		x := &traces{}
		if unmarshalJSON([]byte(seed), x.message()) == nil {
			b, err := proto.Marshal(x.message())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b, false)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, asJSON bool) {
		for _, x := range []request{&traces{receiver: &Receiver{Rules: rules}}, &records{}} {
			form := binary
			if asJSON {
				form = text
			}
			if form.unmarshal(data, x.message()) == nil {
				_ = fillFrom(x, 1000, checking{t}) // or it is refused
			}
		}
	})
}

// Whatever is in a file of rules, it is rules, or one line says why not.
func FuzzRules(f *testing.F) {
	f.Add(shopRules)
	f.Add("rules:\n- {emit: E, with: {a: 1}, where: {status: null}}")
	f.Add("a: &a [*a]\nrules: *a")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := ParseRules("r.yaml", []byte(text)); err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("more than one line: %q", err)
		}
	})
}

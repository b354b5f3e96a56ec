package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/event"
)

// JSON makes events of a request in OTLP's JSON, of which files have one a line
// where exporters write files. Metrics are none. No rules make no events of spans,
// and so does an error, which says what is wrong with the whole request.
func (r *Rules) JSON(text []byte, to Sink) error {
	var x request
	switch {
	case has(text, "resourceSpans"):
		x = &traces{receiver: &Receiver{Rules: r}}
	case has(text, "resourceLogs"):
		x = &records{}
	case has(text, "resourceMetrics"):
		to.Unmatched()
		return nil
	default:
		return errors.New("no request of OTLP, wanted resourceSpans or resourceLogs")
	}
	if err := unmarshalJSON(text, x.message()); err != nil {
		return err
	}
	return fillFrom(x, math.MaxInt, to)
}

// IsJSON tells whether a line is a request in OTLP's JSON.
func IsJSON(text []byte) bool {
	return has(text, "resourceSpans") || has(text, "resourceLogs") || has(text, "resourceMetrics")
}

func has(text []byte, name string) bool {
	_, ok := event.Part(text, name)
	return ok
}

// unmarshalJSON reads OTLP's JSON: as protobuf's, but for ids, which are in
// hexadecimal digits. Unknown fields are ignored.
func unmarshalJSON(text []byte, into proto.Message) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	if d.More() {
		return errors.New("not JSON: more than one value")
	}
	if err := idsInBase64(tree); err != nil {
		return err
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(text, into)
}

func idsInBase64(tree any) error {
	switch x := tree.(type) {
	case []any:
		for _, item := range x {
			if err := idsInBase64(item); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, item := range x { //wtsim:order each stands for itself
			text, isText := item.(string)
			if !isText || name != "traceId" && name != "spanId" && name != "parentSpanId" {
				if err := idsInBase64(item); err != nil {
					return err
				}
				continue
			}
			id, err := hex.DecodeString(text)
			if err != nil {
				return fmt.Errorf("%s is %q, wanted hexadecimal digits", name, text)
			}
			x[name] = base64.StdEncoding.EncodeToString(id)
		}
	}
	return nil
}

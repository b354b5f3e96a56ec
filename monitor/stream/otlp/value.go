package otlp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"

	common "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/wtsim/wtsim/event"
)

// maxDepth bounds how deep values are nested: as deep as an event's may be.
const maxDepth = 32

// valueOf is an attribute's value as a parameter: bytes are base64, what is empty
// is null.
func valueOf(v *common.AnyValue) (event.Value, error) {
	x, err := plain(v, 0)
	if err != nil {
		return event.Value{}, err
	}
	return event.Of(x)
}

func plain(v *common.AnyValue, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("arrays within another more than %d deep", maxDepth)
	}
	switch x := v.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return x.StringValue, nil
	case *common.AnyValue_BoolValue:
		return x.BoolValue, nil
	case *common.AnyValue_IntValue:
		return x.IntValue, nil
	case *common.AnyValue_DoubleValue:
		if math.IsNaN(x.DoubleValue) || math.IsInf(x.DoubleValue, 0) {
			return nil, errors.New("not a number that JSON has")
		}
		return x.DoubleValue, nil
	case *common.AnyValue_BytesValue:
		return base64.StdEncoding.EncodeToString(x.BytesValue), nil
	case *common.AnyValue_ArrayValue:
		all := []any{}
		for _, item := range x.ArrayValue.GetValues() {
			one, err := plain(item, depth+1)
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
		return all, nil
	case *common.AnyValue_KvlistValue:
		all := map[string]any{}
		for _, item := range x.KvlistValue.GetValues() {
			one, err := plain(item.GetValue(), depth+1)
			if err != nil {
				return nil, err
			}
			if _, twice := all[item.GetKey()]; twice {
				return nil, fmt.Errorf("%q occurs twice, wanted each name once", item.GetKey())
			}
			all[item.GetKey()] = one
		}
		return all, nil
	}
	return nil, nil
}

// attributes are parameters by name. The error is of the first that cannot be one.
type attributes map[string]event.Value

func (a attributes) add(all []*common.KeyValue, name func(string) string) error {
	for _, kv := range all {
		v, err := valueOf(kv.GetValue())
		if err != nil {
			return fmt.Errorf("attribute %q: %w", kv.GetKey(), err)
		}
		to := name(kv.GetKey())
		if _, newer := a[to]; !newer || to == kv.GetKey() {
			a[to] = v
		}
	}
	return nil
}

// text is an attribute as text; empty if it is not there.
func (a attributes) text(names ...string) string {
	for _, name := range names {
		if v, ok := a[name]; ok && v.CanBind() && v.Text() != "" {
			return v.Text()
		}
	}
	return ""
}

func (a attributes) data() event.Data {
	d := make(event.Data, 0, len(a))
	for name, v := range a { //wtsim:order sorted below
		d = append(d, event.Field{Name: name, Value: v})
	}
	sortData(d)
	return d
}

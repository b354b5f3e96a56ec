package grpcprobe

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// canonicalProto is a message as JSON, the same bytes for the same message.
// (protojson puts spaces here and there on purpose, so that nobody relies on
// its output.)
func canonicalProto(m proto.Message) []byte {
	e := protoEncoder{}
	e.message(m.ProtoReflect())
	return e.Bytes()
}

// unordered are lists whose order says nothing: clients collect them from
// maps.
var unordered = map[protoreflect.FullName]bool{
	"google.pubsub.v1.AcknowledgeRequest.ack_ids":       true,
	"google.pubsub.v1.ModifyAckDeadlineRequest.ack_ids": true,
}

// protoEncoder writes messages as JSON.
type protoEncoder struct{ bytes.Buffer }

func (e *protoEncoder) message(m protoreflect.Message) {
	if m.Descriptor().FullName().Parent() == "google.protobuf" {
		e.wellKnown(m)
		return
	}
	type field struct {
		fd protoreflect.FieldDescriptor
		v  protoreflect.Value
	}
	fields := make([]field, 0, 8)
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		fields = append(fields, field{fd, v})
		return true
	})
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.fd.JSONName(), b.fd.JSONName()) })
	e.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			e.WriteByte(',')
		}
		e.text(f.fd.JSONName())
		e.WriteByte(':')
		switch {
		case f.fd.IsMap():
			e.dictionary(f.fd, f.v.Map())
		case f.fd.IsList():
			e.list(f.fd, f.v.List())
		default:
			e.value(f.fd, f.v)
		}
	}
	e.WriteByte('}')
}

// wellKnown writes timestamps, durations and the like as protojson does.
func (e *protoEncoder) wellKnown(m protoreflect.Message) {
	text, err := protojson.Marshal(m.Interface())
	if err != nil || json.Compact(&e.Buffer, text) != nil {
		e.WriteString("null") // an Any of an unknown type, a time out of range
	}
}

func (e *protoEncoder) list(fd protoreflect.FieldDescriptor, l protoreflect.List) {
	values := make([]protoreflect.Value, l.Len())
	for i := range values {
		values[i] = l.Get(i)
	}
	if unordered[fd.FullName()] {
		slices.SortFunc(values, func(a, b protoreflect.Value) int { return strings.Compare(a.String(), b.String()) })
	}
	e.WriteByte('[')
	for i, v := range values {
		if i > 0 {
			e.WriteByte(',')
		}
		e.value(fd, v)
	}
	e.WriteByte(']')
}

func (e *protoEncoder) dictionary(fd protoreflect.FieldDescriptor, m protoreflect.Map) {
	keys := make([]protoreflect.MapKey, 0, m.Len())
	m.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, k)
		return true
	})
	slices.SortFunc(keys, func(a, b protoreflect.MapKey) int { return cmp.Compare(a.String(), b.String()) })
	e.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			e.WriteByte(',')
		}
		e.text(k.String())
		e.WriteByte(':')
		e.value(fd.MapValue(), m.Get(k))
	}
	e.WriteByte('}')
}

func (e *protoEncoder) value(fd protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch fd.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		e.message(v.Message())
	case protoreflect.BytesKind:
		e.bytes(v.Bytes())
	case protoreflect.StringKind:
		e.text(v.String())
	case protoreflect.BoolKind:
		e.WriteString(strconv.FormatBool(v.Bool()))
	case protoreflect.EnumKind:
		if d := fd.Enum().Values().ByNumber(v.Enum()); d != nil {
			e.text(string(d.Name()))
			return
		}
		e.WriteString(strconv.Itoa(int(v.Enum())))
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		e.float(v.Float())
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		e.text(v.String()) // as protojson: JSON's numbers may not hold them
	default:
		e.WriteString(v.String())
	}
}

func (e *protoEncoder) float(f float64) {
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		e.text(text)
		return
	}
	e.WriteString(text)
}

// bytes writes what the bytes are, so that rules can look into them.
func (e *protoEncoder) bytes(b []byte) {
	switch {
	case json.Valid(b):
		_ = json.Compact(&e.Buffer, b) // it is valid
	case utf8.Valid(b):
		e.text(string(b))
	default:
		e.text(base64.StdEncoding.EncodeToString(b))
	}
}

func (e *protoEncoder) text(s string) {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always encode
	}
	e.Write(b)
}

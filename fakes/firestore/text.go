package firestore

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/wtsim/wtsim/cloud"
)

// text is a document's fields as plain JSON, names sorted: numbers as numbers,
// times as RFC 3339, bytes in base64, a reference as its path, a point as
// [latitude,longitude].
func text(fields map[string]*pb.Value) string {
	var b strings.Builder
	writeMap(&b, fields)
	return b.String()
}

func writeMap(b *strings.Builder, fields map[string]*pb.Value) {
	b.WriteByte('{')
	for i, name := range sortedKeys(fields) {
		if i > 0 {
			b.WriteByte(',')
		}
		quote(b, name)
		b.WriteByte(':')
		writeValue(b, fields[name])
	}
	b.WriteByte('}')
}

func writeValue(b *strings.Builder, v *pb.Value) {
	switch x := v.GetValueType().(type) {
	case *pb.Value_BooleanValue:
		b.WriteString(strconv.FormatBool(x.BooleanValue))
	case *pb.Value_IntegerValue:
		b.WriteString(strconv.FormatInt(x.IntegerValue, 10))
	case *pb.Value_DoubleValue:
		writeDouble(b, x.DoubleValue)
	case *pb.Value_TimestampValue:
		quote(b, x.TimestampValue.AsTime().Format(time.RFC3339Nano))
	case *pb.Value_StringValue:
		quote(b, x.StringValue)
	case *pb.Value_BytesValue:
		quote(b, base64.StdEncoding.EncodeToString(x.BytesValue))
	case *pb.Value_ReferenceValue:
		quote(b, pathOf(x.ReferenceValue))
	case *pb.Value_GeoPointValue:
		b.WriteByte('[')
		writeDouble(b, x.GeoPointValue.GetLatitude())
		b.WriteByte(',')
		writeDouble(b, x.GeoPointValue.GetLongitude())
		b.WriteByte(']')
	case *pb.Value_ArrayValue:
		b.WriteByte('[')
		for i, e := range x.ArrayValue.GetValues() {
			if i > 0 {
				b.WriteByte(',')
			}
			writeValue(b, e)
		}
		b.WriteByte(']')
	case *pb.Value_MapValue:
		writeMap(b, x.MapValue.GetFields())
	default:
		b.WriteString("null")
	}
}

func writeDouble(b *strings.Builder, f float64) {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		quote(b, s)
		return
	}
	b.WriteString(s)
}

func quote(b *strings.Builder, s string) {
	q, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always encode
	}
	b.Write(q)
}

// Contents returns the documents by their paths, each as JSON; those of another
// database than the default one with its name before it.
func (b *Backend) Contents() []cloud.Content {
	b.kernel.Lock()
	defer b.kernel.Unlock()
	var out []cloud.Content
	for _, name := range b.names {
		if v := b.live(name, time.Time{}); v != nil {
			out = append(out, cloud.Content{Key: shown(name), Value: text(v.fields)})
		}
	}
	slices.SortFunc(out, func(x, y cloud.Content) int { return strings.Compare(x.Key, y.Key) })
	return out
}

// shown is a document's name for people.
func shown(name string) string {
	path := pathOf(name)
	if database := strings.Split(name, "/")[3]; database != "(default)" {
		return database + "/" + path
	}
	return path
}

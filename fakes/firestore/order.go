package firestore

import (
	"bytes"
	"cmp"
	"math"
	"math/big"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// The types of values, in the order in which they are sorted.
// https://firebase.google.com/docs/firestore/manage-data/data-types#value_type_ordering
const (
	kindNull = iota
	kindBool
	kindNumber
	kindTime
	kindString
	kindBytes
	kindReference
	kindPoint
	kindArray
	kindVector
	kindMap
)

// kindOf is the place of a value's type in the order.
func kindOf(v *pb.Value) int {
	switch x := v.GetValueType().(type) {
	case *pb.Value_BooleanValue:
		return kindBool
	case *pb.Value_IntegerValue, *pb.Value_DoubleValue:
		return kindNumber
	case *pb.Value_TimestampValue:
		return kindTime
	case *pb.Value_StringValue:
		return kindString
	case *pb.Value_BytesValue:
		return kindBytes
	case *pb.Value_ReferenceValue:
		return kindReference
	case *pb.Value_GeoPointValue:
		return kindPoint
	case *pb.Value_ArrayValue:
		return kindArray
	case *pb.Value_MapValue:
		if x.MapValue.GetFields()["__type__"].GetStringValue() == "__vector__" {
			return kindVector
		}
		return kindMap
	}
	return kindNull
}

// compare orders values of any types; equal ones give zero, as 1 and 1.0, and
// NaN and NaN.
func compare(a, b *pb.Value) int {
	k := kindOf(a)
	if other := kindOf(b); k != other {
		return cmp.Compare(k, other)
	}
	switch k {
	case kindBool:
		return truth(a) - truth(b)
	case kindNumber:
		return compareNumbers(a, b)
	case kindTime:
		return a.GetTimestampValue().AsTime().Compare(b.GetTimestampValue().AsTime())
	case kindString:
		return strings.Compare(a.GetStringValue(), b.GetStringValue())
	case kindBytes:
		return bytes.Compare(a.GetBytesValue(), b.GetBytesValue())
	case kindReference:
		return compareNames(a.GetReferenceValue(), b.GetReferenceValue())
	case kindPoint:
		x, y := a.GetGeoPointValue(), b.GetGeoPointValue()
		return cmp.Or(cmp.Compare(x.GetLatitude(), y.GetLatitude()), cmp.Compare(x.GetLongitude(), y.GetLongitude()))
	case kindArray:
		return slices.CompareFunc(a.GetArrayValue().GetValues(), b.GetArrayValue().GetValues(), compare)
	case kindVector:
		x, y := coordinates(a), coordinates(b)
		return cmp.Or(cmp.Compare(len(x), len(y)), slices.CompareFunc(x, y, compare))
	case kindMap:
		return compareMaps(a.GetMapValue().GetFields(), b.GetMapValue().GetFields())
	}
	return 0
}

func coordinates(v *pb.Value) []*pb.Value {
	return v.GetMapValue().GetFields()["value"].GetArrayValue().GetValues()
}

func equal(a, b *pb.Value) bool { return compare(a, b) == 0 }

func truth(v *pb.Value) int {
	if v.GetBooleanValue() {
		return 1
	}
	return 0
}

// compareNumbers compares integers and doubles exactly; NaN comes first.
func compareNumbers(a, b *pb.Value) int {
	x, xInt := integer(a)
	y, yInt := integer(b)
	if xInt && yInt {
		return cmp.Compare(x, y)
	}
	f, g := a.GetDoubleValue(), b.GetDoubleValue()
	if !xInt && !yInt {
		return cmp.Compare(f, g)
	}
	if xInt {
		return -compareMixed(g, x)
	}
	return compareMixed(f, y)
}

func compareMixed(f float64, n int64) int {
	switch {
	case math.IsNaN(f), math.IsInf(f, -1):
		return -1
	case math.IsInf(f, 1):
		return 1
	}
	return big.NewFloat(f).Cmp(new(big.Float).SetInt64(n))
}

func integer(v *pb.Value) (int64, bool) {
	x, ok := v.GetValueType().(*pb.Value_IntegerValue)
	if !ok {
		return 0, false
	}
	return x.IntegerValue, true
}

// number is a number as a double.
func number(v *pb.Value) float64 {
	if n, ok := integer(v); ok {
		return float64(n)
	}
	return v.GetDoubleValue()
}

func compareMaps(a, b map[string]*pb.Value) int {
	x, y := sortedKeys(a), sortedKeys(b)
	for i := range min(len(x), len(y)) {
		if c := cmp.Or(strings.Compare(x[i], y[i]), compare(a[x[i]], b[y[i]])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

// compareNames compares names of documents by their elements.
func compareNames(a, b string) int {
	for {
		x, restA, moreA := strings.Cut(a, "/")
		y, restB, moreB := strings.Cut(b, "/")
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
		if !moreA || !moreB {
			return truthOf(moreA) - truthOf(moreB)
		}
		a, b = restA, restB
	}
}

func truthOf(b bool) int {
	if b {
		return 1
	}
	return 0
}

func isNaN(v *pb.Value) bool {
	d, ok := v.GetValueType().(*pb.Value_DoubleValue)
	return ok && math.IsNaN(d.DoubleValue)
}

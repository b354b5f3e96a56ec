package firestore

import (
	"math"
	"slices"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// transform changes a field by what it holds, and returns what its client is
// shown of that.
// https://firebase.google.com/docs/firestore/reference/rpc/google.firestore.v1#fieldtransform
func transform(fields map[string]*pb.Value, t *pb.DocumentTransform_FieldTransform, at time.Time) (map[string]*pb.Value, *pb.Value, error) {
	path, err := parseField(t.FieldPath)
	if err != nil {
		return nil, nil, err
	}
	old := fieldOf(fields, path)
	next := old
	shown := &pb.Value{ValueType: &pb.Value_NullValue{}}
	switch x := t.TransformType.(type) {
	case *pb.DocumentTransform_FieldTransform_SetToServerValue:
		if x.SetToServerValue != pb.DocumentTransform_FieldTransform_REQUEST_TIME {
			return nil, nil, invalid("Unknown server value.")
		}
		// "with millisecond precision"
		next = &pb.Value{ValueType: &pb.Value_TimestampValue{TimestampValue: timestamppb.New(at.Truncate(time.Millisecond))}}
		shown = next
	case *pb.DocumentTransform_FieldTransform_Increment:
		next, err = incremented(old, x.Increment)
		shown = next
	case *pb.DocumentTransform_FieldTransform_Maximum:
		next, err = extreme(old, x.Maximum, 1)
		shown = next
	case *pb.DocumentTransform_FieldTransform_Minimum:
		next, err = extreme(old, x.Minimum, -1)
		shown = next
	case *pb.DocumentTransform_FieldTransform_AppendMissingElements:
		next = union(old, x.AppendMissingElements.GetValues())
	case *pb.DocumentTransform_FieldTransform_RemoveAllFromArray:
		next = without(old, x.RemoveAllFromArray.GetValues())
	default:
		err = invalid("A field transform must have a type.")
	}
	if err != nil {
		return nil, nil, err
	}
	return withField(fields, path, next), shown, nil
}

// incremented adds numbers; integers that would overflow stay at the end.
func incremented(old, by *pb.Value) (*pb.Value, error) {
	if kindOf(by) != kindNumber {
		return nil, invalid("increment requires a number.")
	}
	if old == nil || kindOf(old) != kindNumber {
		return by, nil
	}
	x, xInt := integer(old)
	y, yInt := integer(by)
	if !xInt || !yInt {
		return double(number(old) + number(by)), nil
	}
	sum := x + y
	switch {
	case x > 0 && y > 0 && sum < 0:
		sum = math.MaxInt64
	case x < 0 && y < 0 && sum >= 0:
		sum = math.MinInt64
	}
	return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: sum}}, nil
}

func double(f float64) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_DoubleValue{DoubleValue: f}}
}

// extreme keeps the larger (sign 1) or smaller (-1) of two numbers; of two that
// are equal the one that is there. NaN wins.
func extreme(old, other *pb.Value, sign int) (*pb.Value, error) {
	switch {
	case kindOf(other) != kindNumber:
		return nil, invalid("maximum and minimum require a number.")
	case old == nil || kindOf(old) != kindNumber:
		return other, nil
	case isNaN(old) || isNaN(other):
		return double(math.NaN()), nil
	case sign*compareNumbers(other, old) > 0:
		return other, nil
	}
	return old, nil
}

func contains(values []*pb.Value, v *pb.Value) bool {
	return slices.ContainsFunc(values, func(x *pb.Value) bool { return equal(x, v) })
}

// union appends what an array lacks; what is no array is replaced.
func union(old *pb.Value, more []*pb.Value) *pb.Value {
	out := slices.Clone(old.GetArrayValue().GetValues())
	for _, v := range more {
		if !contains(out, v) {
			out = append(out, v)
		}
	}
	return array(out)
}

// without takes elements out of an array.
func without(old *pb.Value, these []*pb.Value) *pb.Value {
	var out []*pb.Value
	for _, v := range old.GetArrayValue().GetValues() {
		if !contains(these, v) {
			out = append(out, v)
		}
	}
	return array(out)
}

func array(values []*pb.Value) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_ArrayValue{ArrayValue: &pb.ArrayValue{Values: values}}}
}

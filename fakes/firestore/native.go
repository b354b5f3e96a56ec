package firestore

import (
	"fmt"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// valueOf is a Go value as Firestore's.
func valueOf(x any) (*pb.Value, error) {
	switch x := x.(type) {
	case nil:
		return &pb.Value{ValueType: &pb.Value_NullValue{}}, nil
	case bool:
		return &pb.Value{ValueType: &pb.Value_BooleanValue{BooleanValue: x}}, nil
	case int:
		return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: int64(x)}}, nil
	case int64:
		return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: x}}, nil
	case float64:
		return double(x), nil
	case string:
		return &pb.Value{ValueType: &pb.Value_StringValue{StringValue: x}}, nil
	case time.Time:
		return &pb.Value{ValueType: &pb.Value_TimestampValue{TimestampValue: timestamppb.New(x)}}, nil
	case []any:
		var out []*pb.Value
		for _, e := range x {
			v, err := valueOf(e)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return array(out), nil
	case map[string]any:
		out := map[string]*pb.Value{}
		for _, name := range sortedKeys(x) {
			v, err := valueOf(x[name])
			if err != nil {
				return nil, err
			}
			out[name] = v
		}
		return mapValue(out), nil
	}
	return nil, fmt.Errorf("it holds a %T, wanted what JSON can tell, or a time.Time", x)
}

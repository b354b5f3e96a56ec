package firestore

import (
	"math"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// mostAggregations is how many a query may have.
// https://firebase.google.com/docs/firestore/reference/rpc/google.firestore.v1#structuredaggregationquery
const mostAggregations = 5

// aggregated works out aggregations over a result.
func aggregated(docs []found, of []*pb.StructuredAggregationQuery_Aggregation) (map[string]*pb.Value, error) {
	if len(of) == 0 || len(of) > mostAggregations {
		return nil, invalid("A query must have 1 to %d aggregations.", mostAggregations)
	}
	out := map[string]*pb.Value{}
	unnamed := 0
	for _, a := range of {
		alias := a.Alias
		if alias == "" {
			unnamed++
			alias = "field_" + itoa(unnamed)
		}
		if out[alias] != nil {
			return nil, invalid("Duplicate aggregation alias: %s", alias)
		}
		v, err := aggregate(docs, a)
		if err != nil {
			return nil, err
		}
		out[alias] = v
	}
	return out, nil
}

func aggregate(docs []found, a *pb.StructuredAggregationQuery_Aggregation) (*pb.Value, error) {
	var path string
	switch x := a.Operator.(type) {
	case *pb.StructuredAggregationQuery_Aggregation_Count_:
		n := int64(len(docs))
		if most := x.Count.GetUpTo(); most != nil {
			n = min(n, most.Value)
		}
		return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: n}}, nil
	case *pb.StructuredAggregationQuery_Aggregation_Sum_:
		path = x.Sum.GetField().GetFieldPath()
	case *pb.StructuredAggregationQuery_Aggregation_Avg_:
		path = x.Avg.GetField().GetFieldPath()
	default:
		return nil, invalid("An aggregation must have an operator.")
	}
	by, err := parseField(path)
	if err != nil {
		return nil, err
	}
	var numbers []*pb.Value
	for _, d := range docs {
		if v := fieldOf(d.v.fields, by); v != nil && kindOf(v) == kindNumber {
			numbers = append(numbers, v)
		}
	}
	if a.GetSum() != nil {
		return sum(numbers), nil
	}
	return average(numbers), nil
}

// sum adds numbers: an integer where all are, unless it overflows.
func sum(numbers []*pb.Value) *pb.Value {
	var whole int64
	var total float64
	exact := true
	for _, v := range numbers {
		n, ok := integer(v)
		next := whole + n
		exact = exact && ok && (n >= 0) == (next >= whole)
		whole, total = next, total+number(v)
	}
	if exact {
		return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: whole}}
	}
	return double(total)
}

// average is a double; null of nothing.
func average(numbers []*pb.Value) *pb.Value {
	if len(numbers) == 0 {
		return &pb.Value{ValueType: &pb.Value_NullValue{}}
	}
	total := number(sum(numbers))
	if math.IsNaN(total) {
		return double(total)
	}
	return double(total / float64(len(numbers)))
}

package fakestest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/grpc/codes"
)

var firestoreQueries = []firestoreCheck{
	{"values of all types have one order", typeOrder},
	{"filters of a field", fieldFilters},
	{"filters together", compositeFilters},
	{"results are sorted, by name at last", sorted},
	{"cursors", cursors},
	{"offset, limit, and limit to the last", queryLimits},
	{"names are filtered and sorted by", byName},
	{"a projection", projected},
	{"a collection group", groups},
	{"aggregations", aggregations},
	{"a query without its index is refused", withoutIndex},
	{"filters that do not go together are refused", filtersRefused},
	{"a query is cut into parts", partitioned},
}

// ids are those of a query's result, with spaces between.
func ids(ctx context.Context, q firestore.Query) (string, error) {
	docs, err := q.Documents(ctx).GetAll()
	var out []string
	for _, d := range docs {
		out = append(out, d.Ref.ID)
	}
	return strings.Join(out, " "), err
}

// finds fails unless a query's result has these ids.
func finds(ctx context.Context, q firestore.Query, want string) error {
	got, err := ids(ctx, q)
	if err == nil && got != want {
		err = fmt.Errorf("got %q, wanted %q", got, want)
	}
	return err
}

// filled makes documents named a, b, c, ... of what they hold.
func filled(ctx context.Context, in *firestore.CollectionRef, docs ...fields) error {
	for i, d := range docs {
		if err := wrote(in.Doc(string(rune('a'+i))).Set(ctx, d)); err != nil {
			return err
		}
	}
	return nil
}

// typeOrder is that of the page on data types.
// https://firebase.google.com/docs/firestore/manage-data/data-types#value_type_ordering
func typeOrder(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	values := []any{nil, false, true, math.NaN(), math.Inf(-1), int64(math.MinInt64), -1, 0.5, 1, 1.5, int64(math.MaxInt64), math.Inf(1),
		day, day.Add(time.Second), "", "a", "aa", "b", "ä", []byte{}, []byte{0}, []byte{1}, in.Doc("1"), in.Doc("1").Collection("x").Doc("0"), in.Doc("2"),
		&latlng.LatLng{Latitude: 1, Longitude: 9}, &latlng.LatLng{Latitude: 2, Longitude: 1}, []any{}, []any{1}, []any{1, 2}, []any{2},
		firestore.Vector64{9}, firestore.Vector64{1, 1}, fields{}, fields{"a": 1}, fields{"a": 1, "b": 0}, fields{"a": 2}, fields{"b": 0}}
	var want []string
	for i, v := range values {
		id := fmt.Sprintf("%02d", (i*7)%len(values)) // no order of names helps
		want = append(want, id)
		if err := wrote(in.Doc(id).Set(ctx, fields{"v": v})); err != nil {
			return err
		}
	}
	return finds(ctx, in.OrderBy("v", firestore.Asc), strings.Join(want, " "))
}

func fieldFilters(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	err := filled(ctx, in, fields{"x": 1}, fields{"x": 2.0}, fields{"x": 3}, fields{"x": "2"}, fields{"x": nil}, fields{"y": 1}, fields{"x": math.NaN()}, fields{"x": []any{1, 2}})
	if err != nil {
		return err
	}
	for _, c := range []struct {
		op    string
		value any
		want  string
	}{
		{"==", 2, "b"}, {"<", 2, "a"}, {"<=", 2, "a b"}, {">", 1, "b c"}, {">=", 2.0, "b c"}, {">", "1", "d"},
		{"!=", 2, "g a c d h"}, {"in", []any{2, "2", 7}, "b d"}, {"not-in", []any{1, "2"}, "g b c h"},
		{"array-contains", 2, "h"}, {"array-contains-any", []any{7, 1}, "h"}, {"==", nil, "e"}, {"==", math.NaN(), "g"},
		{"!=", nil, "g a b c d h"}, {"not-in", []any{1, nil}, ""},
	} {
		if e := finds(ctx, in.Where("x", c.op, c.value), c.want); e != nil {
			err = errors.Join(err, fmt.Errorf("x %s %v: %w", c.op, c.value, e))
		}
	}
	return err
}

func compositeFilters(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	err := filled(ctx, in, fields{"x": 1, "y": 1}, fields{"x": 1, "y": 2}, fields{"x": 2, "y": 2}, fields{"x": 3, "y": 3})
	if err != nil {
		return err
	}
	is := func(field string, v any) firestore.EntityFilter {
		return firestore.PropertyFilter{Path: field, Operator: "==", Value: v}
	}
	or := func(f ...firestore.EntityFilter) firestore.EntityFilter { return firestore.OrFilter{Filters: f} }
	and := func(f ...firestore.EntityFilter) firestore.EntityFilter { return firestore.AndFilter{Filters: f} }
	return errors.Join(
		finds(ctx, in.Where("x", "==", 1).Where("y", "==", 2), "b"),
		finds(ctx, in.Where("x", ">", 1).Where("x", "<", 3), "c"),
		finds(ctx, in.WhereEntity(or(is("x", 3), is("y", 1))), "a d"),
		finds(ctx, in.WhereEntity(or(and(is("x", 1), is("y", 1)), and(is("x", 2), is("y", 2)))), "a c"),
		finds(ctx, in.WhereEntity(and(or(is("x", 1), is("x", 2)), is("y", 2))), "b c"),
	)
}

func sorted(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	err := filled(ctx, in, fields{"x": 2}, fields{"x": 1}, fields{"x": 2}, fields{"y": 1}, fields{"x": nil})
	return errors.Join(err,
		finds(ctx, in.OrderBy("x", firestore.Asc), "e b a c"),
		finds(ctx, in.OrderBy("x", firestore.Desc), "c a b e"),
		finds(ctx, in.Query, "a b c d e"),
		finds(ctx, in.Where("x", ">", 0), "b a c"),
	)
}

func cursors(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	if err := filled(ctx, in, fields{"x": 1}, fields{"x": 2}, fields{"x": 2}, fields{"x": 3}); err != nil {
		return err
	}
	q := in.OrderBy("x", firestore.Asc)
	b, err := in.Doc("b").Get(ctx)
	return errors.Join(err,
		finds(ctx, q.StartAt(2), "b c d"), finds(ctx, q.StartAfter(2), "d"), finds(ctx, q.EndAt(2), "a b c"), finds(ctx, q.EndBefore(2), "a"),
		finds(ctx, q.StartAfter(b), "c d"), finds(ctx, q.EndAt(b), "a b"),
		finds(ctx, in.OrderBy("x", firestore.Desc).StartAt(2), "c b a"), finds(ctx, q.StartAt(9), ""),
	)
}

func queryLimits(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	err := filled(ctx, in, fields{"x": 1}, fields{"x": 2}, fields{"x": 3}, fields{"x": 4})
	q := in.OrderBy("x", firestore.Asc)
	return errors.Join(err, finds(ctx, q.Limit(2), "a b"), finds(ctx, q.Offset(1).Limit(2), "b c"), finds(ctx, q.LimitToLast(2), "c d"), finds(ctx, q.Offset(9), ""))
}

func byName(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	err := filled(ctx, in, fields{}, fields{}, fields{})
	return errors.Join(err,
		finds(ctx, in.Where(firestore.DocumentID, ">", in.Doc("a")), "b c"),
		finds(ctx, in.Where(firestore.DocumentID, "in", []*firestore.DocumentRef{in.Doc("c"), in.Doc("a")}), "a c"),
		finds(ctx, in.OrderBy(firestore.DocumentID, firestore.Asc).StartAfter("a"), "b c"))
}

func projected(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	if err := filled(ctx, in, fields{"a": fields{"b": 1, "c": 2}, "d": 3}); err != nil {
		return err
	}
	some, err := in.Select("a.c").Documents(ctx).GetAll()
	if err != nil {
		return err
	}
	none, err := in.Select().Documents(ctx).GetAll()
	if err != nil {
		return err
	}
	return errors.Join(sameText(some[0].Data(), fields{"a": fields{"c": 2}}), sameText(none[0].Data(), fields{}))
}

func groups(ctx context.Context, c *firestore.Client, in *firestore.CollectionRef) error {
	id := "group-of-posts"
	err := errors.Join(
		wrote(in.Doc("u1").Collection(id).Doc("p1").Set(ctx, fields{"x": 1})),
		wrote(in.Doc("u2").Collection(id).Doc("p2").Set(ctx, fields{"x": 2})),
		wrote(in.Doc("u2").Collection("other").Doc("p3").Set(ctx, fields{"x": 2})),
		wrote(c.Collection(id).Doc("p0").Set(ctx, fields{"x": 2})))
	if err == nil {
		err = finds(ctx, c.CollectionGroup(id).Query, "p1 p2 p0")
	}
	if err != nil {
		return err
	}
	_, err = ids(ctx, c.CollectionGroup(id).Where("x", "==", 2))
	return errors.Join(code(err, codes.FailedPrecondition), saying(err, "COLLECTION_GROUP_ASC index for collection group-of-posts and field x"))
}

// saying fails unless an error has these words.
func saying(err error, words string) error {
	if err == nil || !strings.Contains(err.Error(), words) {
		return fmt.Errorf("got %v, wanted %q in it", err, words)
	}
	return nil
}

func aggregations(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	err := filled(ctx, in, fields{"x": 1}, fields{"x": 2}, fields{"x": "text"}, fields{"y": 1})
	if err != nil {
		return err
	}
	result := func(q firestore.Query) (string, error) {
		r, err := q.NewAggregationQuery().WithCount("n").WithSum("x", "sum").WithAvg("x", "avg").Get(ctx)
		if err != nil {
			return "", err
		}
		n, sum, avg := r["n"].(*firestorepb.Value), r["sum"].(*firestorepb.Value), r["avg"].(*firestorepb.Value)
		_, null := avg.ValueType.(*firestorepb.Value_NullValue)
		return fmt.Sprint(n.GetIntegerValue(), " ", sum.GetIntegerValue(), " ", avg.GetDoubleValue(), " ", null), nil
	}
	all, err := result(in.Query)
	none, err2 := result(in.Where("x", ">", 7))
	limited, err3 := result(in.Limit(1))
	return errors.Join(err, err2, err3, sameText(all, "4 3 1.5 false"), sameText(none, "0 0 0 true"), sameText(limited, "1 1 1 false"))
}

func withoutIndex(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	var failed error
	for _, q := range []firestore.Query{
		in.Where("x", "==", 1).OrderBy("y", firestore.Asc), in.Where("x", "==", 1).Where("y", ">", 1), in.OrderBy("x", firestore.Asc).OrderBy("y", firestore.Asc),
		in.Where("x", "array-contains", 1).OrderBy("y", firestore.Desc), in.Where("x", ">", 1).Where("y", ">", 1), in.OrderBy(firestore.DocumentID, firestore.Desc),
	} {
		_, err := ids(ctx, q)
		failed = errors.Join(failed, code(err, codes.FailedPrecondition), saying(err, "The query requires an index. You can create it here: https://console.firebase.google.com/"))
	}
	for _, q := range []firestore.Query{
		in.Where("x", "==", 1).Where("y", "==", 1), in.Where("x", "==", 1).Where("y", "array-contains", 1), in.Where("x", ">", 1).OrderBy("x", firestore.Desc),
		in.Where("x", "==", 1).OrderBy("x", firestore.Asc), in.Where("x", "in", []any{1, 2}), in.Where("x", "==", 1).OrderBy(firestore.DocumentID, firestore.Asc),
	} {
		_, err := ids(ctx, q)
		failed = errors.Join(failed, err)
	}
	return failed
}

func filtersRefused(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	many := make([]any, 31)
	for i := range many {
		many[i] = i
	}
	var failed error
	for _, q := range []firestore.Query{
		in.Where("x", "in", many), in.Where("x", "not-in", many[:11]), in.Where("x", "in", []any{}),
		in.Where("x", "array-contains", 1).Where("y", "array-contains", 1), in.Where("x", "not-in", []any{1}).Where("x", "!=", 1),
		in.Where("x", "not-in", []any{1}).Where("y", "in", []any{1}), in.Where("x", "in", many[:6]).Where("y", "in", many[:6]),
		in.Where(firestore.DocumentID, "==", "a").Limit(-1),
	} {
		_, err := ids(ctx, q)
		failed = errors.Join(failed, code(err, codes.InvalidArgument))
	}
	return failed
}

func partitioned(ctx context.Context, c *firestore.Client, in *firestore.CollectionRef) error {
	part := in.Doc("a").Collection("parted")
	w := c.BulkWriter(ctx)
	for i := range 300 {
		if _, err := w.Set(part.Doc(fmt.Sprintf("%03d", i)), fields{}); err != nil {
			return err
		}
	}
	w.End()
	queries, err := c.CollectionGroup("parted").GetPartitionedQueries(ctx, 10)
	if err != nil {
		return err
	}
	n := 0
	for _, q := range queries {
		docs, err := q.Documents(ctx).GetAll()
		if err != nil {
			return err
		}
		n += len(docs)
	}
	if n != 300 || len(queries) < 2 {
		return fmt.Errorf("%d documents in %d parts, wanted 300 in some", n, len(queries))
	}
	return nil
}

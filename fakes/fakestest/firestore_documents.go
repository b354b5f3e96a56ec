package fakestest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/iterator"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/grpc/codes"
)

var firestoreDocuments = []firestoreCheck{
	{"what is set is read", setAndRead},
	{"every type of value comes back", valuesReturn},
	{"create refuses what is there", createRefuses},
	{"update refuses what is not there", updateRefuses},
	{"an update changes its fields alone", updateFields},
	{"a merge keeps other fields", mergeKeeps},
	{"a precondition on the time of the last update", lastUpdate},
	{"a write that changes nothing keeps its time", noChange},
	{"increments", increments},
	{"arrays take elements once and lose all equal ones", arrays},
	{"maximum and minimum", extremes},
	{"the server's time", serverTime},
	{"a batch writes all or nothing", batchAtomic},
	{"bulk writes are each by itself", bulkSingly},
	{"a document of more than 1 MiB is refused", tooLarge},
	{"collections are listed", collectionsListed},
	{"documents that are missing are listed", missingListed},
	{"the past can be read", pastRead},
}

func setAndRead(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	d := in.Doc("a")
	_, err := d.Get(ctx)
	if err := code(err, codes.NotFound); err != nil {
		return err
	}
	first, err := d.Set(ctx, fields{"n": 1})
	if err != nil {
		return err
	}
	second, err := d.Set(ctx, fields{"m": 2})
	if err != nil {
		return err
	}
	snap, err := d.Get(ctx)
	switch {
	case err != nil:
		return err
	case !snap.CreateTime.Equal(first.UpdateTime) || !snap.UpdateTime.Equal(second.UpdateTime) || !second.UpdateTime.After(first.UpdateTime):
		return fmt.Errorf("made %v, then %v: told %v and %v", first.UpdateTime, second.UpdateTime, snap.CreateTime, snap.UpdateTime)
	}
	if err := sameText(snap.Data(), fields{"m": 2}); err != nil {
		return err
	}
	if err := wrote(d.Delete(ctx)); err != nil {
		return err
	}
	_, err = d.Get(ctx)
	return errors.Join(code(err, codes.NotFound), wrote(d.Delete(ctx)))
}

func valuesReturn(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	all := fields{"null": nil, "bool": true, "int": int64(-7), "double": 2.5, "nan": math.NaN(), "time": at, "text": "ä", "bytes": []byte{0, 255},
		"point": &latlng.LatLng{Latitude: 1, Longitude: 2}, "array": []any{int64(1), "x", fields{"y": nil}}, "map": fields{"a": fields{"b": int64(1)}}}
	if err := wrote(in.Doc("v").Set(ctx, all)); err != nil {
		return err
	}
	return docHolds(ctx, in.Doc("v"), all)
}

func createRefuses(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	if err := wrote(in.Doc("a").Create(ctx, fields{"n": 1})); err != nil {
		return err
	}
	if err := code(wrote(in.Doc("a").Create(ctx, fields{"n": 2})), codes.AlreadyExists); err != nil {
		return err
	}
	return docHolds(ctx, in.Doc("a"), fields{"n": 1})
}

func updateRefuses(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	err := wrote(in.Doc("a").Update(ctx, []firestore.Update{{Path: "n", Value: 1}}))
	return errors.Join(code(err, codes.NotFound), code(wrote(in.Doc("a").Delete(ctx, firestore.Exists)), codes.NotFound))
}

func updateFields(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	d := in.Doc("a")
	return all(
		func() error { return wrote(d.Set(ctx, fields{"a": fields{"b": 1, "c": 2}, "d": 3, "e": 4})) },
		func() error {
			return wrote(d.Update(ctx, []firestore.Update{{Path: "a.b", Value: 5}, {Path: "d", Value: firestore.Delete}, {FieldPath: []string{"f.g"}, Value: 6}}))
		},
		func() error { return docHolds(ctx, d, fields{"a": fields{"b": 5, "c": 2}, "e": 4, "f.g": 6}) },
	)
}

func mergeKeeps(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	d := in.Doc("a")
	return all(
		func() error { return wrote(d.Set(ctx, fields{"a": fields{"b": 1}}, firestore.MergeAll)) },
		func() error { return wrote(d.Set(ctx, fields{"a": fields{"c": 2}, "d": 3}, firestore.MergeAll)) },
		func() error { return docHolds(ctx, d, fields{"a": fields{"b": 1, "c": 2}, "d": 3}) },
		func() error {
			return wrote(d.Set(ctx, fields{"a": fields{"c": 9}, "d": 9}, firestore.Merge(firestore.FieldPath{"a"})))
		},
		func() error { return docHolds(ctx, d, fields{"a": fields{"c": 9}, "d": 3}) },
	)
}

func lastUpdate(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	d := in.Doc("a")
	first, err := d.Set(ctx, fields{"n": 1})
	if err != nil {
		return err
	}
	set := []firestore.Update{{Path: "n", Value: 2}}
	if err := wrote(d.Update(ctx, set, firestore.LastUpdateTime(first.UpdateTime))); err != nil {
		return err
	}
	return code(wrote(d.Update(ctx, set, firestore.LastUpdateTime(first.UpdateTime))), codes.FailedPrecondition)
}

func noChange(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	first, err := in.Doc("a").Set(ctx, fields{"n": 1})
	if err != nil {
		return err
	}
	second, err := in.Doc("a").Set(ctx, fields{"n": 1})
	if err == nil && !second.UpdateTime.Equal(first.UpdateTime) {
		err = fmt.Errorf("got %v, wanted %v", second.UpdateTime, first.UpdateTime)
	}
	return err
}

// transformed sets a document, updates one field of it and says what it is to hold.
func transformed(ctx context.Context, d *firestore.DocumentRef, before, by, want any) error {
	return all(
		func() error { return wrote(d.Set(ctx, fields{"x": before})) },
		func() error { return wrote(d.Update(ctx, []firestore.Update{{Path: "x", Value: by}})) },
		func() error { return docHolds(ctx, d, fields{"x": want}) },
	)
}

func increments(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	d := in.Doc("a")
	return errors.Join(
		transformed(ctx, d, 1, firestore.Increment(2), 3),
		transformed(ctx, d, 1, firestore.Increment(0.5), 1.5),
		transformed(ctx, d, "text", firestore.Increment(2), 2),
		transformed(ctx, d, math.MaxInt64, firestore.Increment(2), int64(math.MaxInt64)),
		transformed(ctx, d, math.MinInt64, firestore.Increment(-2), int64(math.MinInt64)),
	)
}

func arrays(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	d := in.Doc("a")
	return errors.Join(
		transformed(ctx, d, []any{1, "a"}, firestore.ArrayUnion("a", 1.0, "b", "b"), []any{1, "a", "b"}),
		transformed(ctx, d, []any{1, "a", 1.0, nil}, firestore.ArrayRemove(1, nil), []any{"a"}),
		transformed(ctx, d, "text", firestore.ArrayUnion("a"), []any{"a"}),
		transformed(ctx, d, "text", firestore.ArrayRemove("a"), []any{}),
	)
}

func extremes(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	d := in.Doc("a")
	return errors.Join(
		transformed(ctx, d, 1, firestore.FieldTransformMaximum(2.5), 2.5),
		transformed(ctx, d, 3, firestore.FieldTransformMaximum(2.5), 3),
		transformed(ctx, d, 3, firestore.FieldTransformMinimum(2), 2),
		transformed(ctx, d, "text", firestore.FieldTransformMinimum(2), 2),
	)
}

func serverTime(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	d := in.Doc("a")
	res, err := d.Set(ctx, fields{"at": firestore.ServerTimestamp, "n": 1})
	if err != nil {
		return err
	}
	return docHolds(ctx, d, fields{"at": res.UpdateTime.Truncate(time.Millisecond), "n": 1})
}

func batchAtomic(ctx context.Context, c *firestore.Client, in *firestore.CollectionRef) error {
	//lint:ignore SA1019 applications use it
	_, err := c.Batch().Set(in.Doc("a"), fields{"n": 1}).Create(in.Doc("b"), fields{"n": 1}).Update(in.Doc("c"), []firestore.Update{{Path: "n", Value: 1}}).Commit(ctx)
	if err := code(err, codes.NotFound); err != nil {
		return err
	}
	_, err = in.Doc("a").Get(ctx)
	if err := code(err, codes.NotFound); err != nil {
		return err
	}
	//lint:ignore SA1019 applications use it
	results, err := c.Batch().Set(in.Doc("a"), fields{"n": 1}).Set(in.Doc("b"), fields{"n": 2}).Commit(ctx)
	if err == nil && !results[0].UpdateTime.Equal(results[1].UpdateTime) {
		err = fmt.Errorf("two times of one commit: %v, %v", results[0].UpdateTime, results[1].UpdateTime)
	}
	return err
}

func bulkSingly(ctx context.Context, c *firestore.Client, in *firestore.CollectionRef) error {
	if err := wrote(in.Doc("b").Set(ctx, fields{"n": 1})); err != nil {
		return err
	}
	w := c.BulkWriter(ctx)
	a, errA := w.Create(in.Doc("a"), fields{"n": 2})
	b, errB := w.Create(in.Doc("b"), fields{"n": 2})
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	w.End()
	_, errA = a.Results()
	_, errB = b.Results()
	return errors.Join(errA, code(errB, codes.AlreadyExists), docHolds(ctx, in.Doc("a"), fields{"n": 2}), docHolds(ctx, in.Doc("b"), fields{"n": 1}))
}

func tooLarge(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	if err := wrote(in.Doc("a").Set(ctx, fields{"x": strings.Repeat("x", 1<<20-200)})); err != nil {
		return err
	}
	return code(wrote(in.Doc("a").Set(ctx, fields{"x": strings.Repeat("x", 1<<20)})), codes.InvalidArgument)
}

func collectionsListed(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	d := in.Doc("a")
	err := all(
		func() error { return wrote(d.Collection("y").Doc("1").Set(ctx, fields{})) },
		func() error { return wrote(d.Collection("x").Doc("1").Set(ctx, fields{})) },
		func() error { return wrote(d.Collection("x").Doc("2").Set(ctx, fields{})) },
	)
	if err != nil {
		return err
	}
	list, err := d.Collections(ctx).GetAll()
	var ids []string
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	return errors.Join(err, sameText(ids, []string{"x", "y"}))
}

func missingListed(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	err := errors.Join(wrote(in.Doc("a").Collection("x").Doc("1").Set(ctx, fields{})), wrote(in.Doc("b").Set(ctx, fields{})))
	if err != nil {
		return err
	}
	var ids []string
	for it := in.DocumentRefs(ctx); ; {
		d, err := it.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return err
		}
		ids = append(ids, d.ID)
	}
	return sameText(ids, []string{"a", "b"})
}

func pastRead(ctx context.Context, c *firestore.Client, in *firestore.CollectionRef) error {
	first, err := in.Doc("a").Set(ctx, fields{"n": 1})
	if err == nil {
		_, err = in.Doc("a").Set(ctx, fields{"n": 2})
	}
	if err != nil {
		return err
	}
	old, err := in.Doc("a").WithReadOptions(firestore.ReadTime(first.UpdateTime)).Get(ctx)
	if err != nil {
		return err
	}
	return sameText(old.Data(), fields{"n": 1})
}

package fakestest

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/firestore"
)

var firestoreStreams = []firestoreCheck{
	{"a listener of a document", documentListener},
	{"a listener of a query", queryListener},
}

func documentListener(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	d := in.Doc("a")
	it := d.Snapshots(ctx)
	defer it.Stop()
	next := func(want string) error {
		snap, err := it.Next()
		if err != nil {
			return err
		}
		return sameText(fmt.Sprint(snap.Exists(), snap.Data()), want)
	}
	return all(
		func() error { return next("false map[]") },
		func() error { return wrote(d.Set(ctx, fields{"n": 1})) },
		func() error { return next("true map[n:1]") },
		func() error { return wrote(d.Set(ctx, fields{"n": 2})) },
		func() error { return next("true map[n:2]") },
		func() error { return wrote(d.Delete(ctx)) },
		func() error { return next("false map[]") },
	)
}

func queryListener(ctx context.Context, _ *firestore.Client, in *firestore.CollectionRef) error {
	if err := filled(ctx, in, fields{"x": 1}, fields{"x": 2}); err != nil {
		return err
	}
	it := in.Where("x", "<", 5).OrderBy("x", firestore.Asc).Limit(2).Snapshots(ctx)
	defer it.Stop()
	next := func(want string) error {
		snap, err := it.Next()
		if err != nil {
			return err
		}
		got := ""
		for _, c := range snap.Changes {
			got += fmt.Sprintf("%s%d%+d%+d ", c.Doc.Ref.ID, c.Kind, c.OldIndex, c.NewIndex)
		}
		return sameText(got, want)
	}
	return errors.Join(all(
		func() error { return next("a0-1+0 b0-1+1 ") },
		func() error { return wrote(in.Doc("c").Set(ctx, fields{"x": 9})) }, // is none of it
		func() error { return wrote(in.Doc("a").Set(ctx, fields{"x": 3})) },
		func() error { return next("a2+0+1 ") },
		func() error { return wrote(in.Doc("c").Set(ctx, fields{"x": 0})) },
		func() error { return next("a1+1-1 c0-1+0 ") },
		func() error { return wrote(in.Doc("c").Delete(ctx)) },
		func() error { return next("c1+0-1 a0-1+1 ") },
	))
}

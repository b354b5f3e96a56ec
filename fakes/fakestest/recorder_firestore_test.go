package fakestest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	fakefirestore "github.com/wtsim/wtsim/fakes/firestore"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/gcpprobe"
	"github.com/wtsim/wtsim/probe/grpcprobe"
)

// callFirestore is a handler: documents, a transaction, queries, an aggregation, errors.
func callFirestore(ctx context.Context, c *firestore.Client) error {
	users := c.Collection("users")
	if _, err := users.Doc("u 1").Create(ctx, map[string]any{"n": 1}); err != nil {
		return err
	}
	if _, err := users.Doc("u 1").Create(ctx, map[string]any{"n": 1}); err == nil {
		return errors.New("it is created twice")
	}
	if _, err := users.Doc("u 1").Update(ctx, []firestore.Update{{Path: "n", Value: firestore.Increment(1)}}); err != nil {
		return err
	}
	err := c.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		got, err := tx.Get(users.Doc("u 1"))
		if err != nil {
			return err
		}
		return tx.Set(users.Doc("u2"), map[string]any{"n": got.Data()["n"]})
	})
	if err != nil {
		return err
	}
	_ = c.RunTransaction(ctx, func(context.Context, *firestore.Transaction) error { return errors.New("no") })
	if _, err := users.Where("n", "==", 2).Documents(ctx).GetAll(); err != nil {
		return err
	}
	if _, err := c.CollectionGroup("posts").Documents(ctx).Next(); !errors.Is(err, iterator.Done) {
		return fmt.Errorf("posts: %w", err)
	}
	_, err = users.Doc("u2").Delete(ctx)
	return err
}

// What the recorder of production makes of the calls of Firestore's client, over gRPC to
// a server, is what the simulator makes of the same calls.
func TestRecorderFirestore(t *testing.T) {
	simulated := openedFor(t, fakefirestore.New("firestore"))
	if err := callFirestore(t.Context(), fakefirestore.Client(simulated, "firestore")); err != nil {
		t.Fatal(err)
	}
	served := openedFor(t, fakefirestore.New("firestore"))
	wire := served.Backend("firestore").(interface{ Dial(probe.Tap) net.Conn })
	k := &keeper{}
	options := []option.ClientOption{option.WithEndpoint("passthrough:///served"), option.WithoutAuthentication(), option.WithGRPCDialOption(
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return wire.Dial(served), nil })),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))}
	for _, o := range grpcprobe.DialOptions(k.recorder(t), gcpprobe.Describe) {
		options = append(options, option.WithGRPCDialOption(o))
	}
	client, err := firestore.NewClient(t.Context(), "wtsim", options...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := callFirestore(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	if got, want := told(k.operations(t)), told(simulated.Operations()); !slices.Equal(got, want) || len(want) < 10 {
		t.Errorf("production tells\n%s\nand the simulator\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

package s3_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/wtsim/wtsim/cloud"
	platform "github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/fakes/s3"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// operations are ten: four puts, four reads, a listing and a deletion.
func operations(ctx context.Context, c *awss3.Client) error {
	bucket := aws.String("photos")
	for n := range 4 {
		key := aws.String(fmt.Sprint("k/", n))
		if err := put(ctx, c, *bucket, *key, "content"); err != nil {
			return err
		}
		out, err := c.GetObject(ctx, &awss3.GetObjectInput{Bucket: bucket, Key: key})
		if err != nil {
			return err
		}
		if _, err := io.ReadAll(out.Body); err != nil {
			return err
		}
	}
	if _, err := c.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("k/")}); err != nil {
		return err
	}
	_, err := c.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: bucket, Key: aws.String("k/0")})
	return err
}

// BenchmarkPlain is ten calls of the client to the service, with nothing between
// that decides: the service and the client are made anew for each ten.
func BenchmarkPlain(b *testing.B) {
	defer search.Steady()()
	b.ReportAllocs()
	for b.Loop() {
		e, err := fakestest.Open(b.Context(), s3.New("s3", "photos"))
		if err != nil {
			b.Fatal(err)
		}
		if err := operations(b.Context(), newClient(s3.Client(e, "s3"))); err != nil {
			b.Fatal(err)
		}
		e.Close()
	}
}

// BenchmarkBenign is a run of them in the benign order.
func BenchmarkBenign(b *testing.B) {
	s := compile(b, sim.Scenario{
		Name: "ten", Platform: platform.Lambda(), Services: []cloud.Service{s3.New("s3", "photos")}, Meant: []string{"no events"},
		Functions: []sim.Function{{Name: "f", New: requests(func(ctx context.Context, _ cloud.Env, c *awss3.Client) error { return operations(ctx, c) })}},
		Clients:   []sim.Client{{Name: "alice", Requests: []sim.Request{{Function: "f"}}}},
	})
	defer search.Steady()()
	b.ReportAllocs()
	for b.Loop() {
		if r := s.Run(scheduler.Benign{}); r.Verdict != sim.Held || len(r.Steps) < 12 {
			b.Fatal(r.Verdict, r.Why, len(r.Steps))
		}
	}
}

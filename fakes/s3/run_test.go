package s3_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/wtsim/wtsim/cloud"
	platform "github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/lambda"
	"github.com/wtsim/wtsim/fakes/s3"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// client is the real one, as a constructor makes it.
func client(env cloud.Env) *awss3.Client { return newClient(env.HTTPClient()) }

func newClient(with *http.Client) *awss3.Client {
	return awss3.New(awss3.Options{
		Region: "eu-west-1", HTTPClient: with, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		}),
	})
}

// requests is a function whose requests do something with S3.
func requests(do func(context.Context, cloud.Env, *awss3.Client) error) func(cloud.Env) (cloud.Handler, error) {
	return func(env cloud.Env) (cloud.Handler, error) {
		c := client(env)
		return cloud.HTTPFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := do(r.Context(), env, c); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		}), nil
	}
}

// told is what the tests read of an event.
type told struct {
	Records []struct {
		EventName string
		AwsRegion string
		EventTime string
		S3        struct {
			ConfigurationID string
			Bucket          struct{ Name, ARN string }
			Object          struct {
				Key, ETag, VersionID, Sequencer string
				Size                            int
			}
		}
	}
}

// telling is a scenario whose client changes things, and whose function is told
// of it; both say so with events.
func telling(s *s3.Service, trigger s3.Trigger, change func(context.Context, cloud.Env, *awss3.Client) error, take func(cloud.Env, *told) error) sim.Scenario {
	return sim.Scenario{
		Name: "telling", Platform: platform.Lambda(), Services: []cloud.Service{s},
		Functions: []sim.Function{{Name: "change", New: requests(change)}, {Name: "take", Triggers: []cloud.Trigger{trigger}, New: func(env cloud.Env) (cloud.Handler, error) {
			return platform.Handler(func(e told) error { return take(env, &e) }), nil
		}}},
		Clients: []sim.Client{{Name: "c", Requests: []sim.Request{{Function: "change"}}}},
	}
}

func compile(t testing.TB, s sim.Scenario) *sim.Simulation {
	t.Helper()
	out, err := sim.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// put stores an object.
func put(ctx context.Context, c *awss3.Client, bucket, key, content string) error {
	_, err := c.PutObject(ctx, &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(content)})
	return err
}

// Each change of a bucket is told by the name that it has, to whom it is for.
func TestEvents(t *testing.T) {
	for _, versioned := range []bool{false, true} {
		var got []string
		s := s3.New("s3", "photos")
		if versioned {
			s = s.Versioned("photos")
		}
		trigger := s3.Trigger{Bucket: "photos", Prefix: "in/", Suffix: ".jpg", Events: []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}}
		scenario := telling(s, trigger, func(ctx context.Context, _ cloud.Env, c *awss3.Client) error {
			for _, key := range []string{"in/a b.jpg", "in/a.png", "out/a.jpg"} {
				if err := put(ctx, c, "photos", key, "hello"); err != nil {
					return err
				}
			}
			if _, err := c.CopyObject(ctx, &awss3.CopyObjectInput{Bucket: aws.String("photos"), Key: aws.String("in/c.jpg"), CopySource: aws.String("photos/in/a%20b.jpg")}); err != nil {
				return err
			}
			_, err := c.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: aws.String("photos"), Key: aws.String("in/c.jpg")})
			return err
		}, func(_ cloud.Env, e *told) error {
			r := e.Records[0]
			o := r.S3.Object
			got = append(got, strings.Join([]string{r.EventName, r.S3.Bucket.ARN, o.Key, o.ETag, o.Sequencer[16:], r.AwsRegion, r.EventTime[:10], map[bool]string{true: "id"}[o.VersionID != ""]}, " "))
			return nil
		})
		if r := compile(t, scenario).Run(scheduler.Benign{}); r.Verdict != sim.Held {
			t.Fatal(r.Verdict, r.Why, r.Stack)
		}
		const hello = "5d41402abc4b2a76b9719d911017c592"
		id, gone := "", "ObjectRemoved:Delete"
		if versioned {
			id, gone = "id", "ObjectRemoved:DeleteMarkerCreated"
		}
		want := []string{
			"ObjectCreated:Put arn:aws:s3:::photos in%2Fa+b.jpg " + hello + " 01 eu-west-1 2026-01-01 " + id,
			"ObjectCreated:Copy arn:aws:s3:::photos in%2Fc.jpg " + hello + " 01 eu-west-1 2026-01-01 " + id,
			gone + " arn:aws:s3:::photos in%2Fc.jpg  02 eu-west-1 2026-01-01 " + id,
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("versioned %v: got\n%s\nwanted\n%s", versioned, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// twice puts an object twice; its function says which of the writes it is told.
func twice(s *s3.Service, kind string, p *props.Property) sim.Scenario {
	out := telling(s, s3.Trigger{Bucket: "photos"}, func(ctx context.Context, env cloud.Env, c *awss3.Client) error {
		for _, n := range []string{"1", "2"} {
			if err := put(ctx, c, "photos", "k", n); err != nil {
				return err
			}
			env.Tap().Emit("WROTE", map[string]any{"n": n})
		}
		return nil
	}, func(env cloud.Env, e *told) error {
		n := strings.TrimLeft(e.Records[0].S3.Object.Sequencer, "0")
		env.Tap().Emit("TOLD", map[string]any{"key": "k", "n": n})
		return nil
	})
	out.Faults.Kinds, out.Properties = []string{kind}, []*props.Property{p}
	return out
}

// nth is that the function is told of a write.
func nth(n string) props.Letter {
	return props.On("TOLD", "key").When("n is "+n, func(d event.Data) bool { v, _ := d.Get("n"); return v.String() == n })
}

// Events come twice, out of order, and two near each other as one, where there
// are no versions: each is found, and each by one deviation; otherwise nothing is.
func TestDeviations(t *testing.T) {
	once := props.AtMostOnce("told once", props.On("TOLD", "n"))
	each := props.Eventually("each is told", props.On("WROTE", "n"), props.On("TOLD", "n"))
	order := props.NeverAfter("the first is not told after the second", nth("1"), nth("2"))
	plain, versioned := s3.New("s3", "photos"), s3.New("s3", "photos").Versioned("photos")
	for _, c := range []struct {
		s     *s3.Service
		kind  string
		p     *props.Property
		found bool
	}{
		{plain, cloud.Duplicate, once, true}, {plain, cloud.Reorder, order, true}, {plain, cloud.Coalesce, each, true}, {versioned, cloud.Coalesce, each, false},
		{versioned, cloud.Reorder, order, true}, {plain, cloud.Crash, each, false}, {plain, cloud.Redeliver, once, true},
	} {
		s := search.Subject{Simulation: compile(t, twice(c.s, c.kind, c.p))}
		found, err := s.Search(context.Background(), search.Options{Schedules: 60})
		switch {
		case err != nil:
			t.Fatal(err)
		case (found.Result != nil) != c.found:
			t.Errorf("%v, %s: found is %v, wanted %v", c.s, c.kind, found.Result != nil, c.found)
		case c.found:
			if small, _ := s.Shrink(found.Result, nil); len(small.Plan) != 1 || small.Plan[0].Do != c.kind {
				t.Errorf("%s: got %v", c.kind, small.Plan)
			}
		}
	}
}

// A function that fails gets the event again after one minute and after two;
// then it is given up.
func TestRetries(t *testing.T) {
	var at []time.Duration
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := compile(t, telling(s3.New("s3", "photos"), s3.Trigger{Bucket: "photos"}, func(ctx context.Context, _ cloud.Env, c *awss3.Client) error {
		return put(ctx, c, "photos", "k", "x")
	}, func(cloud.Env, *told) error {
		at = append(at, time.Since(began).Round(time.Second))
		return http.ErrAbortHandler
	})).Run(scheduler.Benign{})
	if r.Verdict != sim.Held || len(at) != 3 || at[1]-at[0] != time.Minute || at[2]-at[1] != 2*time.Minute {
		t.Errorf("got %v: %v %s", at, r.Verdict, r.Why)
	}
	last := r.Steps[len(r.Steps)-1]
	if !strings.HasPrefix(last.Identity, "give up take(") || last.Status != "after 3 attempts" {
		t.Errorf("got %s = %s", last.Identity, last.Status)
	}
}

// What a function's settings say of asynchronous events holds for the bucket's too.
func TestSettings(t *testing.T) {
	n := 0
	scenario := telling(s3.New("s3", "photos"), s3.Trigger{Bucket: "photos"}, func(ctx context.Context, _ cloud.Env, c *awss3.Client) error {
		return put(ctx, c, "photos", "k", "x")
	}, func(cloud.Env, *told) error {
		n++
		return http.ErrAbortHandler
	})
	scenario.Services = append(scenario.Services, lambda.New("lambda").Async(platform.Async{Function: "take", Retries: -1, DeadLetter: platform.QueueARN("dead")}),
		sqs.New("sqs").With(sqs.Queue{Name: "dead"}))
	r := compile(t, scenario).Run(scheduler.Benign{})
	if last := r.Steps[len(r.Steps)-1]; n != 1 || last.What != "is dead-lettered" {
		t.Errorf("%d attempts, then %q: %v %s", n, last.What, r.Verdict, r.Why)
	}
}

// Two that create one object on a condition: one is told that it is there, or
// that the two are in conflict; the object is the first one's.
func TestConflict(t *testing.T) {
	create := requests(func(ctx context.Context, env cloud.Env, c *awss3.Client) error {
		_, err := c.PutObject(ctx, &awss3.PutObjectInput{Bucket: aws.String("photos"), Key: aws.String("k"), IfNoneMatch: aws.String("*"), Body: strings.NewReader("x")})
		switch {
		case err == nil:
			env.Tap().Emit("CREATED", map[string]any{"key": "k"})
		case strings.Contains(err.Error(), "ConditionalRequestConflict"):
			env.Tap().Emit("CONFLICT", map[string]any{"key": "k"})
		}
		return nil
	})
	scenario := func(kind string, s cloud.Service, p *props.Property) search.Subject {
		return search.Subject{Simulation: compile(t, sim.Scenario{
			Name: "create", Platform: platform.Lambda(), Services: []cloud.Service{s}, Functions: []sim.Function{{Name: "create", New: create}},
			Clients:    []sim.Client{{Name: "a", Requests: []sim.Request{{Function: "create"}}}, {Name: "b", Requests: []sim.Request{{Function: "create"}}}},
			Properties: []*props.Property{p}, Faults: sim.Faults{Kinds: []string{kind}},
		})}
	}
	plain := s3.New("s3", "photos")
	once := props.AtMostOnce("created once", props.On("CREATED", "key"))
	for what, c := range map[string]struct {
		of    search.Subject
		found bool
	}{
		"conflict":           {scenario(cloud.Conflict, plain, props.Never("no conflict", props.On("CONFLICT", "key"))), true},
		"interleaving":       {scenario(cloud.RunOther, plain, once), false},
		"without conditions": {scenario(cloud.RunOther, plain.Without("s3/conditions"), once), true},
	} {
		found, err := c.of.Search(context.Background(), search.Options{Schedules: 60})
		if err != nil || (found.Result != nil) != c.found {
			t.Errorf("%s: found is %v, %v", what, found.Result != nil, err)
		}
	}
}

// What is declared wrongly is told in a sentence.
func TestDeclaredWrongly(t *testing.T) {
	for want, s := range map[string]sim.Scenario{
		`"A_b" is no name of a bucket`:                 {Services: []cloud.Service{s3.New("s3", "A_b")}},
		`bucket "abc" is declared twice`:               {Services: []cloud.Service{s3.New("s3", "abc", "abc")}},
		`object "k" is in bucket "other"`:              {Services: []cloud.Service{s3.New("s3", "abc").With("other", "k", "x")}},
		`bucket "other" is versioned`:                  {Services: []cloud.Service{s3.New("s3", "abc").Versioned("other")}},
		`function "change" is told of bucket "photos"`: {Services: []cloud.Service{s3.New("s3", "abc")}, Functions: []sim.Function{{Name: "change", Triggers: s3.On("photos")}}},
		`it has no event "s3:ObjectRestore:*"`:         {Services: []cloud.Service{s3.New("s3", "photos")}, Functions: []sim.Function{{Name: "change", Triggers: []cloud.Trigger{s3.Trigger{Bucket: "photos", Events: []string{"s3:ObjectRestore:*"}}}}}},
	} {
		full := telling(s3.New("s3", "photos"), s3.Trigger{Bucket: "photos"}, nil, nil)
		full.Services = s.Services
		full.Functions = full.Functions[:1]
		if len(s.Functions) > 0 {
			full.Functions[0].Triggers = s.Functions[0].Triggers
		}
		if _, err := sim.Compile(full); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, wanted %s", err, want)
		}
	}
}

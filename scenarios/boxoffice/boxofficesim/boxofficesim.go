// Package boxofficesim puts package boxoffice under test: alice holds a seat, and never
// pays; bob wants the same, and buys another one; carol looks how many are sold.
//
// The whole application holds under every schedule with at most one deviation (244, two
// seconds). With two there are some 40 000 that differ, which nobody has gone through
// to their end: of the first 26 000, a quarter of an hour beside other work, none fails.
package boxofficesim

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	dynamodbclient "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	s3client "github.com/aws/aws-sdk-go-v2/service/s3"
	sqsclient "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/awsclient"
	"github.com/wtsim/wtsim/fakes/dynamodb"
	"github.com/wtsim/wtsim/fakes/lambda"
	"github.com/wtsim/wtsim/fakes/s3"
	"github.com/wtsim/wtsim/fakes/sqs"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/boxoffice"
	"github.com/wtsim/wtsim/sim"
)

//go:embed boxoffice.yaml
var properties []byte

// Scenarios returns the correct box office and its buggy variants.
func Scenarios() []sim.Scenario {
	correct := Scenario(boxoffice.Correct)
	correct.Name, correct.Doc = "boxoffice", "five functions of Lambda sell seats, and cope with what the platform does"
	correct.Relies = []string{"dynamodb/conditions", "sqs/redelivery", "web/idempotency-key"}
	return []sim.Scenario{
		correct,
		variant("expire-paying", "a seat is given up while its payment is under way: who is charged has none", 1, boxoffice.Variant{ExpirePaying: true}),
		variant("unreported", "what has failed of a batch is logged, and deleted with the rest: it is never paid", 1, boxoffice.Variant{Unreported: true}),
		variant("count-again", "a batch of changes that comes again is counted again", 1, boxoffice.Variant{CountAgain: true}),
		variant("two-writes", "a booking is given up, then its seat: a crash between the two leaves the seat taken for good", 1, boxoffice.Variant{TwoWrites: true}),
	}
}

func variant(name, doc string, deviations int, v boxoffice.Variant) sim.Scenario {
	s := Scenario(v)
	s.Name, s.Doc, s.Expect = "boxoffice/"+name, doc, sim.Expect{Violation: true, Deviations: deviations}
	return s
}

// Scenario returns a variant of the box office.
func Scenario(v boxoffice.Variant) sim.Scenario {
	must, err := props.Parse("boxoffice.yaml", properties)
	if err != nil {
		panic(err) // it is embedded, and tested
	}
	return sim.Scenario{
		Platform: aws.Lambda(),
		Services: []cloud.Service{
			dynamodb.New("dynamodb", dynamodb.Table{Name: "theatre", Keys: "pk S, sk S", Stream: "NEW_AND_OLD_IMAGES",
				Indexes: []dynamodb.Index{{Name: "todo", Keys: "todo S, due N"}}}),
			sqs.New("sqs").With(sqs.Queue{Name: "payments", Visibility: 12 * time.Minute, DeadLetter: "unpaid", MaxReceives: 6}, sqs.Queue{Name: "unpaid"}),
			s3.New("s3", "theatre"),
			lambda.New("lambda").Every(lambda.Schedule{Name: "sweep", Function: "sweep", Every: 10 * time.Minute, Ticks: 3}),
			web.New("payments.example", func() http.Handler {
				return web.Idempotent(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }))
			}),
		},
		Functions: functions(v),
		Clients: []sim.Client{
			{Name: "alice", Requests: []sim.Request{books("b-1", "A1", true)}},
			{Name: "bob", Retries: 3, Requests: []sim.Request{books("b-2", "A1", false), books("b-3", "A2", false)}},
			{Name: "carol", Requests: []sim.Request{{Function: "api", Method: http.MethodGet, Path: "/plays/hamlet"}}},
		},
		Rules:      rules(),
		Properties: append(must, props.AtQuiescence("a play tells how many are sold", counted)),
	}
}

func books(id, seat string, hold bool) sim.Request {
	return sim.Request{Function: "api", Path: "/bookings", Body: fmt.Sprintf(`{"id":%q,"play":"hamlet","seat":%q,"hold":%t}`, id, seat, hold),
		Told: func(r cloud.Response) (string, map[string]any) {
			if r.Status != http.StatusAccepted {
				return "", nil
			}
			return "ACCEPTED", map[string]any{"booking": id}
		}}
}

func functions(v boxoffice.Variant) []sim.Function {
	table := func(env cloud.Env) *boxoffice.Table {
		return &boxoffice.Table{DynamoDB: dynamodbclient.NewFromConfig(awsclient.Config(env)), Name: "theatre"}
	}
	receipts := func(env cloud.Env) *boxoffice.Receipts {
		return &boxoffice.Receipts{S3: s3client.NewFromConfig(awsclient.Config(env)), Bucket: "theatre"}
	}
	changes := lambda.Stream{Table: "theatre", ItemFailures: true, Filters: []string{`{"dynamodb":{"NewImage":{"status":{"S":["paid"]}}}}`}}
	return []sim.Function{
		{Name: "api", New: func(env cloud.Env) (cloud.Handler, error) {
			f := &boxoffice.API{Table: table(env), SQS: sqsclient.NewFromConfig(awsclient.Config(env)), Payments: aws.QueueURL("payments")}
			return aws.Handler(f.Handle, aws.HTTPAPI(boxoffice.Routes...)), nil
		}},
		{Name: "pay", Timeout: 2 * time.Minute, Triggers: []cloud.Trigger{sqs.Trigger{Queue: "payments", ItemFailures: true}}, New: func(env cloud.Env) (cloud.Handler, error) {
			f := &boxoffice.Pay{Table: table(env), Receipts: receipts(env), Payments: env.HTTPClient(), Variant: v}
			return aws.Handler(f.Handle), nil
		}},
		{Name: "ticket", Triggers: []cloud.Trigger{s3.Trigger{Bucket: "theatre", Prefix: "receipts/"}}, New: func(env cloud.Env) (cloud.Handler, error) {
			return aws.Handler((&boxoffice.Ticket{Table: table(env), Receipts: receipts(env)}).Handle), nil
		}},
		{Name: "project", Triggers: []cloud.Trigger{changes}, New: func(env cloud.Env) (cloud.Handler, error) {
			return aws.Handler((&boxoffice.Project{Table: table(env), Variant: v}).Handle), nil
		}},
		{Name: "sweep", New: func(env cloud.Env) (cloud.Handler, error) {
			return aws.Handler((&boxoffice.Sweep{Table: table(env), Receipts: receipts(env), Variant: v}).Handle), nil
		}},
	}
}

func rules() []probe.Rule {
	table := sim.AtRest("dynamodb")
	booking := map[string]string{"booking": "{booking}", "play": "response.play.S", "seat": "response.seat.S"}
	return []probe.Rule{
		{Service: "payments.example", Method: "POST", Resource: "/charges", Where: map[string]string{"status": "201"},
			Emit: "CHARGED", With: map[string]string{"booking": "request.booking"}},
		{Service: table, Resource: "theatre/BOOKING#{booking}/BOOKING", Where: map[string]string{"response.status.S": "ticketed"}, Emit: "SOLD", With: booking},
		{Service: table, Resource: "theatre/BOOKING#{booking}/BOOKING", Where: map[string]string{"response.status.S": "expired"}, Emit: "EXPIRED", With: booking},
		{Service: table, Resource: "theatre/PLAY#{play}/SEAT#{seat}", Emit: "TAKEN", With: map[string]string{"booking": "response.booking.S"}},
		{Service: sim.AtRest("s3"), Resource: "theatre/tickets/{booking}.txt", Emit: "TICKET", With: map[string]string{"booking": "{booking}"}},
	}
}

// counted compares what the play tells with the bookings that are sold.
func counted(s props.State) error {
	sold, told := 0, "0"
	for _, key := range s.Keys("dynamodb") {
		var held struct {
			Status struct{ S string }
			Sold   struct{ N string }
		}
		value, _ := s.Get("dynamodb", key)
		if err := json.Unmarshal([]byte(value), &held); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		switch {
		case held.Status.S == "ticketed":
			sold++
		case strings.HasSuffix(key, "/SALES"):
			told = held.Sold.N
		}
	}
	if strconv.Itoa(sold) != told {
		return fmt.Errorf("%d seats are sold, and the play tells %s", sold, told)
	}
	return nil
}

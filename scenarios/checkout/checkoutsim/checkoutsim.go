// Package checkoutsim puts the shop of package checkout under test: two
// customers order the same item, of which two are in stock, a third looks
// around.
package checkoutsim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/gcs"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/checkout"
	"github.com/wtsim/wtsim/sim"
)

// stock is how many mugs there are at the beginning.
const stock = 2

// Scenarios returns the correct shop and its buggy variants.
func Scenarios() []sim.Scenario {
	bug := sim.Expect{Violation: true, Deviations: 1}
	correct := Scenario(checkout.Correct)
	correct.Name, correct.Doc = "checkout", "a shop that copes with what the platform does"
	correct.Relies = []string{"web/idempotency-key", "redis/watch", "redis/transactions", "pubsub/retries"}
	double := Scenario(checkout.Variant{NoIdempotencyKey: true})
	double.Name, double.Doc, double.Expect = "checkout/double-charge", "the payment provider is not told which charge is repeated", bug
	oversell := Scenario(checkout.Variant{ReadThenWrite: true})
	oversell.Name, oversell.Doc, oversell.Expect = "checkout/oversell", "the stock is read, then written back", bug
	lost := Scenario(checkout.Variant{PublishOnce: true})
	lost.Name, lost.Doc, lost.Expect = "checkout/lost-order", "an order that was recorded but not published is never published", bug
	return []sim.Scenario{correct, double, oversell, lost}
}

// Scenario returns a variant of the shop with two customers.
func Scenario(v checkout.Variant) sim.Scenario { return ScenarioWith(v, []string{"alice", "bob"}) }

// ScenarioWith returns a variant of the shop in which each of the customers
// orders one mug.
func ScenarioWith(v checkout.Variant, customers []string) sim.Scenario {
	cache := redis.New("redis").With("stock:mug", strconv.Itoa(stock)).With("title:mug", "A mug")
	var clients []sim.Client
	for i, name := range customers {
		cache = cache.With("cart:"+name, "mug")
		clients = append(clients, customer(name, fmt.Sprintf("o-%d", i+1)))
	}
	clients = append(clients, sim.Client{Name: "carol", Requests: []sim.Request{
		{Function: "browse", Method: http.MethodGet, Path: "/items/mug"}}})
	return sim.Scenario{
		Name:     "checkout",
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{
			cache,
			gcs.New("gcs", "orders", "receipts"),
			web.New("payments.example", newPayments),
			pubsub.New("pubsub"),
		},
		Functions:  functions(v),
		Clients:    clients,
		Rules:      rules(),
		Properties: properties(),
		Inputs:     map[string]any{"customers": customers},
	}
}

func customer(name, order string) sim.Client {
	body, err := json.Marshal(checkout.Order{ID: order, Customer: name})
	if err != nil {
		panic(err) // strings always encode
	}
	return sim.Client{Name: name, Retries: 5, Requests: []sim.Request{{
		Function: "place-order", Path: "/orders", Body: string(body),
		Told: func(r cloud.Response) (string, map[string]any) {
			if r.Status != http.StatusAccepted {
				return "", nil
			}
			return "ORDER_ACCEPTED", map[string]any{"order": order}
		},
	}}}
}

func functions(v checkout.Variant) []sim.Function {
	return []sim.Function{
		{Name: "place-order", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&checkout.PlaceOrder{Redis: redis.Client(env, "redis", nil),
				Orders: gcs.Client(env, "gcs").Bucket("orders"), Placed: checkout.Publisher(pubsub.Client(env, "pubsub"), "orders"), Variant: v}), nil
		}},
		{Name: "charge", Triggers: pubsub.On("orders"), New: func(env cloud.Env) (cloud.Handler, error) {
			c := &checkout.Charge{Redis: redis.Client(env, "redis", nil), HTTP: env.HTTPClient(), Paid: checkout.Publisher(pubsub.Client(env, "pubsub"), "paid"), Variant: v}
			return onData(c.Handle), nil
		}},
		{Name: "fulfil", Triggers: pubsub.On("paid"), New: func(env cloud.Env) (cloud.Handler, error) {
			f := &checkout.Fulfil{Redis: redis.Client(env, "redis", nil), Receipts: gcs.Client(env, "gcs").Bucket("receipts"), Variant: v}
			return onData(f.Handle), nil
		}},
		{Name: "browse", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(&checkout.Browse{Redis: redis.Client(env, "redis", nil)}), nil
		}},
	}
}

func onData(f func(context.Context, []byte) error) cloud.Handler {
	return gcp.OnMessage(func(ctx context.Context, m gcp.Message) error { return f(ctx, m.Data) })
}

func rules() []probe.Rule {
	return []probe.Rule{
		{Service: "payments.example", Method: "POST", Resource: "/charges", Where: map[string]string{"status": "201"},
			Emit: "ORDER_CHARGED", With: map[string]string{"order": "request.order"}},
		{Service: "gcs", Method: "objects.insert", Resource: "receipts/{file}", Emit: "ORDER_FULFILLED",
			With: map[string]string{"order": "request.order", "status": "request.status"}},
	}
}

func properties() []*props.Property {
	accepted := props.On("ORDER_ACCEPTED", "order")
	charged := props.On("ORDER_CHARGED", "order")
	fulfilled := props.On("ORDER_FULFILLED", "order")
	return []*props.Property{
		props.AtMostOnce("charged at most once", charged),
		props.Precedes("paid before it is fulfilled", charged, fulfilled),
		// Not Eventually: the goods may be out before the customer is told.
		props.ForAll("order").Machine("an accepted order is fulfilled",
			props.From("open").On(accepted).To("owed").On(fulfilled).To(props.Satisfied),
			props.From("owed").On(fulfilled).To(props.Satisfied).ViolatedAtEnd()),
		props.AtQuiescence("stock and shipments add up", stockAddsUp),
	}
}

func stockAddsUp(s props.State) error {
	text, _ := s.Get("redis", "stock:mug")
	left, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("stock:mug is %q", text)
	}
	shipped := 0
	for _, key := range s.Keys("redis") {
		if status, _ := s.Get("redis", key); strings.HasPrefix(key, "fulfilled:") && status == "shipped" {
			shipped++
		}
	}
	if left+shipped != stock {
		return fmt.Errorf("%d of %d were shipped, but %d are left", shipped, stock, left)
	}
	return nil
}

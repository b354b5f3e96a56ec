package scenarios

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wtsim/wtsim/probe/httpprobe"
	"github.com/wtsim/wtsim/scenarios/patterns/batchtimeout"
	"github.com/wtsim/wtsim/scenarios/patterns/blindput"
	"github.com/wtsim/wtsim/scenarios/patterns/consent"
	"github.com/wtsim/wtsim/scenarios/patterns/dualwrite"
	"github.com/wtsim/wtsim/scenarios/patterns/earlyreturn"
	"github.com/wtsim/wtsim/scenarios/patterns/fanin"
	"github.com/wtsim/wtsim/scenarios/patterns/poison"
	"github.com/wtsim/wtsim/scenarios/patterns/saga"
	"github.com/wtsim/wtsim/scenarios/patterns/sendthendelete"
	"github.com/wtsim/wtsim/scenarios/patterns/sharedkey"
	"github.com/wtsim/wtsim/scenarios/patterns/stuckclaim"
	"github.com/wtsim/wtsim/scenarios/patterns/twofinishers"
	"github.com/wtsim/wtsim/scenarios/patterns/unsubscribe"
)

// What follows is the platform's part, by hand: who delivers messages and tasks,
// when, and how often.

// pushed is the body of a push delivery.
func pushed(t *testing.T, m *pubsubpb.PubsubMessage) string {
	body, err := json.Marshal(map[string]any{"message": map[string]any{"messageId": m.MessageId, "data": m.Data, "attributes": m.Attributes}})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// published is the event of a message.
func published(d *deployed, m *pubsubpb.PubsubMessage) cloudevents.Event {
	e := cloudevents.New()
	e.SetID(m.MessageId)
	e.SetType("google.cloud.pubsub.topic.v1.messagePublished")
	e.SetSource("//pubsub.googleapis.com/topics/t")
	d.must(e.SetData(cloudevents.ApplicationJSON, json.RawMessage(pushed(d.t, m))))
	return e
}

// dataOf is what a message carries.
func dataOf[T any](d *deployed, m *pubsubpb.PubsubMessage) (out T) {
	d.must(json.Unmarshal(m.Data, &out))
	return out
}

// draining reaches its time limit between two documents of a batch.
func draining(d *deployed) func(int) {
	var slow atomic.Bool
	_, tasks := d.queue(func(ctx context.Context, r *cloudtaskspb.CreateTaskRequest) {
		if slow.Load() && strings.Contains(string(r.Task.GetHttpRequest().Body), "second") {
			<-ctx.Done()
		}
	})
	uploads := d.topics("uploads")
	drain := &batchtimeout.Drain{PubSub: uploads.of(), Tasks: tasks}
	within := func(limit time.Duration) {
		ctx, done := context.WithTimeout(context.Background(), limit)
		defer done()
		drain.ServeHTTP(discarded{}, request(ctx))
	}
	return func(n int) {
		for _, document := range []string{"first", "second"} {
			_, err := uploads.client.TopicAdminClient.Publish(context.Background(), &pubsubpb.PublishRequest{Topic: "projects/" + project + "/topics/uploads",
				Messages: []*pubsubpb.PubsubMessage{{Attributes: map[string]string{"objectId": fmt.Sprintf("%s-%d", document, n)}}}})
			d.must(err)
		}
		slow.Store(true)
		within(2 * time.Second)
		slow.Store(false)
		time.Sleep(10 * time.Second) // the deadline of the acknowledgement
		within(10 * time.Second)
	}
}

// discarded is a response that nobody waits for.
type discarded struct{}

func (discarded) Header() http.Header         { return http.Header{} }
func (discarded) Write(b []byte) (int, error) { return len(b), nil }
func (discarded) WriteHeader(int)             {}

func request(ctx context.Context) *http.Request {
	r, _ := http.NewRequestWithContext(ctx, http.MethodPost, "/", nil)
	return r
}

// packing delivers a message to the one subscriber when the other is done with it.
func packing(d *deployed) func(int) {
	orders := d.topics("orders")
	api := d.outside(answers(http.StatusCreated))
	order := &sharedkey.Order{Topic: orders.publisher("orders")}
	subscriber := func(name, url string) http.Handler {
		return d.instance(name, func(c *redis.Client) http.Handler {
			return &sharedkey.Subscriber{Name: name, URL: url, HTTP: api, Redis: c}
		})
	}
	pack, bill := subscriber("pack", "http://warehouse.example/parcels"), subscriber("bill", "http://books.example/invoices")
	return func(n int) {
		ask(order, "POST", "/", fmt.Sprintf(`{"order":"o-%d"}`, n))
		message := pushed(d.t, orders.take("orders", 1)[0])
		ask(pack, "POST", "/", message)
		ask(bill, "POST", "/", message)
	}
}

// labelling loses the answer to a claim, which go-redis then repeats.
func labelling(d *deployed) func(int) {
	orders := d.topics("orders")
	broken := &breaks{}
	label := &stuckclaim.Label{Redis: d.redis(d.recorder("label"), broken), Labels: d.buckets(nil, "labels").Bucket("labels")}
	accept, client := &stuckclaim.Accept{Orders: orders.publisher("orders")}, d.recorder("client")
	return func(n int) {
		order := fmt.Sprintf("o-%d", n)
		if ask(accept, "POST", "/", fmt.Sprintf(`{"order":%q,"to":"alice"}`, order)).Code == http.StatusAccepted {
			client.Emit("ACCEPTED", map[string]any{"order": order})
		}
		o := dataOf[stuckclaim.Order](d, orders.take("orders", 1)[0])
		broken.set("claim:")
		for range 3 {
			_ = label.Handle(context.Background(), o)
		}
	}
}

// personalising works on a view while the consent to that is withdrawn.
func personalising(d *deployed) func(int) {
	views := d.topics("views")
	consents := d.instance("consents", func(c *redis.Client) http.Handler { return &consent.Consents{Redis: c} })
	items := &consent.Items{Views: views.publisher("views")}
	recorder := d.recorder("personalise")
	personalise := &consent.Personalise{Redis: d.redis(recorder, nil), Replica: d.redis(recorder, nil)}
	return func(n int) {
		user := fmt.Sprintf("alice-%d", n)
		ask(consents, "PUT", "/"+user+"/ads", "")
		ask(items, "GET", "/items/mug?user="+user, "")
		v := dataOf[consent.View](d, views.take("views", 1)[0])
		together(
			func() { d.must(personalise.Handle(context.Background(), v)) },
			func() { ask(consents, "DELETE", "/"+user+"/ads", "") })
	}
}

// approving takes the instance away, and so its connections, when its invocation
// has returned.
func approving(d *deployed) func(int) {
	topics := d.topics("payments", "approved")
	paid := &earlyreturn.Paid{Payments: topics.publisher("payments")}
	orders := d.buckets(nil, "orders").Bucket("orders")
	return func(n int) {
		ask(paid, "POST", "/", fmt.Sprintf(`{"order":"o-%d"}`, n))
		client := topics.of()
		approve := &earlyreturn.Approve{Orders: orders, Approved: earlyreturn.Publisher(client, "approved")}
		d.must(approve.Handle(context.Background(), published(d, topics.take("payments", 1)[0])))
		_ = client.Close()
	}
}

// rendering is notified of an upload again when the video is rendered.
func rendering(d *deployed) func(int) {
	renders := d.topics("renders")
	client := d.buckets(nil, "videos", "sessions")
	videos, sessions := client.Bucket("videos"), client.Bucket("sessions")
	create := &blindput.CreateSession{Sessions: sessions, Renders: renders.publisher("renders")}
	render := &blindput.Render{Videos: videos, Sessions: sessions}
	return func(n int) {
		video := fmt.Sprintf("cat-%d.mp4", n)
		d.put(videos, video, "a long video")
		notification := pushed(d.t, &pubsubpb.PubsubMessage{Attributes: map[string]string{"objectId": video}})
		ask(create, "POST", "/", notification)
		d.must(render.Handle(context.Background(), dataOf[blindput.Session](d, renders.take("renders", 1)[0])))
		ask(create, "POST", "/", notification)
	}
}

// finishing has two instances look at a complete session.
func finishing(d *deployed) func(int) {
	parts := d.topics("parts")
	report := d.instance("report", func(c *redis.Client) http.Handler {
		return &twofinishers.Report{Redis: c, Parts: parts.publisher("parts")}
	})
	var store *redis.Client
	make := func(c *redis.Client) http.Handler { store = c; return &twofinishers.Status{Redis: c} }
	a, b := d.instance("status", make), d.instance("status", make)
	return func(n int) {
		d.must(store.Del(context.Background(), "sessions").Err()) // those of trials before
		ask(report, "PUT", fmt.Sprintf("/sessions/cat-%d/gif", n), "")
		ask(report, "PUT", fmt.Sprintf("/sessions/cat-%d/captures", n), "")
		m := parts.take("parts", 2)
		together(
			func() { ask(a, "POST", "/", pushed(d.t, m[0])) },
			func() { ask(b, "POST", "/", pushed(d.t, m[1])) })
	}
}

// mailing fails to delete what it has sent, and is invoked again.
func mailing(d *deployed) func(int) {
	q, tasks := d.queue(nil)
	var failing atomic.Bool
	outbox := d.buckets(func(w http.ResponseWriter, r *http.Request) bool {
		return r.Method == http.MethodDelete && failing.Swap(false) && refused(w)
	}, "outbox").Bucket("outbox")
	start := &sendthendelete.Start{Tasks: tasks, Queue: "projects/" + project + "/locations/l/queues/campaigns"}
	send := &sendthendelete.Send{Outbox: outbox, HTTP: d.outside(answers(http.StatusAccepted))}
	return func(n int) {
		d.put(outbox, fmt.Sprintf("spring-%d/ann@example.com", n), "It is spring, Ann!")
		ask(start, "POST", fmt.Sprintf("/campaigns/spring-%d", n), "")
		task := (<-q.tasks).GetHttpRequest()
		failing.Store(true)
		for range 2 { // as Cloud Tasks does after 503
			if ask(send, "POST", strings.TrimPrefix(task.Url, "https://send.example"), "").Code == http.StatusOK {
				break
			}
		}
	}
}

// unsubscribing delivers a mail when its receiver has unsubscribed.
func unsubscribing(d *deployed) func(int) {
	mails := d.topics("mails")
	provider := unsubscribe.Provider{HTTP: d.outside(answers(http.StatusAccepted))}
	subscribe := d.instance("subscribe", func(c *redis.Client) http.Handler { return &unsubscribe.Subscribe{Redis: c} })
	leave := d.instance("unsubscribe", func(c *redis.Client) http.Handler {
		return &unsubscribe.Unsubscribe{Redis: c, Provider: provider}
	})
	campaign := d.instance("campaign", func(c *redis.Client) http.Handler {
		return &unsubscribe.Campaign{Redis: c, Mails: mails.publisher("mails")}
	})
	send := &unsubscribe.Send{Provider: provider}
	return func(n int) {
		ann := fmt.Sprintf("/news-%d/ann@example.com", n)
		ask(subscribe, "POST", ann, "")
		ask(campaign, "POST", fmt.Sprintf("/spring-%d/news-%d", n, n), "")
		m := dataOf[unsubscribe.Mail](d, mails.take("mails", 1)[0])
		ask(leave, "POST", ann, "")
		d.must(send.Handle(context.Background(), m))
	}
}

// selling has a task run twice whose flight is sold out.
func selling(d *deployed) func(int) {
	q, tasks := d.queue(nil)
	var mu atomic.Value // the keys that the provider knows
	mu.Store([]string(nil))
	services := http.NewServeMux()
	services.HandleFunc("POST /charges", func(w http.ResponseWriter, r *http.Request) {
		if known, key := mu.Load().([]string), r.Header.Get("Idempotency-Key"); !slices.Contains(known, key) {
			mu.Store(append(known, key))
			w.WriteHeader(http.StatusCreated)
		}
	})
	services.Handle("POST /refunds", answers(http.StatusCreated))
	services.Handle("PUT /tickets/{booking}", answers(http.StatusConflict))
	accept := &saga.Accept{Tasks: tasks, Queue: "projects/" + project + "/locations/l/queues/sagas", URL: "https://sell.example/"}
	recorder := d.recorder("sell")
	sell := httpprobe.Handler(recorder, &saga.Sell{HTTP: d.outside(services)})
	return func(n int) {
		ask(accept, "POST", "/orders", fmt.Sprintf(`{"booking":"b-%d","flight":"LX14","amount":100}`, n))
		task := (<-q.tasks).GetHttpRequest()
		for range 2 {
			ask(sell, "POST", "/", string(task.Body))
		}
	}
}

// composing delivers one of the parts twice.
func composing(d *deployed) func(int) {
	parts := d.topics("parts")
	submit := &fanin.Submit{Parts: parts.publisher("parts")}
	reviews := d.buckets(nil, "reviews").Bucket("reviews")
	compose := d.instance("compose", func(c *redis.Client) http.Handler { return &fanin.Compose{Redis: c, Reviews: reviews} })
	return func(n int) {
		var body []string
		for _, name := range []string{"movie", "rating", "text"} {
			body = append(body, fmt.Sprintf(`{"review":"r-%d","name":%q,"value":%q}`, n, name, "a "+name))
		}
		ask(submit, "POST", "/reviews", "["+strings.Join(body, ",")+"]")
		m := parts.take("parts", 3)
		for _, i := range []int{0, 0, 1, 2} {
			ask(compose, "POST", "/", pushed(d.t, m[i]))
		}
	}
}

// ordering fails to publish an order that is committed, and is asked again.
func ordering(d *deployed) func(int) {
	orders := d.topics("orders")
	var failing atomic.Bool
	client := orders.of(grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if failing.Load() {
			return status.Error(codes.PermissionDenied, "no")
		}
		return invoke(ctx, method, req, reply, cc, opts...)
	}))
	order := d.instance("order", func(c *redis.Client) http.Handler {
		return &dualwrite.Order{Redis: c, Orders: client.Publisher("orders")}
	})
	return func(n int) {
		for _, fails := range []bool{true, false} {
			failing.Store(fails)
			ask(order, "POST", "/orders", fmt.Sprintf(`{"order":"o-%d"}`, n))
		}
	}
}

// resizing deletes a photo before its message is delivered, in order.
func resizing(d *deployed) func(int) {
	topics := d.topics("photos")
	client := d.buckets(nil, "photos", "thumbnails")
	stored := topics.of().Publisher("photos")
	stored.EnableMessageOrdering = true
	albums := &poison.Albums{Photos: client.Bucket("photos"), Stored: stored}
	resize := &poison.Resize{Photos: client.Bucket("photos"), Thumbnails: client.Bucket("thumbnails")}
	return func(n int) {
		album := fmt.Sprintf("/sea-%d/", n)
		ask(albums, "PUT", album+"1", "")
		waiting := topics.take("photos", 1)
		ask(albums, "DELETE", album+"1", "")
		ask(albums, "PUT", album+"2", "")
		waiting = append(waiting, topics.take("photos", 1)...)
		for range 5 { // the next is delivered when the first is acknowledged
			if len(waiting) > 0 && resize.Handle(context.Background(), dataOf[poison.Photo](d, waiting[0])) == nil {
				waiting = waiting[1:]
			}
		}
	}
}

package scenarios

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"cloud.google.com/go/storage"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/redis/go-redis/v9"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/gcpprobe"
	"github.com/wtsim/wtsim/probe/grpcprobe"
	"github.com/wtsim/wtsim/probe/httpprobe"
	"github.com/wtsim/wtsim/probe/redisprobe"
)

// deployed is what runs for real: function instances with recorders, whose
// events are kept, and the services that they call, on ports.
type deployed struct {
	t         *testing.T
	addr      string // of Redis
	rules     *probe.Rules
	instances int // so many recorders
	mu        sync.Mutex
	kept      []event.Event
}

// recorder is the recorder of a new instance of a function.
func (d *deployed) recorder(function string) *probe.Recorder {
	d.instances++
	return probe.NewRecorder(function, fmt.Sprintf("%s-%d", function, d.instances), d.rules, probe.SinkFunc(func(e event.Event) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.kept = append(d.kept, e)
	}))
}

// events are those that were kept since they were last asked for.
func (d *deployed) events() []event.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept := d.kept
	d.kept = nil
	return kept
}

func (d *deployed) must(err error) {
	if err != nil {
		d.t.Helper()
		d.t.Fatal(err)
	}
}

// redis is a client of Redis whose operations are recorded. Broken may be nil.
func (d *deployed) redis(r *probe.Recorder, broken *breaks) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: d.addr, MaxRetries: 20, MinRetryBackoff: time.Millisecond, MaxRetryBackoff: time.Millisecond,
		Dialer: redisprobe.Dialer(r, "redis", broken.dial)})
	d.t.Cleanup(func() { _ = client.Close() })
	return client
}

// instance is an instance of a function that has a client of Redis.
func (d *deployed) instance(function string, make func(*redis.Client) http.Handler) http.Handler {
	recorder := d.recorder(function)
	return httpprobe.Handler(recorder, make(d.redis(recorder, nil)))
}

// breaks says where connections break: at commands that contain a text. Their
// answers are lost, once each time it is set, or, if before, they are not sent,
// for as long as it is.
type breaks struct {
	mu     sync.Mutex
	at     string // empty: nowhere
	before bool
}

func (b *breaks) set(at string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = at
}

func (b *breaks) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if b == nil || err != nil {
		return c, err
	}
	return &breaking{c, b}, nil
}

type breaking struct {
	net.Conn
	breaks *breaks
}

// Write breaks the connection where that is wanted, once the command was carried
// out unless it is to be before.
func (c *breaking) Write(p []byte) (int, error) {
	b := c.breaks
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at == "" || !bytes.Contains(p, []byte(b.at)) {
		return c.Conn.Write(p)
	}
	defer c.Close()
	if b.before {
		return 0, io.ErrClosedPipe
	}
	b.at = ""
	n, err := c.Conn.Write(p)
	if err == nil {
		_, err = c.Conn.Read(make([]byte, 1)) // it has answered
	}
	return n, err
}

// buckets is a server of Cloud Storage on a port, and a client of it whose calls
// are recorded. before sees every request, and may hold it, or answer it with an
// error that no client tries again; it may be nil.
func (d *deployed) buckets(before func(http.ResponseWriter, *http.Request) (answered bool), names ...string) *storage.Client {
	gcs, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true})
	d.must(err)
	for _, name := range names {
		gcs.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: name})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before == nil || !before(w, r) {
			gcs.HTTPHandler().ServeHTTP(w, r)
		}
	}))
	d.t.Cleanup(server.Close)
	client, err := storage.NewClient(context.Background(), option.WithEndpoint(server.URL+"/storage/v1/"), option.WithHTTPClient(&http.Client{
		Transport: httpprobe.Transport(d.recorder("function"), http.DefaultTransport, gcpprobe.DescribeGCS)}), storage.WithJSONReads())
	d.must(err)
	d.t.Cleanup(func() { _ = client.Close() })
	return client
}

func (d *deployed) put(b *storage.BucketHandle, name, text string) {
	w := b.Object(name).NewWriter(context.Background())
	_, err := w.Write([]byte(text))
	d.must(err)
	d.must(w.Close())
}

// refused answers a request with an error that no client tries again.
func refused(w http.ResponseWriter) bool {
	http.Error(w, "no", http.StatusForbidden)
	return true
}

// elsewhereAt sends the requests for a host to a server.
type elsewhereAt struct{ server *httptest.Server }

func (e elsewhereAt) RoundTrip(r *http.Request) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host = "http", strings.TrimPrefix(e.server.URL, "http://")
	return http.DefaultTransport.RoundTrip(out)
}

// outside is a service of HTTP, and a client of it whose calls are recorded.
func (d *deployed) outside(h http.Handler) *http.Client {
	server := httptest.NewServer(h)
	d.t.Cleanup(server.Close)
	return &http.Client{Transport: httpprobe.Transport(d.recorder("function"), elsewhereAt{server}, nil)}
}

// dials are the options of a client of Google's that calls a gRPC server on a
// port, and is recorded.
func (d *deployed) dials(addr string, describe grpcprobe.Describe, beneath ...grpc.DialOption) []option.ClientOption {
	out := []option.ClientOption{option.WithEndpoint(addr), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))}
	for _, o := range append(grpcprobe.DialOptions(d.recorder("function"), describe), beneath...) {
		out = append(out, option.WithGRPCDialOption(o))
	}
	return out
}

const project = "docs"

// topics is a server of Pub/Sub on a port.
type topics struct {
	d      *deployed
	addr   string
	client *pubsub.Client // of who delivers, unrecorded
}

// topics makes a server that has topics, and a subscription to each of the same
// name.
func (d *deployed) topics(names ...string) *topics {
	server := pstest.NewServer()
	d.t.Cleanup(func() { _ = server.Close() })
	t := &topics{d: d, addr: server.Addr}
	var err error
	t.client, err = pubsub.NewClient(context.Background(), project, option.WithEndpoint(t.addr), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	d.must(err)
	d.t.Cleanup(func() { _ = t.client.Close() })
	for _, name := range names {
		_, err := t.client.TopicAdminClient.CreateTopic(context.Background(), &pubsubpb.Topic{Name: "projects/" + project + "/topics/" + name})
		d.must(err)
		t.subscribe(name, name)
	}
	return t
}

func (t *topics) subscribe(topic, subscription string) {
	_, err := t.client.SubscriptionAdminClient.CreateSubscription(context.Background(), &pubsubpb.Subscription{
		Name: subscriptionName(subscription), Topic: "projects/" + project + "/topics/" + topic, AckDeadlineSeconds: 10})
	t.d.must(err)
}

func subscriptionName(name string) string { return "projects/" + project + "/subscriptions/" + name }

// of is a client whose calls are recorded. What is given is beneath the recorder.
func (t *topics) of(beneath ...grpc.DialOption) *pubsub.Client {
	client, err := pubsub.NewClient(context.Background(), project, t.d.dials(t.addr, gcpprobe.DescribePubSub, beneath...)...)
	t.d.must(err)
	t.d.t.Cleanup(func() { _ = client.Close() })
	return client
}

// publisher sends a message at a time.
func (t *topics) publisher(topic string) *pubsub.Publisher {
	p := t.of().Publisher(topic)
	p.PublishSettings.CountThreshold = 1
	t.d.t.Cleanup(p.Stop)
	return p
}

// take waits for so many messages of a subscription and acknowledges them: the
// platform, which delivers them, answers for them from here on.
func (t *topics) take(subscription string, n int) (out []*pubsubpb.PubsubMessage) {
	for len(out) < n {
		batch, err := t.client.SubscriptionAdminClient.Pull(context.Background(), &pubsubpb.PullRequest{Subscription: subscriptionName(subscription), MaxMessages: int32(n - len(out))})
		t.d.must(err)
		for _, m := range batch.ReceivedMessages {
			out = append(out, m.Message)
			t.d.must(t.client.SubscriptionAdminClient.Acknowledge(context.Background(), &pubsubpb.AcknowledgeRequest{Subscription: subscriptionName(subscription), AckIds: []string{m.AckId}}))
		}
	}
	return out
}

// queue is a server of Cloud Tasks on a port, that keeps what is created.
type queue struct {
	cloudtaskspb.UnimplementedCloudTasksServer
	tasks  chan *cloudtaskspb.Task
	before func(context.Context, *cloudtaskspb.CreateTaskRequest) // may hold a call; may be nil
}

func (q *queue) CreateTask(ctx context.Context, r *cloudtaskspb.CreateTaskRequest) (*cloudtaskspb.Task, error) {
	if q.before != nil {
		q.before(ctx, r)
	}
	q.tasks <- r.Task
	return r.Task, nil
}

// queue makes a server, and a client of it whose calls are recorded.
func (d *deployed) queue(before func(context.Context, *cloudtaskspb.CreateTaskRequest)) (*queue, *cloudtasks.Client) {
	q := &queue{tasks: make(chan *cloudtaskspb.Task, 100), before: before}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	d.must(err)
	server := grpc.NewServer()
	cloudtaskspb.RegisterCloudTasksServer(server, q)
	go func() { _ = server.Serve(l) }()
	d.t.Cleanup(server.Stop)
	client, err := cloudtasks.NewClient(context.Background(), d.dials(l.Addr().String(), gcpprobe.DescribeTasks)...)
	d.must(err)
	d.t.Cleanup(func() { _ = client.Close() })
	return q, client
}

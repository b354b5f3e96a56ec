package scenarios

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"cloud.google.com/go/storage"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/redis/go-redis/v9"
	"google.golang.org/api/option"

	"github.com/wtsim/wtsim/probe/gcpprobe"
	"github.com/wtsim/wtsim/probe/httpprobe"
	"github.com/wtsim/wtsim/scenarios/patterns/checkthenput"
	"github.com/wtsim/wtsim/scenarios/patterns/duplicate"
	"github.com/wtsim/wtsim/scenarios/patterns/expiredclaim"
	"github.com/wtsim/wtsim/scenarios/patterns/freshid"
	"github.com/wtsim/wtsim/scenarios/patterns/lostfields"
	"github.com/wtsim/wtsim/scenarios/patterns/lostupdate"
	"github.com/wtsim/wtsim/scenarios/patterns/memory"
	"github.com/wtsim/wtsim/scenarios/patterns/orphancomment"
	"github.com/wtsim/wtsim/scenarios/patterns/warmleak"
)

// real are applications of the catalogue as they run for real: each returns what
// is tried, with its number, until it goes wrong. What needs a fault has the one
// that its package names, made by who calls it: a request that is sent again, an
// event that is delivered again, another instance, an upload that fails.
var real = map[string]func(d *deployed) func(int){
	"patterns/checkthenput/bug":  registering,
	"patterns/orphancomment/bug": commenting,
	"patterns/lostupdate/bug":    favoring,
	"patterns/lostfields/bug":    updating,
	"patterns/memory/bug":        depositing,
	"patterns/freshid/bug":       reserving,
	"patterns/duplicate/bug":     welcoming,
	"patterns/warmleak/bug":      exporting,
	"patterns/expiredclaim/bug":  withdrawing,
}

// slow are those that take half a minute.
var slow = []string{"patterns/expiredclaim/bug"}

func registering(d *deployed) func(int) {
	make := func(c *redis.Client) http.Handler { return &checkthenput.Register{Redis: c} }
	a, b := d.instance("register-1", make), d.instance("register-2", make)
	return func(n int) {
		register := func(h http.Handler, who string) func() {
			return func() {
				ask(h, "POST", "/users", fmt.Sprintf(`{"name":"%s-%d","email":"%d@example.com"}`, who, n, n))
			}
		}
		together(register(a, "x"), register(b, "y"))
	}
}

func commenting(d *deployed) func(int) {
	comment := d.instance("comment", func(c *redis.Client) http.Handler { return &orphancomment.Comment{Redis: c} })
	var store *redis.Client
	articles := d.instance("articles", func(c *redis.Client) http.Handler { store = c; return &orphancomment.Articles{Redis: c} })
	return func(n int) {
		article := fmt.Sprintf("a-%d", n)
		if err := store.Set(context.Background(), "article:"+article, "text", 0).Err(); err != nil {
			d.t.Error(err)
		}
		together(
			func() { ask(comment, "POST", "/comments", fmt.Sprintf(`{"article":%q,"id":"c","text":"t"}`, article)) },
			func() { ask(articles, "DELETE", "/articles/"+article, "") })
	}
}

// favoring has two users like an article at once, who are told.
func favoring(d *deployed) func(int) {
	make := func(c *redis.Client) http.Handler { return &lostupdate.Favorite{Redis: c} }
	a, b := d.instance("favorite-1", make), d.instance("favorite-2", make)
	client := d.recorder("client")
	return func(n int) {
		article := fmt.Sprintf("article-%d", n)
		like := func(h http.Handler, user string) func() {
			return func() {
				if ask(h, "PUT", "/"+article+"/"+user, "").Code == http.StatusOK {
					client.Emit("FAVORITED", map[string]any{"article": article, "user": user})
				}
			}
		}
		together(like(a, "alice"), like(b, "bob"))
	}
}

// depositing pays in at two instances, and asks the one.
func depositing(d *deployed) func(int) {
	a, b := &memory.Account{Ledger: &memory.InMemory{}}, &memory.Account{Ledger: &memory.InMemory{}}
	client := d.recorder("client")
	return func(n int) {
		account := fmt.Sprintf("account-%d", n)
		for i, h := range []http.Handler{a, b} {
			if ask(h, "POST", "/", fmt.Sprintf(`{"request":"r-%d","account":%q,"amount":10}`, i, account)).Code == http.StatusOK {
				client.Emit("PAID_IN", map[string]any{"account": account})
			}
		}
		if balance, err := strconv.Atoi(ask(a, "GET", "/"+account, "").Body.String()); err == nil {
			client.Emit("BALANCE_TOLD", map[string]any{"account": account, "balance": balance})
		}
	}
}

// buckets is a server of Cloud Storage on a port, and a client of it whose calls
// are recorded. fail tells which requests it answers with an error that no client tries
// again.
func (d *deployed) buckets(fail func(*http.Request) bool, names ...string) *storage.Client {
	gcs, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, name := range names {
		gcs.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: name})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fail != nil && fail(r) {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		gcs.HTTPHandler().ServeHTTP(w, r)
	}))
	d.t.Cleanup(server.Close)
	d.t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL, "http://"))
	client, err := storage.NewClient(context.Background(), option.WithHTTPClient(&http.Client{
		Transport: httpprobe.Transport(d.recorder("function"), http.DefaultTransport, gcpprobe.DescribeGCS)}), storage.WithJSONReads())
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = client.Close() })
	return client
}

func (d *deployed) put(b *storage.BucketHandle, name, text string) {
	w := b.Object(name).NewWriter(context.Background())
	_, err := w.Write([]byte(text))
	if err := errors.Join(err, w.Close()); err != nil {
		d.t.Fatal(err)
	}
}

// updating changes two fields of a profile at once.
func updating(d *deployed) func(int) {
	profiles := d.buckets(nil, "profiles").Bucket("profiles")
	update := &lostfields.Update{Profiles: profiles}
	return func(n int) {
		user := fmt.Sprintf("user-%d", n)
		d.put(profiles, user+".json", `{"email":"","bio":""}`)
		together(
			func() { ask(update, "PATCH", "/"+user, `{"email":"x@example.com"}`) },
			func() { ask(update, "PATCH", "/"+user, `{"bio":"Reads."}`) })
	}
}

// reserving sends a request again whose answer was lost on the way.
func reserving(d *deployed) func(int) {
	reserve := &freshid.Reserve{Reservations: d.buckets(nil, "reservations").Bucket("reservations")}
	return func(n int) {
		for range 2 {
			ask(reserve, "POST", "/reservations", fmt.Sprintf(`{"request":"r-%d","customer":"c","flight":"LX14"}`, n))
		}
	}
}

// exporting fails to upload one tenant's report, and goes on with the next.
func exporting(d *deployed) func(int) {
	var failing atomic.Value // the tenant
	failing.Store("")
	client := d.buckets(func(r *http.Request) bool {
		tenant := failing.Load().(string)
		return tenant != "" && strings.Contains(r.URL.Path, "/upload/") && strings.Contains(r.URL.Path, "reports")
	}, "data", "reports")
	export := &warmleak.Export{Data: client.Bucket("data"), Reports: client.Bucket("reports"), Dir: d.t.TempDir()}
	return func(n int) {
		a, b := fmt.Sprintf("a-%d", n), fmt.Sprintf("b-%d", n)
		d.put(export.Data, a+".csv", a+",10\n")
		d.put(export.Data, b+".csv", b+",30\n")
		failing.Store(a)
		ask(export, "POST", "/"+a, "")
		failing.Store("")
		ask(export, "POST", "/"+b, "")
	}
}

// elsewhereAt sends the requests for a host to a server.
type elsewhereAt struct{ server *httptest.Server }

func (e elsewhereAt) RoundTrip(r *http.Request) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host = "http", strings.TrimPrefix(e.server.URL, "http://")
	return http.DefaultTransport.RoundTrip(out)
}

// outside is a service of HTTP, and a client of it whose calls are recorded.
func (d *deployed) outside(h http.HandlerFunc) *http.Client {
	server := httptest.NewServer(h)
	d.t.Cleanup(server.Close)
	return &http.Client{Transport: httpprobe.Transport(d.recorder("function"), elsewhereAt{server}, nil)}
}

// welcoming is told of a new member twice, as events are delivered at least once.
func welcoming(d *deployed) func(int) {
	welcome := &duplicate.Welcome{HTTP: d.outside(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })}
	return func(n int) {
		e := event.New()
		e.SetID(fmt.Sprint(n))
		e.SetType("google.cloud.storage.object.v1.finalized")
		e.SetSource("bucket")
		if err := e.SetData(event.ApplicationJSON, map[string]string{"name": fmt.Sprintf("member-%d", n)}); err != nil {
			d.t.Fatal(err)
		}
		for range 2 {
			if err := welcome.Handle(context.Background(), e); err != nil {
				d.t.Fatal(err)
			}
		}
	}
}

// withdrawing asks again while a slow bank still works, when the claim is over.
func withdrawing(d *deployed) func(int) {
	bank := d.outside(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(31 * time.Second)
		w.WriteHeader(http.StatusCreated)
	})
	make := func(c *redis.Client) http.Handler { return &expiredclaim.Withdraw{Redis: c, HTTP: bank} }
	a, b := d.instance("withdraw-1", make), d.instance("withdraw-2", make)
	return func(n int) {
		body := fmt.Sprintf(`{"key":"w-%d","account":"a","cents":5000}`, n)
		together(
			func() { ask(a, "POST", "/", body) },
			func() {
				time.Sleep(30*time.Second + 500*time.Millisecond)
				ask(b, "POST", "/", body)
			})
	}
}

package scenarios

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/scenarios/patterns/checkthenput"
	"github.com/wtsim/wtsim/scenarios/patterns/duplicate"
	"github.com/wtsim/wtsim/scenarios/patterns/expiredclaim"
	"github.com/wtsim/wtsim/scenarios/patterns/freshid"
	"github.com/wtsim/wtsim/scenarios/patterns/halffollow"
	"github.com/wtsim/wtsim/scenarios/patterns/lostfields"
	"github.com/wtsim/wtsim/scenarios/patterns/lostupdate"
	"github.com/wtsim/wtsim/scenarios/patterns/memory"
	"github.com/wtsim/wtsim/scenarios/patterns/orphancomment"
	"github.com/wtsim/wtsim/scenarios/patterns/pausedholder"
	"github.com/wtsim/wtsim/scenarios/patterns/shortwindow"
	"github.com/wtsim/wtsim/scenarios/patterns/warmleak"
)

// trial is an application of the catalogue as it runs for real: make returns
// what is tried, with its number, until it goes wrong. What needs a fault has the
// one that its package names, made by who calls it or by the network: a request
// that is sent again, a message that is delivered again or late, a connection that
// breaks, an upload that fails.
type trial struct {
	make  func(*deployed) func(int)
	end   bool          // it is what never happens: that shows when all is over
	of    string        // the property, where the end violates several; empty is the first
	takes time.Duration // of real time, if that is long: waiting for a time limit or a lease
}

var real = map[string]trial{
	"patterns/freshid/bug":        {make: reserving},
	"patterns/batchtimeout/bug":   {make: draining, takes: 11 * time.Second},
	"patterns/duplicate/bug":      {make: welcoming},
	"patterns/sharedkey/bug":      {make: packing, end: true},
	"patterns/stuckclaim/bug":     {make: labelling, end: true},
	"patterns/expiredclaim/bug":   {make: withdrawing, takes: 31 * time.Second},
	"patterns/shortwindow/bug":    {make: reporting, takes: 5 * time.Minute},
	"patterns/lostfields/bug":     {make: updating},
	"patterns/lostupdate/bug":     {make: favoring},
	"patterns/halffollow/bug":     {make: following, end: true},
	"patterns/checkthenput/bug":   {make: registering},
	"patterns/orphancomment/bug":  {make: commenting},
	"patterns/consent/bug":        {make: personalising},
	"patterns/earlyreturn/bug":    {make: approving, end: true},
	"patterns/blindput/bug":       {make: rendering},
	"patterns/twofinishers/bug":   {make: finishing},
	"patterns/sendthendelete/bug": {make: mailing},
	"patterns/unsubscribe/bug":    {make: unsubscribing},
	"patterns/saga/bug":           {make: selling},
	"patterns/fanin/bug":          {make: composing},
	"patterns/memory/bug":         {make: depositing},
	"patterns/warmleak/bug":       {make: exporting},
	"patterns/dualwrite/bug":      {make: ordering, end: true},
	"patterns/pausedholder/bug":   {make: editing, takes: 32 * time.Second},
	"patterns/poison/bug":         {make: resizing, end: true, of: "other photos have a thumbnail within an hour"},
}

func registering(d *deployed) func(int) {
	make := func(c *redis.Client) http.Handler { return &checkthenput.Register{Redis: c} }
	a, b := d.instance("register", make), d.instance("register", make)
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
	a, b := d.instance("favorite", make), d.instance("favorite", make)
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
	client := d.buckets(func(w http.ResponseWriter, r *http.Request) bool {
		return failing.Load() != "" && strings.Contains(r.URL.Path, "/upload/") && strings.Contains(r.URL.Path, "reports") && refused(w)
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

// welcoming is told of a new member twice, as events are delivered at least once.
func welcoming(d *deployed) func(int) {
	welcome := &duplicate.Welcome{HTTP: d.outside(answers(http.StatusAccepted))}
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
	bank := d.outside(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(31 * time.Second)
		w.WriteHeader(http.StatusCreated)
	}))
	make := func(c *redis.Client) http.Handler { return &expiredclaim.Withdraw{Redis: c, HTTP: bank} }
	a, b := d.instance("withdraw", make), d.instance("withdraw", make)
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

// reporting asks for a report again when its request is no longer known, and its
// run still goes on.
func reporting(d *deployed) func(int) {
	first := make(chan struct{}, 1)
	first <- struct{}{}
	numbers := d.outside(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-first:
			time.Sleep(5*time.Minute + 5*time.Second)
		default:
		}
		w.WriteHeader(http.StatusCreated)
	}))
	asked := d.topics("asked")
	reports := d.buckets(nil, "reports").Bucket("reports")
	report := d.instance("report", func(c *redis.Client) http.Handler {
		return &shortwindow.Report{Redis: c, Reports: reports, Asked: asked.publisher("asked")}
	})
	run := &shortwindow.Run{Reports: reports, HTTP: numbers}
	return func(n int) {
		again := func() {
			ask(report, "GET", fmt.Sprintf("/sales-%d", n), "")
			d.must(run.Handle(context.Background(), published(d, asked.take("asked", 1)[0])))
		}
		together(again, func() {
			time.Sleep(5*time.Minute + time.Second)
			again()
		})
	}
}

// editing holds who has the lock up past its lease, where it reads the document.
func editing(d *deployed) func(int) {
	first := make(chan struct{}, 1)
	documents := d.buckets(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			select {
			case <-first:
				time.Sleep(31 * time.Second)
			default:
			}
		}
		return false
	}, "documents").Bucket("documents")
	make := func(c *redis.Client) http.Handler { return &pausedholder.Edit{Redis: c, Documents: documents} }
	a, b := d.instance("edit", make), d.instance("edit", make)
	return func(n int) {
		document := fmt.Sprintf("plan-%d", n)
		d.put(documents, document, `{"token":0}`)
		first <- struct{}{}
		together(
			func() { ask(a, "POST", "/"+document, "alice was here") },
			func() {
				time.Sleep(30*time.Second + 500*time.Millisecond)
				ask(b, "POST", "/"+document, "bob was here")
			})
	}
}

// following has the connection break, for good, before the second of two writes.
func following(d *deployed) func(int) {
	broken := &breaks{before: true}
	broken.set("followers:")
	recorder := d.recorder("follow")
	follow := &halffollow.Follow{Redis: d.redis(recorder, broken)}
	return func(n int) { ask(follow, "PUT", fmt.Sprintf("/alice-%d/carol", n), "") }
}

// answers is a service that always answers the same.
func answers(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

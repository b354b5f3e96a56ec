// Package streamcounter counts the recipients of mailing lists, from the
// stream of what is stored.
//
// Subscribe stores a recipient, and the store tells Count, which adds one to
// the list's counter. The stream delivers at least once, and to add one is not
// idempotent: what is delivered again is counted again. From then on the
// customer pays for recipients that do not exist, and nothing puts it right.
//
// Reported: microapps/MoonMail, its counters of recipients, opens and clicks (a
// Lambda function on batches of a DynamoDB stream, which come again as a whole;
// here on the events of Cloud Storage, which come again one by one).
//
// Provoked by: an event that is delivered twice, or whose acknowledgement is
// lost.
//
// Remedy: the event's id is remembered in the same script that counts, and the
// recipient is stored conditionally, so that there is one event of it.
package streamcounter

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"

	"cloud.google.com/go/storage"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/redis/go-redis/v9"
	"google.golang.org/api/googleapi"
)

// Subscribe is the function subscribe: PUT /<list>/<address>.
type Subscribe struct{ Recipients *storage.BucketHandle }

// ServeHTTP stores a recipient.
func (f *Subscribe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	object := f.Recipients.Object(strings.TrimPrefix(r.URL.Path, "/")).If(storage.Conditions{DoesNotExist: true}).NewWriter(r.Context())
	_, err := object.Write([]byte("subscribed"))
	err = errors.Join(err, object.Close())
	var refused *googleapi.Error
	if errors.As(err, &refused) && refused.Code == http.StatusPreconditionFailed {
		err = nil // already on the list
	}
	if err != nil {
		log.Printf("subscribe: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

// Count is the function count, which gets the event of each recipient.
type Count struct {
	Redis    *redis.Client
	Repaired bool
}

var countOnce = redis.NewScript(`
if redis.call("SADD", KEYS[2], ARGV[1]) == 1 then
	redis.call("INCR", KEYS[1])
end
return 0`)

// Handle counts a recipient.
func (f *Count) Handle(ctx context.Context, e event.Event) error {
	list, _, ok := strings.Cut(strings.TrimPrefix(e.Subject(), "objects/"), "/")
	if !ok {
		return fmt.Errorf("event %s: no recipient: %s", e.ID(), e.Subject())
	}
	if f.Repaired {
		return countOnce.Run(ctx, f.Redis, []string{"recipients:" + list, "counted:" + list}, e.ID()).Err()
	}
	return f.Redis.Incr(ctx, "recipients:"+list).Err()
}

// Lists is the function lists: GET /<list> tells how many recipients it has.
type Lists struct{ Redis *redis.Client }

// ServeHTTP tells a list's size.
func (f *Lists) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := f.Redis.Get(r.Context(), "recipients:"+strings.TrimPrefix(r.URL.Path, "/")).Result()
	switch {
	case errors.Is(err, redis.Nil):
		n = "0"
	case err != nil:
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, n)
}

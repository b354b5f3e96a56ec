// Package unsubscribe sends campaigns to lists that people subscribe to.
//
// Campaign reads who is on the list and queues a mail for each of them. Who
// unsubscribes before the queue has come to the mail, and has been told so,
// gets it all the same. To look at the list again before sending makes this
// rarer and does not end it.
//
// Reported: microapps/MoonMail, and property emailtosubscribed of Watchtower,
// which speaks of it (recipients in DynamoDB, mails in SQS; here Redis and
// Pub/Sub).
//
// Provoked by: an unsubscription that runs between the two.
//
// Remedy: it is decided where the mail is sent. The provider keeps a list of
// who is not to be written to, and unsubscribing begins there.
package unsubscribe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"strings"

	"cloud.google.com/go/pubsub/v2"
	"github.com/redis/go-redis/v9"
)

// Subscribe is the function subscribe: POST /news/ann@example.com. (Who has
// unsubscribed comes back by the provider's page.)
type Subscribe struct{ Redis *redis.Client }

// ServeHTTP puts an address on a list.
func (f *Subscribe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	list, address, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	answer(w, f.Redis.SAdd(r.Context(), "list:"+list, address).Err())
}

// Unsubscribe is the function unsubscribe: POST /news/ann@example.com.
type Unsubscribe struct {
	Redis    *redis.Client
	Provider Provider
	Repaired bool
}

// ServeHTTP takes an address from a list.
func (f *Unsubscribe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	list, address, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if f.Repaired {
		if err := f.Provider.call(r.Context(), http.MethodPut, "/suppressions/"+list+"/"+address, nil); err != nil {
			answer(w, err)
			return
		}
	}
	answer(w, f.Redis.SRem(r.Context(), "list:"+list, address).Err())
}

// Campaign is the function campaign.
type Campaign struct {
	Redis *redis.Client
	Mails *pubsub.Publisher
}

// Mail is a message of topic mails.
type Mail struct {
	Campaign string `json:"campaign"`
	List     string `json:"list"`
	Address  string `json:"address"`
}

// ServeHTTP queues the mails of a campaign: POST /spring/news.
func (f *Campaign) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	campaign, list, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	answer(w, f.queue(r.Context(), campaign, list))
}

func (f *Campaign) queue(ctx context.Context, campaign, list string) error {
	if err := f.Redis.SAdd(ctx, "campaign:"+campaign, list).Err(); err != nil {
		return err
	}
	addresses, err := f.Redis.SMembers(ctx, "list:"+list).Result()
	if err != nil {
		return err
	}
	var results []*pubsub.PublishResult
	for _, address := range addresses {
		data, err := json.Marshal(Mail{campaign, list, address})
		if err != nil {
			return err
		}
		results = append(results, f.Mails.Publish(ctx, &pubsub.Message{Data: data}))
	}
	for _, result := range results {
		if _, err := result.Get(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Send is the function send.
type Send struct{ Provider Provider }

// Handle sends a mail.
func (f *Send) Handle(ctx context.Context, m Mail) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return f.Provider.call(ctx, http.MethodPost, "/messages", body)
}

// Provider sends mails. What goes to an address on its list of suppressions
// it accepts and drops.
type Provider struct{ HTTP *http.Client }

func (p Provider) call(ctx context.Context, method, path string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, method, "https://mail.example"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := p.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("mail.example: %s", resp.Status)
	}
	return nil
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		log.Print(err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

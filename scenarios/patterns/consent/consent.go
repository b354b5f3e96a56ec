// Package consent personalises a shop: what its customers look at becomes
// their profile, for the purposes that they have consented to.
//
// Personalise reads the consent, from a read replica since it does so for
// every view, and then works on the profile. A customer who withdraws the
// consent in the meantime has been told that it is withdrawn, and the view is
// processed all the same. A replica that lags does the same for longer.
//
// Reported: kalevalp/realworld-dynamodb-lambda, and property gdpr7 of
// Watchtower, which speaks of it (consent in a DynamoDB table that is read
// eventually consistent; here a Redis with read replicas). GDPR, article 7.
//
// Provoked by: a withdrawal that runs between the check and the processing,
// or a stale read of the consent.
//
// Remedy: the consent is read where it is written, and the processing is a
// transaction that Redis refuses if the consent has changed since (WATCH, a
// conditional write).
package consent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"path"
	"strings"

	"cloud.google.com/go/pubsub/v2"
	"github.com/redis/go-redis/v9"
)

// Consents is the function consents: PUT /alice/ads gives a consent, DELETE
// withdraws it.
type Consents struct{ Redis *redis.Client }

// ServeHTTP gives or withdraws a consent.
func (f *Consents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, purpose, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	var err error
	switch key := "consent:" + user + ":" + purpose; r.Method {
	case http.MethodPut:
		err = f.Redis.Set(r.Context(), key, "given", 0).Err()
	case http.MethodDelete:
		err = f.Redis.Del(r.Context(), key).Err()
	}
	if err != nil {
		log.Printf("consents of %s: %v", user, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

// Items is the function items, the shop window.
type Items struct{ Views *pubsub.Publisher }

// ServeHTTP shows an item to a user, and tells topic views.
func (f *Items) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := View{User: r.URL.Query().Get("user"), Item: path.Base(r.URL.Path)}
	data, err := json.Marshal(v)
	if err == nil {
		_, err = f.Views.Publish(r.Context(), &pubsub.Message{Data: data}).Get(r.Context())
	}
	if err != nil {
		log.Printf("items: a view of %s is lost: %v", v.Item, err)
	}
	_, _ = fmt.Fprintf(w, "Buy this %s!", v.Item)
}

// View is a message of topic views.
type View struct {
	User string `json:"user"`
	Item string `json:"item"`
}

// Personalise is the function personalise.
type Personalise struct {
	Redis    *redis.Client // the primary
	Replica  *redis.Client // the read endpoint
	Repaired bool
}

// Handle adds a view to the profile that advertisements are chosen from.
func (f *Personalise) Handle(ctx context.Context, v View) error {
	consent, profile := "consent:"+v.User+":ads", "profile:"+v.User+":ads"
	if !f.Repaired {
		ok, err := given(ctx, f.Replica, consent)
		if err != nil || !ok {
			return err
		}
		return f.Redis.SAdd(ctx, profile, v.Item).Err()
	}
	// If the consent changes, this is redis.TxFailedErr: the message comes again.
	return f.Redis.Watch(ctx, func(tx *redis.Tx) error {
		ok, err := given(ctx, tx, consent)
		if err != nil || !ok {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.SAdd(ctx, profile, v.Item).Err() })
		return err
	}, consent)
}

func given(ctx context.Context, r redis.Cmdable, consent string) (bool, error) {
	err := r.Get(ctx, consent).Err()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, err
}

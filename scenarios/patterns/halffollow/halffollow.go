// Package halffollow keeps who follows whom, at both ends.
//
// Follow adds to the list of whom a user follows, and then to the list of that
// user's followers. When it dies between the two, the request is repeated, and
// finds that the user follows already: there is nothing to do. From then on
// the one follows somebody who does not know it.
//
// Reported: RealWorld on DynamoDB and Lambda (kalevalp/realworld-dynamodb-lambda),
// User.follow, which puts two items; here they are sets in Redis.
//
// Provoked by: a crash between the two writes, or a lost answer to the first.
//
// Remedy: both writes are one transaction.
package halffollow

import (
	"context"
	"log"
	"net/http"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Follow is the function follow.
type Follow struct {
	Redis    *redis.Client
	Repaired bool
}

// ServeHTTP makes a user follow another: PUT /user/other.
func (f *Follow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, other, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	follow := f.follow
	if f.Repaired {
		follow = f.followAtOnce
	}
	if err := follow(r.Context(), user, other); err != nil {
		log.Printf("follow %s: %v", r.URL.Path, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Follow) follow(ctx context.Context, user, other string) error {
	added, err := f.Redis.SAdd(ctx, "following:"+user, other).Result()
	if err != nil || added == 0 {
		return err
	}
	return f.Redis.SAdd(ctx, "followers:"+other, user).Err()
}

func (f *Follow) followAtOnce(ctx context.Context, user, other string) error {
	_, err := f.Redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.SAdd(ctx, "following:"+user, other)
		p.SAdd(ctx, "followers:"+other, user)
		return nil
	})
	return err
}

// Profile is the function profile.
type Profile struct{ Redis *redis.Client }

// ServeHTTP shows how many followers a user has: GET /user.
func (f *Profile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := f.Redis.SCard(r.Context(), "followers:"+strings.TrimPrefix(r.URL.Path, "/")).Result()
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte(strconv.FormatInt(n, 10)))
}

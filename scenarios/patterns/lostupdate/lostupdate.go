// Package lostupdate counts who likes an article.
//
// Favorite reads the list of users, adds one, and writes list and count back.
// Two users at the same time read the same list. The second to write overwrites
// what the first has written, and the article has one user too few.
//
// Reported: RealWorld on DynamoDB and Lambda (kalevalp/realworld-dynamodb-lambda),
// Article.favorite, which puts the item with a longer list; here it is a hash
// in Redis.
//
// Provoked by: two requests for one article that interleave.
//
// Remedy: reading and writing are one transaction, which fails if somebody else
// has written meanwhile, and is then tried again (optimistic locking).
package lostupdate

import (
	"context"
	"errors"
	"log"
	"net/http"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Favorite is the function favorite.
type Favorite struct {
	Redis    *redis.Client
	Repaired bool
}

// ServeHTTP notes that a user likes an article: PUT /article/user.
func (f *Favorite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	article, user, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	if err := f.favorite(r.Context(), "article:"+article, user); err != nil {
		log.Printf("favorite %s: %v", r.URL.Path, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Favorite) favorite(ctx context.Context, article, user string) error {
	if !f.Repaired {
		return add(ctx, f.Redis, article, user)
	}
	for {
		err := f.Redis.Watch(ctx, func(tx *redis.Tx) error { return add(ctx, tx, article, user) }, article)
		if !errors.Is(err, redis.TxFailedErr) {
			return err
		}
	}
}

func add(ctx context.Context, c redis.Cmdable, article, user string) error {
	list, err := c.HGet(ctx, article, "favoritedBy").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	users := strings.Fields(list)
	if slices.Contains(users, user) {
		return nil
	}
	users = append(users, user)
	_, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		return p.HSet(ctx, article, "favoritedBy", strings.Join(users, " "), "favoritesCount", len(users)).Err()
	})
	return err
}

// Read is the function read.
type Read struct{ Redis *redis.Client }

// ServeHTTP shows how many users like an article: GET /article.
func (f *Read) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	count, err := f.Redis.HGet(r.Context(), "article:"+strings.TrimPrefix(r.URL.Path, "/"), "favoritesCount").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte(count))
}

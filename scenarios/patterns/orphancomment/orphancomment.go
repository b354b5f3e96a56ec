// Package orphancomment is a blog whose articles have comments.
//
// Comment looks whether the article exists, and then stores the comment. If
// the author deletes the article in between, its comments go with it, but
// this one comes after. It stays for ever, where no page shows it and nobody
// can delete it.
//
// Reported: kalevalp/realworld-dynamodb-lambda, Comment.create (a get and a
// put in two DynamoDB tables; here two keys of Redis).
//
// Provoked by: a deletion that runs between the check and the write.
//
// Remedy: a script that looks and writes, which Redis runs alone (in DynamoDB
// a transaction with a condition check).
package orphancomment

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"strings"

	"github.com/redis/go-redis/v9"
)

// errNoArticle is the error of an article that is not there.
var errNoArticle = errors.New("there is no such article")

// Articles is the function articles.
type Articles struct{ Redis *redis.Client }

// ServeHTTP shows an article, or deletes it, and its comments with it.
func (f *Articles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	slug := strings.TrimPrefix(r.URL.Path, "/articles/")
	if r.Method == http.MethodDelete {
		answer(w, f.Redis.Del(r.Context(), "article:"+slug, "comments:"+slug).Err())
		return
	}
	text, err := f.Redis.Get(r.Context(), "article:"+slug).Result()
	if errors.Is(err, redis.Nil) {
		err = errNoArticle
	}
	answer(w, err)
	_, _ = w.Write([]byte(text))
}

// Comment is the function comment.
type Comment struct {
	Redis    *redis.Client
	Repaired bool
}

// ServeHTTP adds a comment to an article: 404 if there is none.
func (f *Comment) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var c struct{ Article, ID, Text string }
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil || c.Article == "" || c.ID == "" {
		http.Error(w, "no comment", http.StatusBadRequest)
		return
	}
	answer(w, f.add(r.Context(), c.Article, c.ID, c.Text))
}

func (f *Comment) add(ctx context.Context, article, id, text string) error {
	if f.Repaired {
		return f.addIfThere(ctx, article, id, text)
	}
	n, err := f.Redis.Exists(ctx, "article:"+article).Result()
	if err != nil {
		return err
	}
	if n == 0 {
		return errNoArticle
	}
	return f.Redis.HSet(ctx, "comments:"+article, id, text).Err()
}

var addComment = redis.NewScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then
	return redis.error_reply('NOARTICLE it was deleted')
end
return redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])`)

func (f *Comment) addIfThere(ctx context.Context, article, id, text string) error {
	err := addComment.Run(ctx, f.Redis, []string{"article:" + article, "comments:" + article}, id, text).Err()
	if redis.HasErrorPrefix(err, "NOARTICLE") {
		return errNoArticle
	}
	return err
}

func answer(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, errNoArticle):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		log.Print(err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

// Package checkthenput registers users, one for each e-mail address, it is
// hoped.
//
// Register looks whether the address is taken, and if it is not, stores the
// user. Two people who register with one address at the same time are both
// told that it is free, and both are stored. From then on a password that is
// sent to the address opens whichever account is found first.
//
// Reported: kalevalp/realworld-dynamodb-lambda, User.create (a query of a
// DynamoDB index by e-mail, then a put; here a Redis hash of the addresses
// that are taken).
//
// Provoked by: another request that runs between the check and the write.
//
// Remedy: the check is the write: HSETNX takes the address if nobody has it
// (a conditional write), before the user is stored.
package checkthenput

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"strings"

	"github.com/redis/go-redis/v9"
)

// User is who registers.
type User struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Register is the function register.
type Register struct {
	Redis    *redis.Client
	Repaired bool
}

// ServeHTTP registers a user: 201, or 409 if the address is another's.
func (f *Register) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var u User
	if err := json.NewDecoder(r.Body).Decode(&u); err != nil || u.Name == "" || u.Email == "" {
		http.Error(w, "no user", http.StatusBadRequest)
		return
	}
	owner, err := f.take(r.Context(), u)
	switch {
	case err != nil:
	case owner != u.Name:
		http.Error(w, "there is a user with this address", http.StatusConflict)
		return
	default:
		err = f.Redis.HSet(r.Context(), "user:"+u.Name, "email", u.Email).Err()
	}
	if err != nil {
		log.Printf("register %s: %v", u.Name, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

// take takes the address for the user, and returns whose it is.
func (f *Register) take(ctx context.Context, u User) (owner string, err error) {
	if f.Repaired {
		if taken, err := f.Redis.HSetNX(ctx, "emails", u.Email, u.Name).Result(); err != nil || taken {
			return u.Name, err
		}
		return f.Redis.HGet(ctx, "emails", u.Email).Result()
	}
	owner, err = f.Redis.HGet(ctx, "emails", u.Email).Result()
	if errors.Is(err, redis.Nil) {
		return u.Name, f.Redis.HSet(ctx, "emails", u.Email, u.Name).Err()
	}
	return owner, err
}

// Profile is the function profile.
type Profile struct{ Redis *redis.Client }

// ServeHTTP shows a user.
func (f *Profile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/users/")
	email, err := f.Redis.HGet(r.Context(), "user:"+name, "email").Result()
	switch {
	case errors.Is(err, redis.Nil):
		http.NotFound(w, r)
	case err != nil:
		http.Error(w, "try again", http.StatusServiceUnavailable)
	default:
		_ = json.NewEncoder(w).Encode(User{Name: name, Email: email})
	}
}

// Package expiredclaim withdraws money from accounts at a bank.
//
// Withdraw claims a withdrawal's key for half a minute, so that a request that
// is repeated meanwhile is told to wait, and remembers the key for a day when
// the bank has answered. When the work takes longer than the claim lasts, the
// next request finds no claim and goes to the bank too. The money is withdrawn
// twice for one key.
//
// Reported: aws-powertools/powertools-lambda-python, issue 8049 (a record in
// DynamoDB; here a key in Redis).
//
// Provoked by: an invocation that is held up between its claim and the bank
// (or does not learn of the bank's answer), and a request that is repeated.
//
// Remedy: the bank is told the key (an idempotency key). A claim saves work; it
// cannot promise that the work is not done twice.
package expiredclaim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
)

var errInProgress = errors.New("in progress")

// Withdraw is the function withdraw.
type Withdraw struct {
	Redis    *redis.Client
	HTTP     *http.Client
	Repaired bool
}

// Withdrawal is what a customer asks for.
type Withdrawal struct {
	Key     string `json:"key"` // the same whenever the request is repeated
	Account string `json:"account"`
	Cents   int    `json:"cents"`
}

// ServeHTTP withdraws money: 200 if it was withdrawn, now or before.
func (f *Withdraw) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked Withdrawal
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Key == "" {
		http.Error(w, "no withdrawal", http.StatusBadRequest)
		return
	}
	if err := f.once(r.Context(), asked); err != nil {
		log.Printf("withdraw %s: %v", asked.Key, err)
		w.Header().Set("Retry-After", "20")
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Withdraw) once(ctx context.Context, asked Withdrawal) error {
	key := "withdrawal:" + asked.Key
	claimed, err := f.Redis.SetNX(ctx, key, "claimed", 30*time.Second).Result()
	if err != nil {
		return err
	}
	if !claimed {
		state, err := f.Redis.Get(ctx, key).Result()
		if err == nil && state == "claimed" {
			err = errInProgress
		}
		return err
	}
	if err := f.withdraw(ctx, asked); err != nil {
		return err
	}
	return f.Redis.Set(ctx, key, "done", 24*time.Hour).Err()
}

func (f *Withdraw) withdraw(ctx context.Context, asked Withdrawal) error {
	body, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://bank.example/withdrawals", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if f.Repaired {
		r.Header.Set("Idempotency-Key", asked.Key)
	}
	resp, err := f.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("bank: %s", resp.Status)
	}
	return nil
}

// Rates is the function rates, which tells what changing money costs.
type Rates struct{ Redis *redis.Client }

// ServeHTTP shows a rate.
func (f *Rates) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rate, err := f.Redis.Get(r.Context(), "rate:"+r.URL.Path[1:]).Result()
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte(rate))
}

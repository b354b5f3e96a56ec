// Package memory keeps accounts.
//
// Balances are kept in the function instance, which serves request after
// request and so seems to be a server. The platform starts another instance
// beside it, or takes it away, as it likes, and the next request finds an empty
// ledger. The money is gone, or comes and goes with the instance that answers.
//
// Reported: Jangda, Pinckney, Brun, Guha: Formal Foundations of Serverless
// Computing, OOPSLA 2019, whose running example it is (on any platform; nothing
// differs here).
//
// Provoked by: a cold start beside a warm instance, an instance that is taken
// away, or a crash.
//
// Remedy: the ledger is in a store; a deposit has the id of its request, so that
// it may be repeated.
package memory

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Deposit is what a customer pays in.
type Deposit struct {
	Request string `json:"request"` // the caller's id, the same in every attempt
	Account string `json:"account"`
	Amount  int    `json:"amount"`
}

// Ledger knows the deposits of each account, by request.
type Ledger interface {
	Add(ctx context.Context, d Deposit) error
	Deposits(ctx context.Context, account string) (map[string]int, error)
}

// Account is the function account: POST / pays in, GET /<account> tells the
// balance.
type Account struct{ Ledger Ledger }

// ServeHTTP pays in, or tells the balance.
func (f *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var err error
	if r.Method == http.MethodPost {
		var d Deposit
		if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
			http.Error(w, "no deposit", http.StatusBadRequest)
			return
		}
		err = f.Ledger.Add(r.Context(), d)
	} else {
		var deposits map[string]int
		if deposits, err = f.Ledger.Deposits(r.Context(), r.URL.Path[1:]); err == nil {
			_, _ = w.Write([]byte(strconv.Itoa(sum(deposits))))
		}
	}
	if err != nil {
		log.Printf("account: %v", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func sum(deposits map[string]int) (balance int) {
	for _, amount := range deposits {
		balance += amount
	}
	return balance
}

// InMemory is a ledger in the memory of a function instance.
type InMemory struct {
	mu       sync.Mutex
	accounts map[string]map[string]int
}

// Add adds a deposit.
func (l *InMemory) Add(_ context.Context, d Deposit) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.accounts == nil {
		l.accounts = map[string]map[string]int{}
	}
	if l.accounts[d.Account] == nil {
		l.accounts[d.Account] = map[string]int{}
	}
	l.accounts[d.Account][d.Request] = d.Amount
	return nil
}

// Deposits returns an account's deposits.
func (l *InMemory) Deposits(_ context.Context, account string) (map[string]int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	deposits := map[string]int{}
	for request, amount := range l.accounts[account] {
		deposits[request] = amount
	}
	return deposits, nil
}

// InRedis is a ledger in Redis: a hash for each account.
type InRedis struct{ Redis *redis.Client }

// Add adds a deposit.
func (l *InRedis) Add(ctx context.Context, d Deposit) error {
	return l.Redis.HSet(ctx, "deposits:"+d.Account, d.Request, d.Amount).Err()
}

// Deposits returns an account's deposits.
func (l *InRedis) Deposits(ctx context.Context, account string) (map[string]int, error) {
	found, err := l.Redis.HGetAll(ctx, "deposits:"+account).Result()
	deposits := map[string]int{}
	for request, amount := range found {
		n, bad := strconv.Atoi(amount)
		if bad != nil {
			return nil, bad
		}
		deposits[request] = n
	}
	return deposits, err
}

// Rates is the function rates, which tells the rates of interest.
type Rates struct{ Percent int }

// ServeHTTP tells the rate.
func (f *Rates) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte(strconv.Itoa(f.Percent) + " %"))
}

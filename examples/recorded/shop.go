// Command shop takes orders over HTTP and charges them, once each: one function,
// plain net/http, go-redis and database/sql, as a team would run it on a machine or in a
// container. The lines that have wtsim record it stand in record.go.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
)

// shop charges orders at a payment service.
type shop struct {
	store    *redis.Client
	ledger   *sql.DB
	payments *http.Client
	provider string // the payment service's URL
}

// ServeHTTP is POST /orders/{order}: it charges the order unless it has been.
func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	order := r.PathValue("order")
	if err := s.charge(r.Context(), order); err != nil {
		log.Printf("order %q: %v", order, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "thank you")
}

// charge looks first and notes afterwards: two requests at once both pay.
func (s *shop) charge(ctx context.Context, order string) error {
	if n, err := s.store.Exists(ctx, "charged/"+order).Result(); err != nil || n > 0 {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.provider+"/charges/"+order, nil)
	if err != nil {
		return err
	}
	resp, err := s.payments.Do(req)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the payment service answers %s", resp.Status)
	}
	if _, err := s.ledger.ExecContext(ctx, "INSERT INTO charges (order_id) VALUES ($1)", order); err != nil {
		return err
	}
	return s.store.Set(ctx, "charged/"+order, 1, 0).Err()
}

// routes are what the shop answers.
func (s *shop) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /orders/{order}", s)
	return mux
}

func main() {
	rec, err := record(os.Getenv("MONITOR_URL"), os.Getenv("MONITOR_TOKEN"), os.Getenv("REDACTION_KEY"))
	if err != nil {
		log.Fatal(err)
	}
	ledger, err := rec.database("pgx", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	s := &shop{
		ledger:   ledger,
		store:    redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR"), Dialer: rec.dialer(&net.Dialer{})}),
		payments: &http.Client{Transport: rec.transport(http.DefaultTransport), Timeout: 5 * time.Second},
		provider: os.Getenv("PAYMENTS_URL"),
	}
	server := &http.Server{Addr: ":" + os.Getenv("PORT"), Handler: rec.handler(s.routes()), ReadHeaderTimeout: 5 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { log.Print(server.ListenAndServe()) }()
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	_ = server.Shutdown(ctx)
	if err := rec.out.Close(ctx); err != nil {
		log.Print(err)
	}
}

// Command shop takes orders over HTTP, asks the warehouse whether it is open, and
// charges them, once each: plain net/http, go-redis and gRPC. Nothing in it knows of
// wtsim, nor does its go.mod:
//
//	wtsim build --record --rules rules.yaml -o shop .
//	WTSIM_RECORD=events.ndjson WTSIM_SERVICES=payments.example=payments ./shop
//	wtsim check --props properties.yaml --events events.ndjson
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// shop charges orders at a payment service.
type shop struct {
	store     *redis.Client
	warehouse grpc_health_v1.HealthClient
	payments  string // its URL
}

// ServeHTTP is POST /orders/{order}.
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
	if _, err := s.warehouse.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "warehouse"}); err != nil {
		return err
	}
	if n, err := s.store.Exists(ctx, "charged/"+order).Result(); err != nil || n > 0 {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.payments+"/charges/"+order, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the payment service answers %s", resp.Status)
	}
	return s.store.Set(ctx, "charged/"+order, 1, 0).Err()
}

func main() {
	conn, err := grpc.NewClient(os.Getenv("WAREHOUSE_ADDR"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	options := &redis.Options{Addr: os.Getenv("REDIS_ADDR")}
	if os.Getenv("REDIS_TLS") != "" {
		options.TLSConfig = &tls.Config{InsecureSkipVerify: true}
	}
	mux := http.NewServeMux()
	mux.Handle("POST /orders/{order}", &shop{redis.NewClient(options), grpc_health_v1.NewHealthClient(conn), os.Getenv("PAYMENTS_URL")})
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", l.Addr())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { log.Print(server.Serve(l)) }()
	<-ctx.Done()
	_ = server.Shutdown(context.Background())
}

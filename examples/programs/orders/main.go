// Command orders is a Cloud Run service that takes orders: it checks the stock,
// charges the customer at the payment provider, and notes the order. Its clients
// are in package variables, its state in Redis; it logs by slog, and tells its
// traces to the collector beside it.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

var (
	tracer = otel.Tracer("example.com/programs/orders")

	logger = slog.New(slog.NewJSONHandler(os.Stdout, nil)).With("service", os.Getenv("K_SERVICE"))

	db = redis.NewClient(&redis.Options{Addr: cmp.Or(os.Getenv("REDIS"), "redis:6379")})

	provider = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
)

type order struct {
	ID     string `json:"id"`
	Amount int    `json:"amount"`
	Pieces int    `json:"pieces"`
}

var errSoldOut = errors.New("sold out")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	traces, err := traced(ctx)
	if err != nil {
		logger.Error("traces", "error", err)
		os.Exit(1)
	}
	r := chi.NewRouter()
	r.Use(middleware.RequestID, middleware.Recoverer, middleware.Timeout(time.Minute), observed)
	r.Post("/orders", takeOrder)
	r.Get("/orders/{id}", showOrder)
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	server := &http.Server{Addr: ":" + cmp.Or(os.Getenv("PORT"), "8080"), Handler: r, ReadHeaderTimeout: 5 * time.Second}

	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 8*time.Second)
		defer cancel()
		if err := errors.Join(server.Shutdown(grace), traces.Shutdown(grace)); err != nil {
			logger.Error("shutdown", "error", err)
		}
	}()
	logger.Info("listening", "address", server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		logger.Error("server", "error", err)
		os.Exit(1)
	}
}

// traced sets the tracing up. Traces go out with each request that has ended, as
// the instance has no CPU afterwards.
func traced(ctx context.Context) (*sdktrace.TracerProvider, error) {
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpoint("localhost:4318"), otlptracehttp.WithInsecure())
	if err != nil {
		return nil, err
	}
	p := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	otel.SetTracerProvider(p)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return p, nil
}

// observed logs and traces each request.
func observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		ctx := otel.GetTextMapPropagator().Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, r.Method+" "+r.URL.Path, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(ww, r.WithContext(ctx))
		span.SetAttributes(attribute.Int("http.response.status_code", ww.Status()))
		if ww.Status() >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(ww.Status()))
		}
		logger.InfoContext(ctx, "request", "id", middleware.GetReqID(ctx), "trace", span.SpanContext().TraceID(), "path", r.URL.Path, "status", ww.Status(), "took", time.Since(began))
	})
}

// takeOrder charges for an order once: one that is noted is not charged again.
func takeOrder(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil || o.ID == "" || o.Pieces < 1 {
		http.Error(w, "bad order", http.StatusBadRequest)
		return
	}
	err := fulfil(r.Context(), o)
	switch {
	case errors.Is(err, errSoldOut):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		logger.Error("order", "id", o.ID, "error", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusCreated)
	}
}

func fulfil(ctx context.Context, o order) error {
	state, err := db.HGet(ctx, "order:"+o.ID, "state").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("look up: %w", err)
	}
	if state == "paid" {
		return nil // a repeated request
	}
	left, err := db.DecrBy(ctx, "stock", int64(o.Pieces)).Result()
	if err != nil {
		return fmt.Errorf("stock: %w", err)
	}
	if left < 0 {
		if err := db.IncrBy(ctx, "stock", int64(o.Pieces)).Err(); err != nil {
			return fmt.Errorf("give back: %w", err)
		}
		return errSoldOut
	}
	if err := charge(ctx, o); err != nil {
		return fmt.Errorf("charge: %w", err)
	}
	// Whoever dies here has charged, and the customer's next attempt charges
	// again: the provider is given no idempotency key.
	if err := db.HSet(ctx, "order:"+o.ID, "state", "paid", "amount", strconv.Itoa(o.Amount)).Err(); err != nil {
		return fmt.Errorf("note: %w", err)
	}
	return nil
}

// charge asks the payment provider.
func charge(ctx context.Context, o order) error {
	body, err := json.Marshal(map[string]any{"order": o.ID, "amount": o.Amount})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://payments.example/charges", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := provider.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("the provider says %s", resp.Status)
	}
	return nil
}

func showOrder(w http.ResponseWriter, r *http.Request) {
	fields, err := db.HGetAll(r.Context(), "order:"+chi.URLParam(r, "id")).Result()
	switch {
	case err != nil:
		http.Error(w, "try again", http.StatusServiceUnavailable)
	case len(fields) == 0:
		http.NotFound(w, r)
	default:
		_ = json.NewEncoder(w).Encode(fields)
	}
}

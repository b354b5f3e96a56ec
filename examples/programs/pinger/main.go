// Command pinger exits when it cannot reach its store at the start, as many
// programs do, and leaves behind what it has done by then: it takes a number
// before it looks.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// db gives up at once: who starts this program starts it again.
var db = redis.NewClient(&redis.Options{Addr: "redis:6379", MaxRetries: -1})

// instance is one of those that run, by its number.
type instance struct {
	number  int64
	started time.Time
}

func main() {
	log.SetFlags(0)
	i, err := start()
	if err != nil {
		log.Fatalf("start: %v", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", i.show)
	mux.HandleFunc("GET /running/{number}", i.runs)
	server := &http.Server{Addr: ":" + cmp.Or(os.Getenv("PORT"), "8080"), Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go i.leave(server)
	slog.Info("listening", "number", i.number, "address", server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// start takes a number, looks whether the store answers, and registers.
func start() (*instance, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	number, err := db.Incr(ctx, "instances").Result()
	if err != nil {
		return nil, err
	}
	// Who ends here leaves a number behind that nobody has.
	if err := db.Ping(ctx).Err(); err != nil {
		return nil, err
	}
	if err := db.SAdd(ctx, "running", number).Err(); err != nil {
		return nil, err
	}
	return &instance{number: number, started: time.Now()}, nil
}

// leave takes the instance off the list when it is told to end.
func (i *instance) leave(server *http.Server) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	<-c
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := db.SRem(ctx, "running", i.number).Err(); err != nil {
		slog.Error("leave", "error", err)
	}
	if err := server.Shutdown(ctx); err != nil {
		slog.Error("shutdown", "error", err)
	}
}

// show tells how many run.
func (i *instance) show(w http.ResponseWriter, r *http.Request) {
	running, err := db.SCard(r.Context(), "running").Result()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	answer(w, map[string]any{"number": i.number, "running": running, "since": i.started})
}

// runs tells whether an instance runs.
func (i *instance) runs(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	runs, err := db.SIsMember(r.Context(), "running", number).Result()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	answer(w, map[string]any{"number": number, "runs": runs})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		slog.Error("answer", "error", err)
	}
}

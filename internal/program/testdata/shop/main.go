// Command shop sells: a server as many are, with its client in a package
// variable. It charges before it notes that it has, so that a crash between the
// two charges twice.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

var db = redis.NewClient(&redis.Options{Addr: "redis:6379"})

var served int // by this instance

var graceful = flag.Bool("graceful", false, "note SIGTERM")

func main() {
	if flag.Parse(); *graceful {
		go untilTerminated()
	}
	http.HandleFunc("POST /buy/{order}", buy)
	http.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { log.Fatal("no more") })
	http.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("boom") })
	http.HandleFunc("/later", func(http.ResponseWriter, *http.Request) {
		go func() { panic(fmt.Errorf("order: %w", errors.New("boom"))) }()
		time.Sleep(time.Second)
	})
	http.HandleFunc("/who", func(_ http.ResponseWriter, r *http.Request) {
		host, err := os.Hostname()
		db.Set(r.Context(), fmt.Sprintf("%s@%s %v", os.Args[0], host, err), 1, 0)
	})
	http.HandleFunc("/spin", func(http.ResponseWriter, *http.Request) {
		for {
		}
	})
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}

// untilTerminated notes that the platform takes the instance away.
func untilTerminated() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	<-c
	if err := db.Set(context.Background(), "stopped:"+os.Getenv("REGION"), served, 0).Err(); err != nil {
		log.Fatal(err)
	}
	os.Exit(0)
}

func buy(w http.ResponseWriter, r *http.Request) {
	ctx, order := r.Context(), r.PathValue("order")
	served++
	token := make([]byte, 8)
	_, _ = rand.Read(token)
	log.Printf("buy %s as %s, request %d", order, hex.EncodeToString(token), served)
	done, err := db.Exists(ctx, "done:"+order).Result()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if done == 0 {
		if err := db.Incr(ctx, "charged:"+order).Err(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if err := db.Set(ctx, "done:"+order, "1", 0).Err(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	fmt.Fprintln(w, "sold")
}

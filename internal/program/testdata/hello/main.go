// Command hello is a server that answers, draws, sleeps, panics and exits.
package main

import (
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

var began = time.Now()

var early = make(chan time.Time)

func init() {
	go func() { early <- <-time.After(time.Second) }()
}

func main() {
	http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Second)
		fmt.Fprintln(w, rand.Uint64(), time.Since(began), <-early)
	})
	http.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("boom") })
	http.HandleFunc("/fatal", func(http.ResponseWriter, *http.Request) { log.Fatal("fatal") })
	http.HandleFunc("/spin", func(http.ResponseWriter, *http.Request) {
		for {
		}
	})
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	go func() {
		fmt.Println("got", <-c)
		os.Exit(3)
	}()
	fmt.Println("serving on", os.Getenv("PORT"))
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}

// Command rpc asks another program by gRPC, and itself at localhost; with -serve it
// is the one that is asked.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gomodule/redigo/redis"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

var serve = flag.Bool("serve", false, "be the server")

func main() {
	flag.Parse()
	l, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	if *serve {
		s := grpc.NewServer()
		grpc_health_v1.RegisterHealthServer(s, &server{})
		log.Fatal(s.Serve(l))
	}
	go metrics()
	conn, err := grpc.NewClient("stock:443", grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{})))
	if err != nil {
		log.Fatal(err)
	}
	health := grpc_health_v1.NewHealthClient(conn)
	http.HandleFunc("/ask/{service}", func(w http.ResponseWriter, r *http.Request) {
		got, err := ask(r.Context(), health, r.PathValue("service"))
		fmt.Fprintln(w, got.GetStatus(), status.Code(err))
		log.Println(got.GetStatus(), status.Code(err), err)
	})
	http.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		if _, err := ask(r.Context(), health, "pushed"); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	http.HandleFunc("/self", func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.Get("http://localhost:9090/metrics")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.MultiWriter(w, log.Writer()), resp.Body)
	})
	log.Fatal(http.Serve(l, nil))
}

// ask asks, and once more where there is no answer.
func ask(ctx context.Context, health grpc_health_v1.HealthClient, service string) (got *grpc_health_v1.HealthCheckResponse, err error) {
	for range 2 {
		within, cancel := context.WithTimeout(ctx, 10*time.Second)
		got, err = health.Check(within, &grpc_health_v1.HealthCheckRequest{Service: service})
		cancel()
		if code := status.Code(err); code == codes.OK || code == codes.NotFound {
			break
		}
	}
	return got, err
}

// metrics are told at a port that only this machine reaches.
func metrics() {
	log.Fatal(http.ListenAndServe("127.0.0.1:9090", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "metrics of", r.URL.Path, "for", r.RemoteAddr)
	})))
}

type server struct {
	grpc_health_v1.UnimplementedHealthServer
}

// Check counts who asks.
func (*server) Check(_ context.Context, r *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	if r.Service == "none" {
		return nil, status.Error(codes.NotFound, "no such service")
	}
	db, err := redis.Dial("tcp", "redis:6379")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if _, err := db.Do("INCR", "asked:"+r.Service); err != nil {
		return nil, err
	}
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

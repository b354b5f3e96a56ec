// Package shop is a stranger's application, which production records.
package shop

import (
	"io"
	"net/http"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/probe/httpprobe"
	"github.com/wtsim/wtsim/probe/recording"
	"github.com/wtsim/wtsim/probe/redisprobe"
)

const price = "12"

// Shop charges orders.
type Shop struct {
	store    *goredis.Client
	payments *http.Client
}

func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	order, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	seen, err := s.store.Incr(r.Context(), "seen/"+string(order)).Result()
	if err != nil || seen > 1 {
		http.Error(w, "seen", http.StatusConflict)
		return
	}
	resp, err := s.payments.Post("http://payments/charges", "text/plain", strings.NewReader(price))
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_ = resp.Body.Close()
	w.WriteHeader(resp.StatusCode)
}

// Played is the shop on a recording.
func Played(p *recording.Player) (http.Handler, error) {
	return &Shop{
		store:    goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:1", Dialer: redisprobe.Dialer(p, "redis", p.Dial)}),
		payments: &http.Client{Transport: httpprobe.Transport(p, p, nil)},
	}, nil
}

package command

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

// fatalDrawn ends its process with a request of more than 40; sizes and number
// of requests are drawn.
func fatalDrawn() sim.Scenario {
	s := small("test/fatal-drawn", nil)
	s.Functions[0].New = func(cloud.Env) (cloud.Handler, error) {
		return cloud.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if size, _ := strconv.Atoi(r.URL.Path[1:]); size > 40 {
				go panic("too large")
				time.Sleep(time.Second)
			}
		})), nil
	}
	s.Generate = func(in *sim.Inputs, s *sim.Scenario) {
		var requests []sim.Request
		in.List("requests", 1, 4, func(_ int, in *sim.Inputs) {
			requests = append(requests, sim.Request{Function: "f", Path: fmt.Sprintf("/%d", in.Int("size", 1, 50))})
		})
		s.Clients = []sim.Client{{Name: "c", Requests: requests}}
	}
	return s
}

// fund pays drawn amounts to drawn customers, out of 100: two at a time may be
// paid from the same money.
func fund() sim.Scenario {
	s := small("test/fund", nil)
	s.Services = []cloud.Service{redis.New("redis")}
	s.Functions[0].New = func(env cloud.Env) (cloud.Handler, error) {
		client := redis.Client(env, "redis", nil)
		return cloud.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			who, text, _ := strings.Cut(r.URL.Path[1:], "=")
			amount, _ := strconv.Atoi(text)
			spent, _ := client.Get(r.Context(), "spent").Int()
			if spent+amount <= 100 {
				client.MSet(r.Context(), "spent", spent+amount, "paid:"+who, amount)
			}
		})), nil
	}
	s.Faults.Kinds = []string{cloud.RunOther}
	s.Clients = nil
	s.Generate = func(in *sim.Inputs, s *sim.Scenario) {
		in.List("customers", 1, 5, func(k int, in *sim.Inputs) {
			path := fmt.Sprintf("/%d=%d", k+1, in.Int("amount", 1, 100))
			s.Clients = append(s.Clients, sim.Client{Name: fmt.Sprint("customer-", k+1), Requests: []sim.Request{{Function: "f", Path: path}}})
		})
	}
	s.Properties = []*props.Property{props.AtQuiescence("no more is paid than there is", func(state props.State) error {
		paid := 0
		for _, key := range state.Keys("redis") {
			if text, _ := state.Get("redis", key); strings.HasPrefix(key, "paid:") {
				n, _ := strconv.Atoi(text)
				paid += n
			}
		}
		if paid > 100 {
			return fmt.Errorf("%d are paid from 100", paid)
		}
		return nil
	})}
	return s
}

// Package shop is a stranger's application, which draws whatever can be drawn.
package shop

import (
	"crypto/rand"
	"fmt"
	one "math/rand"
	two "math/rand/v2"
	"net/http"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/probe/recording"
	"github.com/wtsim/wtsim/probe/redisprobe"
)

// Shop gives tokens out.
type Shop struct{ Store *goredis.Client }

func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := fmt.Sprint(rand.Text(), " ", uuid.NewString(), " ", one.Int63(), " ", one.Uint64(), " ", one.Perm(5), " ", two.IntN(1e9), " ", two.Float64())
	if err := s.Store.Set(r.Context(), "token", token, 0).Err(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprint(w, token)
}

// Played is the shop on a recording.
func Played(p *recording.Player) (http.Handler, error) {
	return &Shop{goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:1", Dialer: redisprobe.Dialer(p, "redis", p.Dial)})}, nil
}

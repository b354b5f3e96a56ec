package checkout

import (
	"net/http"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Browse is the function browse.
type Browse struct{ Redis *redis.Client }

// ServeHTTP shows an item and counts the view.
func (b *Browse) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	item := strings.TrimPrefix(r.URL.Path, "/items/")
	title, err := missing(b.Redis.Get(r.Context(), "title:"+item).Result())
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	b.Redis.Incr(r.Context(), "views:"+item) // best effort
	_, _ = w.Write([]byte(title))
}

package postgres

import (
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cloud"
)

// Contents returns every row that is committed: the key is its table and, after a
// slash, its primary key (its place among the rows, if it has none), the value the row
// as JSON, columns in the table's order.
func (b *Backend) Contents() []cloud.Content {
	b.mu.Lock()
	defer b.mu.Unlock()
	rows, err := b.database.side.do("SELECT key, value FROM wtsim.contents()")
	if err != nil {
		panic("postgres: the server does not tell what it holds: " + err.Error()) // we are its superuser
	}
	var out []cloud.Content
	for _, r := range rows {
		out = append(out, cloud.Content{Key: r[0], Value: r[1]})
	}
	slices.SortFunc(out, func(a, b cloud.Content) int { return strings.Compare(a.Key, b.Key) })
	return out
}

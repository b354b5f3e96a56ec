package redisprobe

import (
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// Reply is what a Redis has answered, by the result of an operation: the same
// value, though maybe in another form of the protocol, for a result does not keep
// which. A failed transaction is null.
func Reply(r event.Result) []byte {
	body := string(r.Body)
	switch {
	case r.Status == "(nil)":
		return []byte("*-1\r\n") // null to clients, whatever they wait for
	case strings.HasPrefix(r.Status, `"`):
		return []byte("$" + strconv.Itoa(len(body)) + "\r\n" + body + "\r\n")
	case body != r.Status: // as it came: an error, an array, a map, a set
		return r.Body
	}
	if _, err := strconv.ParseInt(body, 10, 64); err == nil {
		return []byte(":" + body + "\r\n")
	}
	return []byte("+" + body + "\r\n")
}

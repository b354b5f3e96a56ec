package redis_test

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wtsim/wtsim/fakes/fakestest"
	fakeredis "github.com/wtsim/wtsim/fakes/redis"
)

// Of two that take over one entry, with a time that it must have been idle, one
// gets it (ThreeDotsLabs/watermill-redisstream 24): what was claimed is idle no
// longer. JUSTID is no delivery.
func TestClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := fakestest.Open(t.Context(), fakeredis.New("redis").WithCommand("XADD", "s", "1-1", "o", "1").
			WithCommand("XGROUP", "CREATE", "s", "g", "0").WithCommand("XREADGROUP", "GROUP", "g", "dead", "STREAMS", "s", ">"))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		c := fakeredis.Client(e, "redis", nil)
		do := func(words string) string {
			var args []any
			for _, w := range strings.Fields(words) {
				args = append(args, w)
			}
			v, err := c.Do(t.Context(), args...).Result()
			if err != nil {
				return err.Error()
			}
			return fmt.Sprint(v)
		}
		check := func(words, want string) {
			t.Helper()
			if got := do(words); got != want {
				t.Errorf("%s: got %s, wanted %s", words, got, want)
			}
		}
		check("XCLAIM s g a 30000 1-1", "[]")
		time.Sleep(30 * time.Second)
		check("XCLAIM s g a 30000 1-1 JUSTID", "[1-1]")
		check("XPENDING s g - + 1", "[[1-1 a 0 1]]")
		check("XCLAIM s g b 30000 1-1", "[]")
		check("XAUTOCLAIM s g b 30000 0", "[0-0 [] []]")
		check("XCLAIM s g b 0 1-1 IDLE 40000", "[[1-1 [o 1]]]")
		check("XPENDING s g IDLE 40000 - + 1", "[[1-1 b 40000 2]]")
		check("XAUTOCLAIM s g a 40000 0", "[0-0 [[1-1 [o 1]]] []]")
		check("XCLAIM s g a 0 1-1 RETRYCOUNT 9", "[[1-1 [o 1]]]")
		check("XPENDING s g - + 1", "[[1-1 a 0 9]]")
		check("XDEL s 1-1", "1")
		check("XAUTOCLAIM s g a 0 0", "[0-0 [] [1-1]]")
	})
}

// On a RESP3 connection that has subscribed, any command is answered, and is an
// operation; what is pushed comes between (rueidis does so).
func TestCommandsWhileSubscribed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := fakestest.Open(t.Context(), fakeredis.New("redis"))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		conn := e.Backend("redis").(*fakeredis.Backend).Dial(e)
		r := bufio.NewReader(conn)
		say := func(words, want string) {
			t.Helper()
			text := fmt.Sprintf("*%d\r\n", len(strings.Fields(words)))
			for _, w := range strings.Fields(words) {
				text += fmt.Sprintf("$%d\r\n%s\r\n", len(w), w)
			}
			if _, err := conn.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(want))
			for n := 0; n < len(want); {
				m, err := r.Read(got[n:])
				if n += m; err != nil {
					t.Fatalf("%s: %q, %v, wanted %q", words, got[:n], err, want)
				}
			}
			if string(got) != want {
				t.Errorf("%s: got %q, wanted %q", words, got, want)
			}
		}
		say("HELLO 3", "%")
		for r.Buffered() > 0 {
			_, _ = r.ReadByte()
		}
		say("SUBSCRIBE ch", ">3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:1\r\n")
		say("SET k v", "+OK\r\n")
		say("PUBLISH ch hi", ">3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$2\r\nhi\r\n:1\r\n")
		say("GET k", "$1\r\nv\r\n")
		say("UNSUBSCRIBE ch", ">3\r\n$11\r\nunsubscribe\r\n$2\r\nch\r\n:0\r\n")
		say("GET k", "$1\r\nv\r\n")
		if got := strings.Join(e.Entered(), ", "); got != "SUBSCRIBE ch, SET k, PUBLISH ch, GET k, GET k" {
			t.Errorf("the operations are %s", got)
		}
	})
}

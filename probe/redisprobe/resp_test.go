package redisprobe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/event"
)

// encode is a request as clients send it.
func encode(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.String()
}

// A request is read whole, however large or odd its words are, and an
// incomplete one at any cut is just that.
func TestParseRequest(t *testing.T) {
	for _, want := range [][]string{
		{"PING"}, {"SET", "k", ""}, {"SET", "k", "a\r\nb$1\r\n*3\r\n"}, {"SET", "k", "\x00\xff"},
		{"SET", "big", strings.Repeat("x", 70_000)}, slices.Repeat([]string{"w"}, 3000),
	} {
		b := []byte(encode(want...))
		for cut := range min(len(b), 200) {
			if _, n, err := ParseRequest(b[:cut]); n != 0 || err != nil {
				t.Fatalf("%.40q cut at %d: %d bytes, %v", b, cut, n, err)
			}
		}
		got, n, err := ParseRequest(append(b, "*1\r\n"...))
		if err != nil || n != len(b) {
			t.Fatalf("%.40q: %d of %d bytes, %v", b, n, len(b), err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%.40q: got %.40q", b, got)
		}
	}
}

// What is not a request is told apart from one that is not whole yet, so
// that nothing waits for its end; sizes beyond Redis' own limits included.
func TestParseRequestGarbage(t *testing.T) {
	for _, text := range []string{
		"PING\r\n", "GET / HTTP/1.1\r\n", "\r\n", "*x\r\n", "*1\n", "*1\r\n:1\r\n", "*1\r\n$-1\r\n", "*-2\r\n", "*\r\n",
		"*1048577\r\n", "*1\r\n$536870913\r\n", "*1\r\n$9223372036854775807\r\n", "*1\r\n$3\r\nabcd\r\n",
		"*11111111111111111111111111111", "*1\r\n$1\r\nab\r\n",
	} {
		if _, n, err := ParseRequest([]byte(text)); n != 0 || !errors.Is(err, errRequest) {
			t.Errorf("%q: %d bytes, %v", text, n, err)
		}
	}
	for _, empty := range []string{"*0\r\n", "*-1\r\n"} {
		if words, n, err := ParseRequest([]byte(empty)); len(words) != 0 || n != len(empty) || err != nil {
			t.Errorf("%q: %q, %d bytes, %v", empty, words, n, err)
		}
	}
}

// Replies of both protocol versions are taken whole, and told in words.
func TestReply(t *testing.T) {
	for _, c := range []struct {
		reply, status, body string
		ok                  bool
	}{
		{"+OK\r\n", "OK", "OK", true},
		{":42\r\n", "42", "42", true},
		{"-ERR no\r\n", "ERR no", "-ERR no\r\n", false},
		{"$5\r\nhello\r\n", `"hello"`, "hello", true},
		{"$0\r\n\r\n", `""`, "", true},
		{"$-1\r\n", "(nil)", "(nil)", true},
		{"*-1\r\n", "(nil)", "(nil)", true},
		{"_\r\n", "(nil)", "(nil)", true},
		{"*0\r\n", "(0 elements)", "*0\r\n", true},
		{"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "(2 elements)", "*2\r\n$1\r\na\r\n*1\r\n:1\r\n", true},
		{"%1\r\n+a\r\n:1\r\n", "(1 elements)", "%1\r\n+a\r\n:1\r\n", true},
		{"~1\r\n+a\r\n", "(1 elements)", "~1\r\n+a\r\n", true},
		{",3.25\r\n", "3.25", "3.25", true},
		{"#t\r\n", "t", "t", true},
		{"(12345678901234567890\r\n", "12345678901234567890", "12345678901234567890", true},
		{"=8\r\ntxt:some\r\n", `"some"`, "some", true},
		{"!6\r\nERR no\r\n", "ERR no", "!6\r\nERR no\r\n", false},
		{"|1\r\n+ttl\r\n:1\r\n$1\r\nv\r\n", `"v"`, "v", true},
		{">2\r\n+invalidate\r\n+k\r\n+OK\r\n", "OK", "OK", true},
		{"$60\r\n" + strings.Repeat("é", 30) + "\r\n", `"` + strings.Repeat("é", 17) + `..."`, strings.Repeat("é", 30), true},
	} {
		var out bytes.Buffer
		r := bufio.NewReaderSize(iotest{strings.NewReader(c.reply + "+NEXT\r\n")}, 16)
		start, err := readReply(r, &out)
		if err != nil || out.String() != c.reply {
			t.Errorf("%q: took %q, %v", c.reply, out.String(), err)
			continue
		}
		got := describeReply(out.Bytes()[start:])
		if got.Status != c.status || string(got.Body) != c.body || got.OK != c.ok {
			t.Errorf("%q: got %q %q %v", c.reply, got.Status, got.Body, got.OK)
		}
	}
}

// iotest gives one byte at a time.
type iotest struct{ r io.Reader }

func (o iotest) Read(b []byte) (int, error) { return o.r.Read(b[:min(len(b), 1)]) }

// What is not a reply is an error, and what was read of it is not lost.
func TestReplyGarbage(t *testing.T) {
	for _, text := range []string{"?1\r\n", "+\n\n\n", "$x\r\n", "*-2\r\n", "*2\r\n+a\r\nxyz\r\n", "+" + strings.Repeat("x", 70_000)} {
		var out bytes.Buffer
		if _, err := readReply(bufio.NewReaderSize(strings.NewReader(text), 16), &out); !errors.Is(err, errReply) {
			t.Errorf("%.20q: %v", text, err)
		}
		if !strings.HasPrefix(text, out.String()) || out.Len() == 0 {
			t.Errorf("%.20q: took %.20q", text, out.String())
		}
	}
}

// Whatever bytes come, in whatever pieces: no panic, no more memory than they
// take, and the same requests as in one piece.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		encode("SET", "k", "v"), encode("MULTI") + encode("SET", "k", "v") + encode("EXEC"), encode("EVAL", "x", "2", "a", "b"),
		encode("XREAD", "STREAMS", "a", "b", "0", "0"), encode("SUBSCRIBE", "c"), encode("client", "reply", "off"),
		"PING\r\n", "*0\r\n*1\r\n$4\r\nPING\r\n", "*1\r\n$9223372036854775807\r\n", "*1\r\n$4\r\nPI", encode(""),
	} {
		f.Add([]byte(s), uint16(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		whole := requestsOf(b)
		at := int(cut) % (len(b) + 1)
		if split := requestsOf(b[:at], b[at:]); whole != split {
			t.Errorf("in one piece:\n%s\ncut at %d:\n%s", whole, at, split)
		}
	})
}

func requestsOf(pieces ...[]byte) string {
	var out strings.Builder
	s := splitter{service: "redis"}
	for _, p := range pieces {
		turns, err := s.add(p, false)
		for _, turn := range turns {
			if fmt.Fprintf(&out, "%q", turn.raw); turn.call != nil {
				fmt.Fprintf(&out, " %s %q %d", turn.call.Op.Method, turn.call.Op.Resource, turn.call.Op.Access)
			}
			out.WriteByte('\n')
		}
		if err != nil {
			out.WriteString("error\n")
			break
		}
	}
	return out.String()
}

// Whatever a server sends: no panic, and what was taken is what was sent.
func FuzzReply(f *testing.F) {
	for _, s := range []string{"+OK\r\n", "*2\r\n$1\r\na\r\n*-1\r\n", ">1\r\n+x\r\n_\r\n", "|1\r\n+a\r\n+b\r\n:1\r\n", "$536870912\r\nx", "*536870912\r\n", "=3\r\nabc\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		start, err := readReply(bufio.NewReader(bytes.NewReader(b)), &out)
		if !bytes.HasPrefix(b, out.Bytes()) {
			t.Fatalf("took %q of %q", out.Bytes(), b)
		}
		if err == nil {
			_ = describeReply(out.Bytes()[start:])
		}
	})
}

// The access and keys of commands, as Redis' own reference has them.
func TestDescribeCommand(t *testing.T) {
	for _, c := range []struct {
		command, keys string
		access        event.Access
	}{
		{"GET k", "k", reads}, {"get k", "k", reads}, {"MGET a b c", "a b c", reads}, {"EXISTS a b", "a b", reads},
		{"SET k v", "k", writes}, {"SET k v EX 10", "k", writes}, {"SET k NX", "k", writes}, {"SET k v nx", "k", both},
		{"SET k v EX 10 NX", "k", both}, {"SET k v XX", "k", both}, {"SET k v GET", "k", both}, {"SETNX k v", "k", both},
		{"SETEX k 10 v", "k", writes}, {"GETSET k v", "k", both}, {"GETDEL k", "k", both}, {"INCR k", "k", both},
		{"APPEND k v", "k", both}, {"DEL a b", "a b", both}, {"UNLINK a b", "a b", both}, {"TOUCH a b", "a b", both},
		{"MSET a 1 b 2", "a b", writes}, {"MSETNX a 1 b 2", "a b", both}, {"RENAME a b", "a b", both},
		{"COPY a b REPLACE", "a b", both}, {"EXPIRE k 10", "k", both}, {"PERSIST k", "k", both}, {"TTL k", "k", reads},
		{"HSET k f v", "k", both}, {"HGET k f", "k", reads}, {"HMGET k f g", "k", reads}, {"HGETALL k", "k", reads},
		{"LPUSH k a b", "k", both}, {"LRANGE k 0 -1", "k", reads}, {"LMOVE a b LEFT RIGHT", "a b", both},
		{"RPOPLPUSH a b", "a b", both}, {"BLPOP a b 5", "a b", both}, {"BRPOPLPUSH a b 5", "a b", both},
		{"BLMOVE a b LEFT LEFT 0", "a b", both}, {"BLMPOP 1 2 a b LEFT", "a b", both}, {"LMPOP 2 a b LEFT", "a b", both},
		{"SADD k m", "k", both}, {"SMOVE a b m", "a b", both}, {"SINTER a b", "a b", reads}, {"SINTERSTORE d a b", "d a b", both},
		{"SINTERCARD 2 a b LIMIT 1", "a b", reads}, {"ZADD k 1 m", "k", both}, {"ZUNION 2 a b WEIGHTS 1 2", "a b", reads},
		{"ZUNIONSTORE d 2 a b", "d a b", both}, {"ZRANGESTORE d s 0 1", "d s", both}, {"ZMPOP 1 a MIN", "a", both},
		{"BZPOPMIN a b 0", "a b", both}, {"BZMPOP 0 1 a MIN", "a", both}, {"BITOP AND d a b", "d a b", both},
		{"PFADD k e", "k", both}, {"PFCOUNT a b", "a b", reads}, {"PFMERGE d a", "d a", both}, {"OBJECT ENCODING k", "k", reads},
		{"XADD s * f v", "s", both}, {"XLEN s", "s", reads}, {"XREAD COUNT 1 BLOCK 0 STREAMS a b 0 0", "a b", reads},
		{"XREADGROUP GROUP g c STREAMS a >", "a", both}, {"XGROUP CREATE s g $", "s", both}, {"XINFO STREAM s", "s", reads},
		{"XACK s g 1-1", "s", both}, {"GEOSEARCHSTORE d s FROMMEMBER m BYRADIUS 1 m", "d s", both},
		{"GEORADIUS k 1 1 1 m STORE d", "k d", both}, {"SORT k", "k", both}, {"SORT k BY w STORE d", "k d", both},
		{"EVAL script 2 a b arg", "a b", both}, {"EVALSHA sha 1 a", "a", both}, {"EVAL_RO s 1 a", "a", reads},
		{"FCALL f 1 a x", "a", both}, {"EVAL script 0 arg", "", both}, {"EVAL script 9 a", "", both}, {"EVAL script x", "", both},
		{"EVAL", "", both}, {"EVAL s 9223372036854775807 a", "", both}, {"KEYS a*", "a*", reads}, {"SCAN 0", "", reads}, {"PING", "", reads}, {"DBSIZE", "", reads},
		{"FLUSHALL", "", writes}, {"SCRIPT LOAD x", "", reads}, {"PUBLISH c m", "c", writes}, {"SUBSCRIBE c d", "c d", reads},
		{"WATCH a b", "a b", reads}, {"GET", "", reads}, {"MSET", "", writes}, {"BLPOP", "", both}, {"JSON.SET k $ v", "k", both},
	} {
		op := describeCommand(strings.Fields(c.command))
		if op.Resource != c.keys || op.Access != c.access {
			t.Errorf("%s: keys %q access %d, wanted %q %d", c.command, op.Resource, op.Access, c.keys, c.access)
		}
	}
}

// From MULTI to EXEC is one operation over all keys, which reads what was
// watched, until that is over; DISCARD does nothing.
func TestDescribeTransaction(t *testing.T) {
	script := encode("WATCH", "a b") + encode("MULTI") + encode("SET", "k", "v") + encode("INCR", "n") + encode("EXEC") +
		encode("MULTI") + encode("SET", "k", "v") + encode("EXEC") + encode("MULTI") + encode("DEL", "k") + encode("DISCARD") +
		encode("WATCH", "w") + encode("UNWATCH") + encode("MULTI") + encode("SET", "k", "v") + encode("EXEC")
	s := splitter{service: "redis"}
	turns, err := s.add([]byte(script), true)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, turn := range turns {
		if turn.call != nil {
			op := turn.call.Op
			got = append(got, fmt.Sprintf("%s|%s|%d", op.Method, op.Resource, op.Access))
		}
	}
	want := []string{"WATCH|a b|1", "MULTI SET INCR EXEC|k n a b|3", "MULTI SET EXEC|k|2", "DISCARD||0", "WATCH|w|1", "MULTI SET EXEC|k|2"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

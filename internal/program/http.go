package program

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2"
)

// Send sends a request on a connection to a process, and returns the beginning of
// its answer. Calls of gRPC go by HTTP/2, as they do on a platform that passes it
// on to the end; all else by HTTP/1.1.
// https://docs.cloud.google.com/run/docs/configuring/http2
func Send(r *http.Request, c net.Conn) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.RequestURI = ""
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		out.URL.Scheme, out.URL.Host = "http", r.Host
		//lint:ignore SA1019 that of net/http dials, and has no connection that is there already
		both, err := (&http2.Transport{DisableCompression: true}).NewClientConn(c)
		if err != nil {
			return nil, fmt.Errorf("http2: %w", err)
		}
		return both.RoundTrip(out)
	}
	out.Close = true
	if err := out.Write(c); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(c), r)
}

// callerHeader is what the process's clients of gRPC say by whom a call is; see
// caller.
const callerHeader = "Wtsim-Caller-Bin"

// WorkHeader of a response says for whom the goroutine works that gets it: a number,
// as in a [Record]. Package net/http of a process takes it out.
const WorkHeader = "Wtsim-Work"

// Told takes out of a request's header by whom it is, as a process's client of gRPC
// says (empty if none does), and returns until when an answer is waited for (zero
// for ever).
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
func Told(h http.Header) (caller string, by time.Time) {
	if text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(h.Get(callerHeader), "=")); err == nil {
		caller = string(text)
	}
	h.Del(callerHeader)
	if after := timeout(h.Get("Grpc-Timeout")); after > 0 {
		by = time.Now().Add(after) //wtsim:clock the bubble's clock
	}
	return caller, by
}

// units are those of a timeout.
var units = map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond}

// timeout reads one: "60S"; zero if there is none.
func timeout(text string) time.Duration {
	if text == "" {
		return 0
	}
	last := len(text) - 1
	n, err := strconv.ParseInt(text[:last], 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n) * units[text[last]]
}

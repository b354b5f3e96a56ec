package main

import (
	"crypto/rand"
	"database/sql"
	"net"
	"net/http"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/httpprobe"
	"github.com/wtsim/wtsim/probe/redisprobe"
	"github.com/wtsim/wtsim/probe/sink"
	"github.com/wtsim/wtsim/probe/sqlprobe"
)

// rules say which operations are events.
var rules = []probe.Rule{
	{Service: "payments", Method: "POST", Resource: "/charges/{order}", Emit: "CHARGED", With: map[string]string{"order": "{order}"}},
	{Service: "ledger", Method: "INSERT", Resource: "charges", Emit: "BOOKED", With: map[string]string{"order": "request.rows.0.order_id"}},
	{Service: "redis", Method: "SET", Resource: "charged/{order}", Emit: "NOTED", With: map[string]string{"order": "{order}"}},
}

// recording sends what the shop does to a monitor.
type recording struct {
	*probe.Recorder
	out *sink.Sink
}

func record(monitor, token, key string) (*recording, error) {
	compiled, err := probe.CompileRules(rules)
	if err != nil {
		return nil, err
	}
	out, err := sink.HTTP(sink.Monitor{URL: monitor, Token: token}, sink.Options{})
	if err != nil {
		return nil, err
	}
	hidden, err := sink.Redacted(out, []byte(key), "order")
	if err != nil {
		return nil, err
	}
	return &recording{probe.NewRecorder("shop", rand.Text(), compiled, hidden), out}, nil
}

func (r *recording) handler(h http.Handler) http.Handler { return httpprobe.Handler(r.Recorder, h) }

func (r *recording) transport(base http.RoundTripper) http.RoundTripper {
	return httpprobe.Transport(r.Recorder, base, func(_ *http.Request, op *event.Operation) { op.Service = "payments" })
}

func (r *recording) dialer(d *net.Dialer) redisprobe.Dial {
	return redisprobe.Dialer(r.Recorder, "redis", d.DialContext)
}

func (r *recording) database(driver, dsn string) (*sql.DB, error) {
	return sqlprobe.Open(r.Recorder, "ledger", driver, dsn)
}

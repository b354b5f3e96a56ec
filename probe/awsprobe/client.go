package awsprobe

import (
	"net"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/httpprobe"
)

// Doer is a client of HTTP as SDK v2 takes it (aws.HTTPClient).
type Doer interface {
	Do(r *http.Request) (*http.Response, error)
}

// Transport returns a round tripper that passes every request through the tap as
// the operation that [Describer] tells, before base carries it out; a request that
// is none to AWS is one of HTTP. keys may be nil.
//
// Each attempt of a client is an operation. What a Recorder's rules do not look
// into is not read of objects of S3: they go their way as they do without it.
func Transport(tap probe.Tap, base http.RoundTripper, keys Keys) http.RoundTripper {
	return httpprobe.Headed(tap, base, Describer(keys), ByHead)
}

// ByHead tells whether a request's body says nothing of its operation: that of
// objects of S3, and of what is none to AWS. See [httpprobe.Headed].
func ByHead(r *http.Request) bool {
	switch To(r).Service {
	case "":
		return true
	case "s3":
		return r.Method != http.MethodPost || !r.URL.Query().Has("delete") // which names its keys
	}
	return false
}

// Client returns a client for SDK v2 that passes every request through the tap, in
// one line behind the configuration's own:
//
//	cfg.HTTPClient = awsprobe.Client(recorder, cfg.HTTPClient, nil)
//
// A client of nil is one as the SDK makes it, which a configuration has unless it
// was given another. Presigned URLs are used by whom they are given to: that is no
// operation of the application.
// https://docs.aws.amazon.com/sdk-for-go/v2/developer-guide/configure-http.html
func Client(tap probe.Tap, base Doer, keys Keys) Doer {
	if base == nil {
		base = &http.Client{Transport: ownTransport(), CheckRedirect: keepMethod}
	}
	return doer{Transport(tap, carrier{base}, keys)}
}

// V1 returns a client for SDK v1 that passes every request through the tap:
//
//	sess.Config.HTTPClient = awsprobe.V1(recorder, sess.Config.HTTPClient, nil)
//
// before clients are made of the session. A client of nil is [http.DefaultClient].
// https://docs.aws.amazon.com/sdk-for-go/v1/developer-guide/custom-http.html
func V1(tap probe.Tap, base *http.Client, keys Keys) *http.Client {
	if base == nil {
		base = http.DefaultClient
	}
	out := *base
	if out.Transport == nil {
		out.Transport = http.DefaultTransport
	}
	out.Transport = Transport(tap, out.Transport, keys)
	return &out
}

// doer is a client of HTTP that does no more than its round tripper.
type doer struct{ through http.RoundTripper }

func (d doer) Do(r *http.Request) (*http.Response, error) { return d.through.RoundTrip(r) }

// carrier has a client carry requests out.
type carrier struct{ Doer }

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c.Do(r) }

// ownTransport has the settings of SDK v2's own clients.
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/aws/transport/http#pkg-variables
func ownTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:          100,
		MaxIdleConnsPerHost:   10,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
	}
}

// keepMethod follows the redirects that SDK v2 follows.
func keepMethod(r *http.Request, _ []*http.Request) error {
	switch r.Response.StatusCode {
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return nil
	}
	return http.ErrUseLastResponse
}

// Tables are the names of the attributes that are the keys of DynamoDB's tables,
// partition key first: a rule then names items as in the simulator ("orders/o-1").
//
//	awsprobe.Tables{"orders": {"id"}, "lines": {"order", "line"}}.Keys
type Tables map[string][]string

// Keys are those of a table.
func (t Tables) Keys(table string) []string { return t[table] }

package sink

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Monitor is where a monitor is, and how it is spoken to.
type Monitor struct {
	URL    string       // such as http://127.0.0.1:8399; events go to /v1/events below it
	Token  string       // empty is none
	Gzip   bool         // compress what is sent
	Client *http.Client // nil is one whose requests take 5 s at most. It must not pass the recorder's own tap
}

// HTTP returns a sink that sends batches of CloudEvents to a monitor. A batch
// that meets back-pressure (429), a monitor that cannot store (503) or an
// error of the network is sent again, after the time that the answer asks for
// (Retry-After); what comes twice is a duplicate to the monitor. A batch that is
// refused otherwise (a wrong token, say) is dropped. The text of an answer is not logged:
// it may have values of parameters.
func HTTP(m Monitor, o Options) (*Sink, error) {
	base, err := url.Parse(m.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("the monitor's URL is %q, wanted one such as http://127.0.0.1:8399", m.URL)
	}
	client := http.Client{Timeout: 5 * time.Second}
	if m.Client != nil {
		client = *m.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a login page takes no events
	m.URL, m.Client = base.JoinPath("v1/events").String(), &client
	return New(m.post, o), nil
}

// post sends a batch.
func (m Monitor) post(ctx context.Context, batch [][]byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(m.body(batch)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	if m.Gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	if m.Token != "" {
		req.Header.Set("Authorization", "Bearer "+m.Token)
	}
	resp, err := m.Client.Do(req)
	if err != nil {
		return &later{err: err}
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection is used again
	return verdict(resp)
}

// body is a batch as a JSON array.
func (m Monitor) body(batch [][]byte) []byte {
	text := slices.Concat([]byte{'['}, bytes.Join(batch, []byte{','}), []byte{']'})
	if !m.Gzip {
		return text
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(text) // into memory
	_ = z.Close()
	return zipped.Bytes()
}

// verdict is what an answer means for the batch.
func verdict(resp *http.Response) error {
	if resp.StatusCode/100 == 2 {
		return nil
	}
	err := fmt.Errorf("the monitor answers %s", resp.Status)
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return &later{err: err, after: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	}
	return err
}

// retryAfter reads the header: seconds, or a date.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return at.Sub(now)
	}
	return 0
}

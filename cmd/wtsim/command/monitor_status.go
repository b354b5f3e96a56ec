package command

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wtsim/wtsim/monitor/stream/service"
)

const monitorStatusExamples = `  wtsim monitor status
  wtsim monitor status --addr https://monitor.example --token-file token
  wtsim monitor status --addr https://monitor.example --ca ca.pem --tls-cert me.pem --tls-key me.key`

// monitorStatus prints the status of a monitor that runs.
func (a *app) monitorStatus(args []string) (int, error) {
	f := a.flags("monitor status", " [flags]", monitorStatusExamples)
	addr := f.String("addr", "http://127.0.0.1:8399", "where the monitor listens")
	tokenFile := f.String("token-file", "", "a file with the token that it wants")
	ca := f.String("ca", "", "a file with the certificates to know it by (those of this machine unless given)")
	cert := f.String("tls-cert", "", "a file with the certificate to show, where it has --client-ca")
	key := f.String("tls-key", "", "a file with its key")
	if done, err := parse(f, args); done || err != nil {
		return exitHeld, err
	}
	if !strings.Contains(*addr, "://") {
		*addr = "http://" + *addr
	}
	u, err := url.Parse(*addr)
	if err != nil || u.Host == "" {
		return 0, fmt.Errorf("monitor status: --addr is %q, wanted a URL such as http://127.0.0.1:8399", *addr)
	}
	token := ""
	if *tokenFile != "" {
		if token, err = readToken(*tokenFile); err != nil {
			return 0, fmt.Errorf("monitor status: %w", err)
		}
	}
	client, err := clientWith(*ca, *cert, *key)
	if err != nil {
		return 0, fmt.Errorf("monitor status: %w", err)
	}
	st, err := fetchStatus(client, u.JoinPath("v1/status").String(), token)
	if err != nil {
		return 0, fmt.Errorf("monitor status: %w", err)
	}
	_, err = io.WriteString(a.stdout, statusText(st))
	return exitHeld, err
}

// clientWith knows servers by some certificates, and shows one.
func clientWith(ca, cert, key string) (*http.Client, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		var err error
		if c.RootCAs, err = certificatesOf("--ca", ca); err != nil {
			return nil, err
		}
	}
	if (cert == "") != (key == "") {
		return nil, errors.New("--tls-cert and --tls-key belong together, wanted both or none")
	}
	if cert != "" {
		own, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
		c.Certificates = []tls.Certificate{own}
	}
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: c}}, nil
}

func fetchStatus(client *http.Client, address, token string) (st service.Status, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return st, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(r)
	if err != nil {
		return st, fmt.Errorf("no answer: %w", err)
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		err = json.NewDecoder(io.LimitReader(answer.Body, 16<<20)).Decode(&st)
	case http.StatusUnauthorized:
		err = fmt.Errorf("%s wants a token, give --token-file", address)
	default:
		err = fmt.Errorf("%s answers %s, wanted a monitor", address, answer.Status)
	}
	return st, err
}

func statusText(st service.Status) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %s; %s\n", st.Verdict, counted(st.Events, "event"), counted(st.Violations, "violation"), counted(st.Instances, "live instance"))
	for _, p := range []struct {
		n    int
		what string
	}{
		{st.Malformed, "malformed"}, {st.Late, "late"}, {st.Missing, "missing in their sources' sequences"}, {st.Duplicates, "ignored as duplicates"},
		{st.Undecided, "instances undecided"}, {st.Lost, "blocks of the log lost or damaged"},
	} {
		if p.n > 0 {
			fmt.Fprintf(&b, "  %d %s\n", p.n, p.what)
		}
	}
	if st.Lossy {
		b.WriteString("  a source may lose events: what rests on absence is inconclusive\n")
	}
	for _, o := range st.Inconclusive {
		fmt.Fprintf(&b, "  %s\n", o)
	}
	if st.Watermark != nil {
		fmt.Fprintf(&b, "judged up to %s\n", st.Watermark.UTC().Format(time.RFC3339Nano))
	}
	for _, p := range st.Partitions {
		fmt.Fprintf(&b, "partition %d: block %d, %s behind, %s\n", p.Partition, p.Block, counted(int(p.Lag), "block"), counted(p.Violations, "violation"))
	}
	if !st.Ready {
		b.WriteString("not ready: stopping\n")
	}
	fmt.Fprintf(&b, "up for %v\n", time.Duration(st.Uptime)*time.Second)
	return b.String()
}

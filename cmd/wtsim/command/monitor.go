package command

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream/jetstream"
	"github.com/wtsim/wtsim/monitor/stream/otlp"
	"github.com/wtsim/wtsim/monitor/stream/service"
)

// monitorOptions are the flags of `wtsim monitor`.
type monitorOptions struct {
	props            []string
	listen, otlp     string
	data, nats       string
	varz             []string
	volatile         bool
	shards           int
	skew, lateness   time.Duration
	ahead, keep, ttl time.Duration
	rules, tokenFile string
	cert, key, ca    string
	webhook          string
	asJSON           bool
}

const monitorExamples = `  wtsim monitor --props scenarios/properties/realworld.yaml
  curl -H 'Content-Type: application/x-ndjson' --data-binary @events.ndjson http://127.0.0.1:8399/v1/events
  curl 'http://127.0.0.1:8399/v1/violations?follow'
  wtsim monitor --props shop.yaml --listen :8399 --token-file token --webhook https://alerts.example/wtsim
  wtsim monitor --props shop.yaml --rules rules.yaml --otlp 127.0.0.1:4317
  wtsim monitor status`

func (a *app) monitor(args []string) (int, error) {
	if len(args) > 0 && args[0] == "status" {
		return a.monitorStatus(args[1:])
	}
	o := &monitorOptions{}
	f := a.monitorFlags(o)
	if done, err := parse(f, args); done || err != nil {
		return exitHeld, err
	}
	if err := o.validate(); err != nil {
		return 0, fmt.Errorf("monitor: %w; see wtsim monitor --help", err)
	}
	files, err := readPropertyFiles(o.props)
	if err != nil {
		return 0, err
	}
	program, _, err := compileTexts(files)
	if err != nil {
		return 0, err
	}
	receiver, err := o.receiver()
	if err != nil {
		return 0, err
	}
	return a.serveMonitor(o, program, files, receiver)
}

// planText is what a log has of property files.
func planText(files []propertyFile) string {
	text, err := json.Marshal(files)
	if err != nil {
		panic("command: names and texts: " + err.Error())
	}
	return string(text)
}

func compilePlan(text string) (*monitor.Program, error) {
	var files []propertyFile
	if err := json.Unmarshal([]byte(text), &files); err != nil {
		return nil, fmt.Errorf("not files of properties: %w", err)
	}
	program, _, err := compileTexts(files)
	return program, err
}

func (a *app) monitorFlags(o *monitorOptions) *pflag.FlagSet {
	f := a.flags("monitor", " --props FILE [flags]\n       wtsim monitor status [--addr URL]", monitorExamples)
	f.StringArrayVar(&o.props, "props", nil, "a file of properties: wtsim's YAML or Watchtower's JSON; may repeat")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8399", "the address that events, questions and the page come to")
	f.StringVar(&o.otlp, "otlp", "", "the address that OTLP comes to over gRPC, such as 127.0.0.1:4317 (none unless given; over HTTP it comes to --listen)")
	f.StringVar(&o.data, "data", "./wtsim-data", "the directory for events, states and verdicts")
	f.StringVar(&o.nats, "nats", "", "keep them in this NATS cluster instead; NATS_CREDS, NATS_CA, NATS_CERT and NATS_KEY name files")
	f.StringArrayVar(&o.varz, "varz", nil, "the monitoring of a server of that cluster, such as http://nats-0:8222: whether it syncs each message; one for each server")
	f.BoolVar(&o.volatile, "accept-volatile", false, "do not ask: what was acknowledged may be lost with the power of the cluster")
	f.IntVar(&o.shards, "shards", 1, "in how many parts the instances are judged; the same for the life of the data")
	f.DurationVar(&o.skew, "skew", 0, "by how much the clocks of two sources may differ (0: exact order)")
	f.DurationVar(&o.lateness, "lateness", 2*time.Second, "how far an event may come behind")
	f.DurationVar(&o.ahead, "ahead", 5*time.Minute, "an event further ahead of this machine's clock is malformed (0: none)")
	f.DurationVar(&o.keep, "keep", 0, "how long to keep events that are judged, and that no state needs any more: properties that are new begin with them")
	f.DurationVar(&o.ttl, "ttl", 0, "forget instances that saw no event for so long (0: never); what is violated of them afterwards is possible, not certain")
	f.StringVar(&o.rules, "rules", "", "a file of rules that make events of OTLP's spans; see docs/production.md")
	f.StringVar(&o.tokenFile, "token-file", "", "a file with the token that requests must have")
	f.StringVar(&o.cert, "tls-cert", "", "a file with the certificate to serve TLS with")
	f.StringVar(&o.key, "tls-key", "", "a file with its key")
	f.StringVar(&o.ca, "client-ca", "", "a file with the certificates whose clients are let in (mTLS)")
	f.StringVar(&o.webhook, "webhook", "", "post each violation to this URL, with its id as Idempotency-Key")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object a violation")
	return f
}

func (o *monitorOptions) validate() error {
	switch {
	case len(o.props) == 0:
		return errors.New("--props is missing, wanted a file of properties")
	case o.shards < 1 || o.shards > 64:
		return fmt.Errorf("--shards is %d, wanted 1 to 64", o.shards)
	case o.skew < 0:
		return fmt.Errorf("--skew is %v, wanted at least 0", o.skew)
	case o.lateness < 0:
		return fmt.Errorf("--lateness is %v, wanted at least 0", o.lateness)
	case o.ttl < 0:
		return fmt.Errorf("--ttl is %v, wanted at least 0", o.ttl)
	case o.keep < 0:
		return fmt.Errorf("--keep is %v, wanted at least 0", o.keep)
	case o.ahead < 0:
		return fmt.Errorf("--ahead is %v, wanted at least 0", o.ahead)
	case o.nats != "" && len(o.varz) == 0 && !o.volatile:
		return errors.New("--nats without --varz: nobody knows whether its servers sync what they acknowledge, wanted the monitoring of each, such as --varz http://nats-0:8222, or --accept-volatile")
	case (o.cert == "") != (o.key == ""):
		return errors.New("--tls-cert and --tls-key belong together, wanted both or none")
	case o.ca != "" && o.cert == "":
		return errors.New("--client-ca without --tls-cert and --tls-key, wanted all three")
	}
	if o.webhook != "" {
		if u, err := url.Parse(o.webhook); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("--webhook is %q, wanted the URL of a receiver, such as https://alerts.example/wtsim", o.webhook)
		}
	}
	if o.otlp != "" {
		if err := o.validateListen("otlp", o.otlp); err != nil {
			return err
		}
	}
	return o.validateListen("listen", o.listen)
}

// validateListen wants a token or mTLS where others than this machine's own
// processes come to.
func (o *monitorOptions) validateListen(flag, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--%s is %q, wanted an address with a port, such as 127.0.0.1:8399", flag, address)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() || o.tokenFile != "" || o.ca != "" {
		return nil
	}
	return fmt.Errorf("--%s is %q, where anybody may come to, wanted --token-file or --client-ca with it, or a loopback address", flag, address)
}

// serveMonitor runs until a signal comes.
func (a *app) serveMonitor(o *monitorOptions, program *monitor.Program, files []propertyFile, receiver *otlp.Receiver) (code int, err error) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	so, err := o.service(program)
	if err != nil {
		return 0, fmt.Errorf("monitor: %w", err)
	}
	so.Properties, so.Compile, so.Routes = planText(files), compilePlan, receiver.Routes
	so.Log, so.Tell = a.stderr, (&violationPrinter{a.stdout, o.asJSON}).tell
	for again := true; again && err == nil; {
		code, again, err = a.serveOnce(o, so, receiver, signals)
	}
	return code, err
}

// serveOnce runs until a signal comes, or its log has to be opened again.
func (a *app) serveOnce(o *monitorOptions, so service.Options, receiver *otlp.Receiver, signals chan os.Signal) (code int, again bool, err error) {
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return 0, false, fmt.Errorf("monitor: --listen: %w", err)
	}
	defer listener.Close()
	o.listen = listener.Addr().String() // the same port again
	spans, err := o.listenToSpans()
	if err != nil {
		return 0, false, err
	}
	engine, err := o.engine()
	if err != nil {
		return 0, false, fmt.Errorf("monitor: %w", err)
	}
	defer engine.Close()
	s, err := startService(so, engine)
	if err != nil {
		return 0, false, fmt.Errorf("monitor: %w", err)
	}
	fmt.Fprintf(a.stderr, "wtsim: monitor: listening on %s://%s, data in %s\n", o.scheme(), listener.Addr(), o.where())
	if !engine.Embedded() {
		if err := engine.Serve(s.Message); err != nil {
			s.Stop()
			return 0, false, fmt.Errorf("monitor: --nats: %w", err)
		}
	}
	failed, stop := make(chan error, 2), s.Stop
	go func() { failed <- s.Serve(listener) }()
	if spans != nil {
		server := receiver.Server(s, so.TLS)
		fmt.Fprintf(a.stderr, "wtsim: monitor: OTLP over gRPC on %s\n", spans.Addr())
		go func() { failed <- server.Serve(service.Limited(spans)) }()
		stop = func() { stopSpans(server); s.Stop() }
	}
	return a.untilSignal(stop, signals, failed, s.Broken())
}

// clusterWithin is how long a cluster may take to answer.
const clusterWithin = time.Minute

// startService starts a monitor, and tries again while its cluster does not
// answer.
func startService(so service.Options, engine *jetstream.Engine) (s *service.Service, err error) {
	for deadline := time.Now().Add(clusterWithin); ; time.Sleep(250 * time.Millisecond) {
		s, err = service.Start(context.Background(), so, engine)
		switch {
		case err == nil || engine.Embedded() || !jetstream.Unavailable(err):
			return s, err
		case time.Now().After(deadline):
			return nil, fmt.Errorf("--nats: the cluster does not answer for %v, wanted servers with JetStream that have a leader: %w", clusterWithin, err)
		}
	}
}

func (a *app) untilSignal(stop func(), signals chan os.Signal, failed chan error, broken <-chan struct{}) (code int, again bool, err error) {
	code = exitHeld
	select {
	case err := <-failed:
		stop()
		return 0, false, fmt.Errorf("monitor: %w", err)
	case <-broken:
		fmt.Fprintln(a.stderr, "wtsim: monitor: a write to the log has failed, and the disk has room again: the log is opened anew")
		stop()
		return code, true, nil
	case sig := <-signals:
		if sig == os.Interrupt {
			code = exitInterrupted
		}
	}
	stopped := make(chan struct{})
	go func() {
		stop()
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-signals: // again: what is stored is judged after the next start
	case <-time.After(8 * time.Second):
		fmt.Fprintln(a.stderr, "wtsim: monitor: not all is judged yet; it is stored, and judged after the next start")
	}
	return code, false, nil
}

func (o *monitorOptions) scheme() string {
	if o.cert != "" {
		return "https"
	}
	return "http"
}

func (o *monitorOptions) where() string {
	if o.nats != "" {
		return o.nats
	}
	return o.data
}

func (o *monitorOptions) engine() (*jetstream.Engine, error) {
	if o.nats == "" {
		return jetstream.Embed(o.data)
	}
	e, err := jetstream.Connect(o.nats, jetstream.Environment(os.Getenv)...)
	if err != nil || o.volatile {
		return e, err
	}
	for deadline := time.Now().Add(clusterWithin); ; time.Sleep(250 * time.Millisecond) {
		err := e.CheckSynced(context.Background(), o.varz)
		if err == nil {
			return e, nil
		}
		if !jetstream.Unavailable(err) || time.Now().After(deadline) {
			e.Close()
			return nil, fmt.Errorf("--varz %w; or accept that with --accept-volatile", err)
		}
	}
}

// service are the options of the process.
func (o *monitorOptions) service(program *monitor.Program) (so service.Options, err error) {
	so = service.Options{
		Program: program, Stream: monitor.StreamOptions{Skew: o.skew, Lateness: o.lateness, TTL: o.ttl},
		Shards: o.shards, Ahead: o.ahead, Keep: o.keep, Webhook: o.webhook, Hosts: o.ca != "",
	}
	if o.tokenFile != "" {
		if so.Token, err = readToken(o.tokenFile); err != nil {
			return so, err
		}
	}
	if o.cert != "" {
		so.TLS, err = o.tls()
	}
	return so, err
}

func readToken(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	token := string(bytes.TrimSpace(b))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("--token-file %s: no token, wanted one on a line, without spaces", file)
	}
	return token, nil
}

func (o *monitorOptions) tls() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if o.ca == "" {
		return c, nil
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.ClientCAs, err = certificatesOf("--client-ca", o.ca)
	return c, err
}

// certificatesOf reads the certificates of a flag's file.
func certificatesOf(flag, file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	all := x509.NewCertPool()
	if !all.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s %s: no certificate in PEM", flag, file)
	}
	return all, nil
}

// violationPrinter prints violations, for programs or for people.
type violationPrinter struct {
	w      io.Writer
	asJSON bool
}

func (p *violationPrinter) tell(object []byte) error {
	if p.asJSON {
		_, err := p.w.Write(append(bytes.Clone(object), '\n'))
		return err
	}
	text, err := violationText(object)
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.w, text)
	return err
}

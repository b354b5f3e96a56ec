package command

import (
	"fmt"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"

	"github.com/wtsim/wtsim/monitor/stream/otlp"
)

// receiver takes OTLP, by the rules that are given.
func (o *monitorOptions) receiver() (*otlp.Receiver, error) {
	r := &otlp.Receiver{}
	if o.rules == "" {
		return r, nil
	}
	text, err := os.ReadFile(o.rules)
	if err != nil {
		return nil, fmt.Errorf("--rules: %w", err)
	}
	r.Rules, err = otlp.ParseRules(o.rules, text)
	return r, err
}

// listenToSpans listens where OTLP comes to over gRPC; nil if it does not.
func (o *monitorOptions) listenToSpans() (net.Listener, error) {
	if o.otlp == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", o.otlp)
	if err != nil {
		return nil, fmt.Errorf("monitor: --otlp: %w", err)
	}
	return l, nil
}

// stopSpans lets requests end that are under way, if they do so soon.
func stopSpans(s *grpc.Server) {
	soon := time.AfterFunc(2*time.Second, s.Stop)
	defer soon.Stop()
	s.GracefulStop()
}

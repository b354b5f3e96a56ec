// Package awsaux is the smaller services of AWS in process, behind the clients of its
// SDK for Go, v1 and v2: [Secrets] (Secrets Manager), [Parameters] (Systems
// Manager's Parameter Store), [Keys] (KMS), [Identity] (STS), [Mail] (SES),
// [Users] (Cognito), [Models] (Bedrock), [Logs] and [Metrics] (CloudWatch).
//
// Each is reached at its hosts ("secretsmanager.us-east-1.amazonaws.com"), or
// through [Client]. Its operations are named as package awsprobe says: the secret,
// the parameter, the key, who a mail is for. They are refused, before they have an
// effect, as the service's page of errors has it, and their answers may be lost. What
// a service here does not have is refused by name.
package awsaux

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// Service declares one of them.
type Service struct {
	cloud.Places

	name   string
	api    awswire.API // what of its wire does not depend on a run
	detail string      // how it is declared, in short
	open   func() part
	check  func() error
}

// part is what is one service's own. The backend's lock guards it.
type part interface {
	// handle carries a request out.
	handle(b *Backend, r *awswire.Request) (any, error)
	// contents is what it stores, in order.
	contents() []cloud.Content
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short how it is declared.
func (s *Service) String() string { return s.detail }

// At returns the service with addresses at which programs look for it that have
// them written down, such as "localhost:4566".
func (s *Service) At(addresses ...string) *Service {
	out := *s
	out.Places = s.And(addresses...)
	return &out
}

// Check returns the first thing that is wrong with it, in a sentence.
func (s *Service) Check(cloud.Deployment) error {
	if s.check != nil {
		return s.check()
	}
	return nil
}

// Open starts it for a run.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	b := &Backend{part: s.open(), kernel: k}
	api := s.api
	api.Called, api.Kernel, api.Handle = s.name, k, b.handle
	b.Wire = awswire.New(api)
	return b, nil
}

// Backend is one of them during one run.
type Backend struct {
	*awswire.Wire
	kernel cloud.Kernel

	mu     sync.Mutex
	part   part
	region string // of the first request
}

// Client returns an HTTP client of a function instance that reaches the service,
// for the configuration of a client of AWS's.
func Client(env cloud.Env, service string) *http.Client {
	return env.Backend(service).(*Backend).Client(env)
}

func (b *Backend) handle(r *awswire.Request) (any, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.region == "" {
		b.region = r.Region
	}
	return b.part.handle(b, r)
}

// arn is a resource's name.
func (b *Backend) arn(resource string) string {
	region := b.region
	if region == "" {
		region = awswire.Region
	}
	return "arn:aws:" + b.AWS() + ":" + region + ":" + awswire.Account + ":" + resource
}

// seconds is the time as JSON has it.
func (b *Backend) seconds() float64 { return seconds(b.kernel.Now()) }

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// Contents returns what it stores.
func (b *Backend) Contents() []cloud.Content {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.part.contents()
}

// Start lets a part do what it does by itself.
func (b *Backend) Start() {
	if s, ok := b.part.(interface{ start(b *Backend) }); ok {
		s.start(b)
	}
}

// Touches reports whether the operation's resource tells all that it touches.
func (b *Backend) Touches(op *event.Operation) bool { return op.Resource != "" && op.Resource != "*" }

// AppendState adds what it stores.
func (b *Backend) AppendState(d *cloud.Digest) {
	for _, c := range b.Contents() {
		d.Text(c.Key)
		d.Text(c.Value)
	}
}

// operation carries a request out.
type operation[P any] func(P, *Backend, *awswire.Request) (any, error)

// as makes an operation of a method that takes what its requests say.
func as[P, Q any](method func(P, *Backend, *Q) (any, error)) operation[P] {
	return func(p P, b *Backend, r *awswire.Request) (any, error) {
		q := new(Q)
		if err := r.Decode(q); err != nil {
			return nil, err
		}
		return method(p, b, q)
	}
}

// do carries out an operation of a table, or refuses it by name.
func do[P any](of map[string]operation[P], p P, called string, b *Backend, r *awswire.Request) (any, error) {
	if f := of[r.Operation]; f != nil {
		return f(p, b, r)
	}
	what := r.Operation
	if what == "" {
		what = r.Method + " " + r.URL.Path
	}
	return nil, &awswire.Lack{What: called + "'s " + what, Advice: "see the package comment of fakes/awsaux for what there is"}
}

// sorted are the keys of a map, in order.
func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m { //wtsim:order sorted below
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// listed is a declaration of named things.
func listed(what string, names []string) string {
	if len(names) == 0 {
		return what
	}
	return what + ": " + strings.Join(names, ", ")
}

func refused(code, message string) error { return &awswire.Error{Code: code, Message: message} }

// failures are how a service refuses what it might have carried out.
func failures(internal string, others ...string) map[string]awswire.Code {
	all := map[string]awswire.Code{internal: {Status: http.StatusInternalServerError, Message: "An internal error occurred."}}
	for _, code := range others {
		status := http.StatusBadRequest
		switch {
		case strings.HasPrefix(code, "ServiceUnavailable"):
			status = http.StatusServiceUnavailable
		case strings.HasPrefix(code, "TooManyRequests"):
			status = http.StatusTooManyRequests
		}
		all[code] = awswire.Code{Status: status, Message: "Rate exceeded"}
	}
	return all
}

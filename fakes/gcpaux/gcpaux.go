// Package gcpaux is smaller services of Google Cloud in process, behind their real
// clients: [Secrets] (Secret Manager, cloud.google.com/go/secretmanager/apiv1) and [Logs]
// (Cloud Logging, cloud.google.com/go/logging, and its apiv2).
//
// A function's constructor gives its client the option that [Option] returns; a program
// that dials by itself reaches them at their hosts on the patched runtime. Operations are
// named as package gcpprobe says. They are refused, before they have an effect, with
// UNAVAILABLE and RESOURCE_EXHAUSTED, and their answers may be lost. What a service here
// does not have is refused by name. The project of a name is not looked at.
package gcpaux

import (
	"slices"
	"strings"
	"sync"

	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/internal/rpc"
)

// Service declares one of them.
type Service struct {
	cloud.Places

	name     string
	host     string
	detail   string // how it is declared, in short
	methods  *rpc.Methods
	describe func(method string, request proto.Message, op *event.Operation)
	open     func(b *Backend) part
	check    func() error
}

// part is what is one service's own: its server. The backend's lock guards it.
type part interface {
	contents() []cloud.Content
}

// Name returns the service's name.
func (s *Service) Name() string { return s.name }

// String tells in short how it is declared.
func (s *Service) String() string { return s.detail }

// Hosts are where production's clients find it.
func (s *Service) Hosts() []string { return []string{s.host} }

// At returns the service with addresses at which programs look for it that have
// them written down, such as "localhost:8085".
func (s *Service) At(addresses ...string) *Service {
	out := *s
	out.Places = s.And(addresses...)
	return &out
}

// Check returns the first thing that is wrong with it, in a sentence.
func (s *Service) Check(cloud.Deployment) error { return s.check() }

// Open starts it for a run.
func (s *Service) Open(k cloud.Kernel) (cloud.Backend, error) {
	b := &Backend{kernel: k}
	b.part = s.open(b)
	b.Backend = rpc.NewBackend(s.methods, b.part, func(method string, request proto.Message, op *event.Operation) {
		s.describe(method, request, op)
		op.Service = s.name
	}, k.Lacks)
	return b, nil
}

// Backend is one of them during one run.
type Backend struct {
	rpc.Backend
	kernel cloud.Kernel

	mu   sync.Mutex
	part part
}

// Option returns the option that connects a client of a function instance to the
// service:
//
//	secretmanager.NewClient(env.Context(), gcpaux.Option(env, "secretmanager"))
func Option(env cloud.Env, service string) option.ClientOption {
	return env.Backend(service).(*Backend).Option(env)
}

// Contents returns what it stores.
func (b *Backend) Contents() []cloud.Content {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.part.contents()
}

// Start lets a part do what it does by itself.
func (b *Backend) Start() {
	if s, ok := b.part.(interface{ start() }); ok {
		s.start()
	}
}

// Touches reports whether the operation's resource tells all that it touches.
func (b *Backend) Touches(op *event.Operation) bool {
	return op.Resource != "" && !strings.Contains(op.Resource, "*") && !strings.Contains(op.Resource, "/")
}

// AppendState adds what it stores.
func (b *Backend) AppendState(d *cloud.Digest) {
	for _, c := range b.Contents() {
		d.Text(c.Key)
		d.Text(c.Value)
	}
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

func refused(code codes.Code, format string, args ...any) error {
	return status.Errorf(code, format, args...)
}

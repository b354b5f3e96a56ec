package sim

import (
	"slices"

	"github.com/wtsim/wtsim/cloud"
)

// services is what functions use, and what invokes them.
type services struct {
	of       []cloud.Service
	kernel   kernel // what they see
	programs bool   // call them, which look for them where production has them
	backends []namedBackend
	opened   []cloud.Backend // the same
}

func (sv *services) open() error {
	for _, s := range sv.of {
		b, err := s.Open(&sv.kernel)
		if err != nil {
			return err
		}
		sv.backends = append(sv.backends, namedBackend{s.Name(), b})
		sv.opened = append(sv.opened, b)
	}
	return nil
}

func (sv *services) backend(name string) cloud.Backend {
	for _, b := range sv.backends {
		if b.name == name {
			return b.backend
		}
	}
	return nil
}

// at is the backend of the service that has an address; nil if there is none: one
// that programs have written down, or the one that their environment has.
func (sv *services) at(to string) cloud.Backend {
	host, port := cloud.PlaceOf(sv.known(to))
	for n, b := range sv.backends {
		if sv.placed(n, host, port) {
			return b.backend
		}
	}
	host, port = cloud.PlaceOf(to)
	for n, b := range sv.backends {
		if host == address(n) && (port == servicePort || len(sv.hosts(n)) == 0) {
			return b.backend
		}
	}
	return nil
}

// placed reports whether programs look for the n-th service there.
func (sv *services) placed(n int, host, port string) bool {
	if h, ok := sv.of[n].(cloud.Hosted); ok && sv.programs && slices.Contains(h.Hosts(), host) {
		return true
	}
	p, ok := sv.of[n].(cloud.Placed)
	return ok && slices.ContainsFunc(p.Addresses(), func(a string) bool {
		h, p := cloud.PlaceOf(a)
		return h == host && (p == port || p == "")
	})
}

type namedBackend struct {
	name    string
	backend cloud.Backend
}

// start lets those begin that do something by themselves.
func (sv *services) start() {
	for _, b := range sv.backends {
		if s, ok := b.backend.(cloud.Starter); ok {
			s.Start()
		}
	}
}

// settle lets those look that care what handlers have left behind.
func (sv *services) settle() {
	for _, b := range sv.backends {
		if s, ok := b.backend.(cloud.Settler); ok {
			s.Settle()
		}
	}
}

func (sv *services) close() {
	for _, b := range sv.backends {
		b.backend.Close()
	}
}

// into puts in what they hold.
func (sv *services) into(d *cloud.Digest) {
	for _, b := range sv.backends {
		if s, ok := b.backend.(cloud.Stateful); ok {
			s.AppendState(d)
		}
	}
}

// answered notes what calls that had to wait were delivered in the end.
func (sv *services) answered(steps []Step) {
	for i := range steps {
		op := steps[i].Operation
		if op == nil || steps[i].Status != waits || op.Result.Status == "" {
			continue
		}
		steps[i].Answer = op.Result.Status
		if a, ok := sv.backend(op.Service).(cloud.Answerer); ok {
			steps[i].Answer = a.Answer(op)
		}
	}
}

package sim

import (
	"fmt"
	"os"
	"slices"

	"github.com/wtsim/wtsim/cloud"
)

// address is where clients that take an address find the scenario's n-th
// service: one of the addresses that are kept for documentation (RFC 5737).
func address(n int) string { return fmt.Sprintf("192.0.2.%d", 10+n) }

// servicePort is any: an address is a service's whatever the port.
const servicePort = "8085"

// environment is what the processes of programs get: the emulator variables that
// the services' clients honour, and what the scenario says.
func (s Scenario) environment() []string {
	out := slices.Clone(s.Platform.Variables)
	for n, v := range s.Services {
		if e, ok := v.(cloud.Emulated); ok {
			name, value := e.Emulator(address(n) + ":" + servicePort)
			out = append(out, name+"="+value)
		}
	}
	for _, e := range s.Environ {
		out = append(out, os.Expand(e, s.expand))
	}
	return out
}

// expand is the meaning of ${service}, ${service.host} and ${service.port}.
func (s Scenario) expand(name string) string {
	for n, v := range s.Services {
		switch name {
		case v.Name():
			return address(n) + ":" + servicePort
		case v.Name() + ".host":
			return address(n)
		case v.Name() + ".port":
			return servicePort
		}
	}
	return ""
}

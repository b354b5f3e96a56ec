package cloud

import (
	"fmt"
	"net"
	"strings"
)

// Places are addresses at which programs look for a service that have them
// written down: "localhost:6379", "api.example.com". Services embed it, and
// have a method At.
type Places struct{ at []string }

// And returns the places with further addresses.
func (p Places) And(addresses ...string) Places {
	return Places{append(p.at[:len(p.at):len(p.at)], addresses...)}
}

// Addresses returns them.
func (p Places) Addresses() []string { return p.at }

// Placed is a service that says at which addresses programs look for it.
type Placed interface {
	Service
	// Addresses are hosts, or hosts and ports: of a host alone every port is the
	// service's.
	Addresses() []string
}

// Hosted is a service that production's clients find at host names of its own:
// programs do, which nobody tells another place.
type Hosted interface {
	Service
	// Hosts are the names; every port there is the service's.
	Hosts() []string
}

// PlaceOf is an address as it is compared with others: this machine has one
// name.
func PlaceOf(address string) (host, port string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = strings.Trim(address, "[]"), ""
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		host = "localhost"
	}
	return host, port
}

// CheckPlace returns what is wrong with an address, in a sentence.
func CheckPlace(address string) error {
	host, _ := PlaceOf(address)
	if host == "" || strings.ContainsAny(host, "/ ") || strings.Contains(address, "://") {
		return fmt.Errorf("its address %q is none, wanted a host, or a host and a port, such as localhost:6379", address)
	}
	return nil
}

package sim

import (
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/scheduler"
)

// An outage is lasting: a service refuses every call until it is over, so that
// no retry of a client library's gets through, and error paths are reached.

// outage is one that has begun.
type outage struct {
	service string
	until   time.Time
}

// outageFault is the option to begin one with a call.
func (of *offers) outageFault(k *call) []scheduler.Option {
	if of.outage == 0 || len(k.Op.Fails) == 0 {
		return nil
	}
	return []scheduler.Option{{Do: cloud.Outage, With: cloud.Short(of.outage)}}
}

// begin begins one.
func (of *offers) begin(service string) {
	of.down = append(of.down, outage{service, time.Now().Add(of.outage)}) //wtsim:clock the bubble's clock
}

// isDown reports whether a service refuses every call now.
func (of *offers) isDown(service string) bool {
	now := time.Now() //wtsim:clock the bubble's clock
	for _, d := range of.down {
		if d.service == service && now.Before(d.until) {
			return true
		}
	}
	return false
}

// into puts in what is down, until when.
func (of *offers) into(d *cloud.Digest) {
	for _, x := range of.down {
		d.Text(x.service)
		d.Time(x.until)
	}
}

// refuse is what a service that is down does to a call.
func (w *world) refuse(k *call, s *Step) {
	k.task.calls = remove(k.task.calls, k)
	status := k.Op.Fails[0]
	w.let(k, probe.Fate{Action: probe.Refuse, With: status})
	s.Status = status + " (down)"
}

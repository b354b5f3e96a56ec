// Package cloud is what a service or a platform sees of a run, and what a run
// sees of them: the contract between package sim, which names no service and
// no platform, and packages fakes/* and cloud/*, which do not see sim.
//
// A [Service] is a value that a scenario declares; opened, it is a [Backend],
// one for each run. What a backend can do beyond storing things it says by
// implementing further interfaces, of which a run looks for those it knows:
//
//	clients reach it       [Host], [Dialed], [Emulated]
//	it invokes functions   [Starter], [Trigger], [Cause]
//	it misbehaves          [FailsOver], [Lags], [Deviant], [Arranger]
//	a search reasons       [Expirer], [Toucher], [Stateful]
//
// A [Cause] is why a function is invoked, and who is told how that ended: the
// one seam between a service and the platform's rules of instances. A service
// makes a [Task] for it and gives that to the [Kernel], by which it also knows
// the time and is called when something falls due.
//
// Everything here is called within the run's bubble: on the run's own
// goroutine, or, where it says so, on that of a handler, within the effect of
// its operation. In both cases nothing else happens at the same time; what
// both touch is guarded by the kernel's lock.
package cloud

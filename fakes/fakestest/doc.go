// Package fakestest holds what the fakes of cloud services have in common:
// conformance suites, and the set-up of their tests.
//
// A suite is a function that gets a real client library's client, does what a
// handler may rely on, and returns an error that names every promise which is
// not kept. That a suite notices what is wrong is tested with fakes that are
// broken on purpose.
//
//   - [PubSub] for Pub/Sub
package fakestest

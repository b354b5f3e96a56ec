// Package oracles runs the conformance suites of our fakes against fakes of others, in
// a module of its own, since nobody else is to link these. What differs is decided by
// the services' documentation, in [the tests]: a check that another fake does not keep,
// and that we do, has the page that says so; where we were wrong the suite would have
// the check the other way round.
//
//	make oracles
//
// [the tests]: oracles_test.go
package oracles

// Package fakestest holds what the fakes of cloud services have in common:
// conformance suites, and the set-up of their tests.
//
// A suite is a function that gets a real client library's client, does what a
// handler may rely on, and returns an error that names every promise which is
// not kept. It knows nothing of the fake: where the real service is at hand,
// it runs against that too. That a suite notices what is wrong is tested with
// fakes that are broken on purpose.
//
//   - [DynamoDB] for DynamoDB, through the client of SDK v2
//   - [GCS] for Cloud Storage
//   - [Firestore] for Firestore
//   - [SecretManager] for Google Cloud's Secret Manager
//   - [PubSub] for Pub/Sub; it runs against Google's own fake too
//   - [Redis] for Redis; `make conformance` runs it against a real server
//
// [Env] is a function instance without a run, [Kernel] a run without functions,
// [Listener] what a service tells others.
package fakestest

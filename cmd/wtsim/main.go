// Command wtsim finds the bugs of serverless applications that only happen in
// the cloud. See `wtsim help`.
//
// Built with -tags light it has no scenarios, and none of the client libraries
// that they use: check, props and monitor are all there, in little more than a third of the time
// that the whole takes to build.
package main

import "github.com/wtsim/wtsim/cmd/wtsim/command"

func main() {
	configure()
	command.Main(known()...)
}

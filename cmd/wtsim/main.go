// Command wtsim finds the bugs of serverless applications that only happen in
// the cloud. See `wtsim help`.
package main

import (
	"github.com/wtsim/wtsim/cmd/wtsim/command"
	"github.com/wtsim/wtsim/scenarios"
)

func main() { command.Main(scenarios.All()...) }

//go:build !light

package main

import (
	"github.com/wtsim/wtsim/scenarios"
	"github.com/wtsim/wtsim/sim"
)

func known() []sim.Scenario { return scenarios.All() }

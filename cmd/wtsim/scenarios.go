//go:build !light

package main

import (
	"github.com/wtsim/wtsim/cmd/wtsim/command"
	"github.com/wtsim/wtsim/cmd/wtsim/config"
	"github.com/wtsim/wtsim/scenarios"
	"github.com/wtsim/wtsim/sim"
)

func configure() { command.Configured(config.Load, config.Schema()) }

func known() []sim.Scenario { return scenarios.All() }

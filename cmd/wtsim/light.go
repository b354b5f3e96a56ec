//go:build light

package main

import "github.com/wtsim/wtsim/sim"

func configure() {}

func known() []sim.Scenario { return nil }

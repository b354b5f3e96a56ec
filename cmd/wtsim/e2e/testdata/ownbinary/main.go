package main

import (
	"example.com/counter/countersim"
	"github.com/wtsim/wtsim/cmd/wtsim/command"
)

func main() { command.Main(countersim.Scenario()) }

// Package orchestrion records programs that teams build with Orchestrion
// (github.com/DataDog/orchestrion), of which no line is changed: its rules, in
// orchestrion.yml, do to the standard library what `wtsim build --record` does, and
// whoever imports it starts the recorder, which the environment configures (see
// package autoprobe). A program's orchestrion.tool.go imports it:
//
//	//go:build tools
//
//	package tools
//
//	import (
//		_ "github.com/DataDog/orchestrion"
//		_ "github.com/wtsim/wtsim/probe/orchestrion"
//	)
//
// and the program is built so; the tag has the recorder reach what the rules declare:
//
//	orchestrion go build -tags wtsim_record ./cmd/shop
//	WTSIM_RECORD=https://monitor.example WTSIM_RULES=rules.json ./shop
//
// Without the tag nothing is recorded.
package orchestrion

import "github.com/wtsim/wtsim/probe/autoprobe"

func init() { autoprobe.Start("") }

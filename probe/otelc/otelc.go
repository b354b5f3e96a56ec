// Package otelc records programs that teams build with OpenTelemetry's compile-time
// instrumentation (go.opentelemetry.io/otelc), of which no line is changed: its rules,
// in wtsim.otelc.yml, do to the standard library what `wtsim build --record` does, and
// whoever imports it starts the recorder, which the environment configures (see
// package autoprobe). A module's otel.instrumentation.go imports it:
//
//	//go:build tools
//
//	package tools
//
//	import (
//		_ "github.com/wtsim/wtsim/probe/otelc"
//		_ "go.opentelemetry.io/otelc/instrumentation/net/http/server" // and what else is wanted: with this file nothing is by itself
//	)
//
// and the program is built so; the tag has the recorder reach what the rules declare:
//
//	otelc go build -tags wtsim_record ./cmd/shop
//	WTSIM_RECORD=https://monitor.example WTSIM_RULES=rules.json ./shop
//
// Without the tag nothing is recorded. The rules follow the tool's documentation
// (https://github.com/open-telemetry/opentelemetry-go-compile-instrumentation/blob/main/docs/rules.md).
// A test applies them to the standard library by itself, as documented, and has the
// program that comes of it record; the tool itself, a module of which was not to be
// had, has not been run.
package otelc

import "github.com/wtsim/wtsim/probe/autoprobe"

func init() { autoprobe.Start("") }

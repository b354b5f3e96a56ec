//go:build ignore

package main

import _ "github.com/wtsim/wtsim/probe/otelc" // starts the recorder

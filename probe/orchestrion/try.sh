#!/bin/sh
# Installs Orchestrion 1.15, builds examples/unchanged with it and the rules of this
# folder, in a copy, and has a test order from that program and check what it recorded:
#
#	probe/orchestrion/try.sh
#
# The program is the example as it is: orchestrion.tool.go and two lines of go.mod are
# what Orchestrion asks of any. Building it compiles some thousand packages of
# Orchestrion's own: tens of minutes on two cores, once.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$root/examples/unchanged" "$work/shop"
cd "$work/shop"
cat >orchestrion.tool.go <<'GO'
//go:build tools

package main

import (
	_ "github.com/DataDog/orchestrion"
	_ "github.com/wtsim/wtsim/probe/orchestrion"
)
GO
export GOWORK=off GOFLAGS=-mod=mod
go mod edit -require github.com/wtsim/wtsim@v0.0.0 -replace "github.com/wtsim/wtsim=$root"
go get github.com/DataDog/orchestrion@v1.15.0
go mod tidy
go build -o "$work/orchestrion" github.com/DataDog/orchestrion
"$work/orchestrion" go build -tags wtsim_record -o "$work/shop.bin" .
cd "$root"
unset GOFLAGS GOWORK
WTSIM_ORCHESTRION_SHOP="$work/shop.bin" go test ./cmd/wtsim/e2e -run '^TestOrchestrion$' -count=1 -v

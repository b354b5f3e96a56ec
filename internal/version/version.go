// Package version tells which version of wtsim runs.
package version

import "runtime/debug"

// Wtsim is the version of wtsim that runs.
func Wtsim() string {
	const module = "github.com/wtsim/wtsim"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Path == module {
		return known(info.Main.Version)
	}
	for _, d := range info.Deps {
		if d.Path == module {
			return known(d.Version)
		}
	}
	return "devel"
}

func known(version string) string {
	if version == "" || version == "(devel)" {
		return "devel"
	}
	return version
}

package commands

import (
	"runtime"
	"runtime/debug"
)

// version is set by the release build with -ldflags -X.
var version string

// buildVersion is the release's version, else what the Go toolchain recorded.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func versionResult() *Result {
	v := buildVersion()
	return &Result{
		Data: object{{"version", v}, {"go", runtime.Version()}},
		View: note(program + " " + v + " (" + runtime.Version() + ")"),
	}
}

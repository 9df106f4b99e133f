package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is set by the linker in a release build.
var version = ""

// testedEnvoy is the Envoy that Serin is tested with.
const testedEnvoy = "1.40"

// programVersion gives the release, else what Go knows of the build.
func programVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && info.Main.Version == "(devel)" {
			return "devel " + s.Value[:min(12, len(s.Value))]
		}
	}
	return firstOf(strings.Trim(info.Main.Version, "()"), "devel")
}

// versions is what `serin version` tells.
type versions struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	Envoy   string `json:"envoy"` // tested with
}

// newVersionCommand makes `serin version`.
func newVersionCommand() *cobra.Command {
	var out format
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version, and the Envoy that it is tested with",
		Example: "  serin version\n  serin version -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := versions{Version: programVersion(), Go: runtime.Version(), Envoy: testedEnvoy}
			return out.printValue(cmd.OutOrStdout(), v, func(w io.Writer, _ bool) error {
				return write(w, []byte(fmt.Sprintf("serin %s, built with %s, tested with Envoy %s\n", v.Version, v.Go, v.Envoy)))
			})
		},
	}
	out.addFlag(cmd)
	return cmd
}

// Command apiserver is Kubernetes' API server and its controller manager in one
// binary: the first argument, kube-apiserver or kube-controller-manager, says
// which of them to be, and the others are its flags. The tests that need a real
// cluster run it; scripts/kubernetes.sh builds it.
//
// It is a module of its own, so that Serin's is free of what Kubernetes needs.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	// Both log as the flag --logging-format says.
	_ "k8s.io/component-base/logs/json/register"
	// Both count their requests and show them at /metrics.
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// programs are made when they are wanted: each registers flags and metrics.
var programs = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllers.NewControllerManagerCommand,
}

func main() {
	var name string
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	program, ok := programs[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "there is no program %q: kube-apiserver and kube-controller-manager are\n", name)
		os.Exit(2)
	}
	// The programs read their flags from here.
	os.Args = os.Args[1:]
	os.Exit(cli.Run(program()))
}

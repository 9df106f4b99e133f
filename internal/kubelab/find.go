package kubelab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// The environment variables that name the binaries of a cluster.
const (
	// KubernetesVariable names what scripts/kubernetes.sh builds.
	KubernetesVariable = "SERIN_KUBERNETES"
	// EtcdVariable names an etcd of version 3.4 or later.
	EtcdVariable = "SERIN_ETCD"
)

// binaries are the paths of what a cluster runs.
type binaries struct {
	kubernetes, etcd string
}

// findBinaries reads the environment. Nothing else is looked at: a cluster of
// some other version would test something that was not asked for.
func findBinaries() (b binaries, err error) {
	if b.kubernetes, err = Tool(KubernetesVariable, "scripts/kubernetes.sh"); err != nil {
		return b, err
	}
	b.etcd, err = Tool(EtcdVariable, "scripts/etcd.sh")
	return b, err
}

// Tool gives the absolute path of the program that an environment variable names;
// script is what prints such a path. It is an error, which says what to do, if the
// variable is not set or names no program.
func Tool(variable, script string) (string, error) {
	name := os.Getenv(variable)
	if name == "" {
		return "", fmt.Errorf("%s is not set: run `make test-kube`, or set it to what %s prints", variable, script)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("using what %s names: %w", variable, err)
	}
	return filepath.Abs(path)
}

package kubelab_test

import (
	"strings"
	"testing"

	"github.com/serin-mesh/serin/internal/kubelab"
)

// TestStartWithoutBinaries: what is missing is named, with how to get it.
func TestStartWithoutBinaries(t *testing.T) {
	tests := []struct{ name, kubernetes, etcd, want string }{
		{"none", "", "", "SERIN_KUBERNETES is not set: run `make test-kube`"},
		{"no etcd", "sh", "", "SERIN_ETCD is not set: run `make test-kube`, or set it to what scripts/etcd.sh prints"},
		{"a wrong one", "/no/such", "sh", "using what SERIN_KUBERNETES names"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(kubelab.KubernetesVariable, test.kubernetes)
			t.Setenv(kubelab.EtcdVariable, test.etcd)
			_, err := kubelab.Start(t.Context(), kubelab.Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

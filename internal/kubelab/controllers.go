package kubelab

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"k8s.io/client-go/rest"
)

// controllersArgs gives the arguments of kube-controller-manager, the program's
// name first.
func (c *Cluster) controllersArgs(kubeconfig string) []string {
	k := c.credentials
	return []string{
		"kube-controller-manager",
		"--kubeconfig=" + kubeconfig,
		"--leader-elect=false",
		"--controllers=" + strings.Join(c.options.Controllers, ","),
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", c.controllersPort),
		"--tls-cert-file=" + k.certFile, "--tls-private-key-file=" + k.keyFile,
		"--root-ca-file=" + k.certFile,
		"--service-account-private-key-file=" + k.accountKeyFile,
		// So that tests wait for the controllers, not for their client's limit.
		"--kube-api-qps=500", "--kube-api-burst=1000",
		"--profiling=false",
	}
}

// StartControllerManager starts the controllers and waits until they are
// healthy. The API server must be ready.
func (c *Cluster) StartControllerManager(ctx context.Context) error {
	if err := c.controllers.start(); err != nil {
		return err
	}
	client, err := rest.HTTPClientFor(c.Config(Admin))
	if err != nil {
		return fmt.Errorf("making a client of the controller manager: %w", err)
	}
	defer client.CloseIdleConnections()
	healthy := func(ctx context.Context) (bool, error) {
		if err := c.controllers.failed(); err != nil {
			return false, Final(err)
		}
		return c.healthy(ctx, client)
	}
	if err := Until(ctx, "the controller manager", healthy); err != nil {
		return fmt.Errorf("%w; its log says: %s", err, c.controllers.tail())
	}
	return nil
}

// healthy asks the controller manager, whose certificate is the API server's.
func (c *Cluster) healthy(ctx context.Context, client *http.Client) (bool, error) {
	url := fmt.Sprintf("https://127.0.0.1:%d/healthz", c.controllersPort)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	resp, err := client.Do(r)
	if err != nil {
		return false, err
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode == http.StatusOK, nil
}

// StopControllerManager ends the controllers at once: Deployments, Jobs and
// endpoints stay as they are. What does not run is no error.
func (c *Cluster) StopControllerManager() error { return c.controllers.kill() }

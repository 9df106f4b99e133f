package kubelab

import (
	"context"
	"fmt"

	"k8s.io/client-go/kubernetes"
)

// apiServerArgs gives the arguments of kube-apiserver, the program's name first.
func (c *Cluster) apiServerArgs(etcdPort int) []string {
	k := c.credentials
	return append([]string{
		"kube-apiserver",
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", etcdPort),
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", c.port),
		"--tls-cert-file=" + k.certFile, "--tls-private-key-file=" + k.keyFile,
		"--token-auth-file=" + k.tokenFile,
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + k.accountKeyFile, "--service-account-signing-key-file=" + k.accountKeyFile,
		"--service-cluster-ip-range=10.96.0.0/16",
		// Pods may come before the ServiceAccount of their namespace, and nobody
		// mounts a token into them.
		"--disable-admission-plugins=ServiceAccount",
		// Nobody reaches the API server through its Service.
		"--endpoint-reconciler-type=none",
		"--allow-privileged=true",
		"--profiling=false",
	}, c.options.APIServerFlags...)
}

// StartAPIServer starts the API server, on the port that it always has, and
// waits until it is ready.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	if err := c.apiServer.start(); err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(c.Config(Admin))
	if err != nil {
		return fmt.Errorf("making a client of the API server: %w", err)
	}
	ask := client.RESTClient()
	ready := func(ctx context.Context) (bool, error) {
		for _, p := range []*program{c.etcd, c.apiServer} {
			if err := p.failed(); err != nil {
				return false, Final(fmt.Errorf("%w; its log says: %s", err, p.tail()))
			}
		}
		err := ask.Get().AbsPath("/readyz").Do(ctx).Error()
		return err == nil, err
	}
	if err := Until(ctx, "the API server", ready); err != nil {
		return fmt.Errorf("%w; its log says: %s", err, c.apiServer.tail())
	}
	return nil
}

// StopAPIServer ends the API server at once, as a crash would. What it has
// answered for is kept.
func (c *Cluster) StopAPIServer() error { return c.apiServer.kill() }

// RestartAPIServer ends the API server at once and starts it again under the same
// address. All watches break; all objects stay.
func (c *Cluster) RestartAPIServer(ctx context.Context) error {
	if err := c.StopAPIServer(); err != nil {
		return err
	}
	return c.StartAPIServer(ctx)
}

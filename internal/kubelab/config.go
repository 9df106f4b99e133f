package kubelab

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"

	authentication "k8s.io/api/authentication/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientapi "k8s.io/client-go/tools/clientcmd/api"
)

// Config gives how a user reaches the API server, without a limit on the rate of
// requests. A user whom Options did not name is anonymous.
func (c *Cluster) Config(user string) *rest.Config {
	return c.configWith(c.credentials.tokens[user])
}

// ServiceAccountConfig gives how a ServiceAccount, which must exist, reaches the
// API server: with a token that the API server makes, good for an hour.
func (c *Cluster) ServiceAccountConfig(ctx context.Context, namespace, name string) (*rest.Config, error) {
	client, err := kubernetes.NewForConfig(c.Config(Admin))
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	r, err := client.CoreV1().ServiceAccounts(namespace).
		CreateToken(ctx, name, &authentication.TokenRequest{}, meta.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("making a token of service account %q: %w", namespace+"/"+name, err)
	}
	return c.configWith(r.Status.Token), nil
}

func (c *Cluster) configWith(token string) *rest.Config {
	return &rest.Config{
		Host:            fmt.Sprintf("https://127.0.0.1:%d", c.port),
		BearerToken:     token,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.credentials.ca},
		QPS:             -1,
	}
}

// Kubeconfig writes a kubeconfig of a user, as Config has it, and gives its path.
func (c *Cluster) Kubeconfig(user string) (string, error) {
	path := filepath.Join(c.dir, "kubeconfig-"+url.PathEscape(user))
	return path, WriteKubeconfig(path, c.Config(user))
}

// WriteKubeconfig writes a config of this package's as a kubeconfig, for kubectl,
// Helm and the built program.
func WriteKubeconfig(path string, config *rest.Config) error {
	const name = "kubelab"
	k := clientapi.NewConfig()
	k.Clusters[name] = &clientapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	k.AuthInfos[name] = &clientapi.AuthInfo{Token: config.BearerToken}
	k.Contexts[name] = &clientapi.Context{Cluster: name, AuthInfo: name}
	k.CurrentContext = name
	if err := clientcmd.WriteToFile(*k, path); err != nil {
		return fmt.Errorf("writing kubeconfig %q: %w", path, err)
	}
	return nil
}

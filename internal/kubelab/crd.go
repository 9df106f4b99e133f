package kubelab

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var crdResource = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// WaitCRD waits until the kind that a CustomResourceDefinition defines is served,
// in each of its versions. The name is the definition's, PLURAL.GROUP.
func (c *Cluster) WaitCRD(ctx context.Context, name string) error {
	return Until(ctx, fmt.Sprintf("CRD %q", name), func(ctx context.Context) (bool, error) {
		crd, err := c.objects.Resource(crdResource).Get(ctx, name, v1.GetOptions{})
		if err != nil || !established(crd) {
			return false, err
		}
		return c.served(crd)
	})
}

// established reports whether the API server has taken a definition over.
func established(crd *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
	for _, c := range conditions {
		condition, _ := c.(map[string]any)
		if condition["type"] == "Established" && condition["status"] == "True" {
			return true
		}
	}
	return false
}

// served reports whether the kind of a definition is among those that the API
// server says it has, which is a little later.
func (c *Cluster) served(crd *unstructured.Unstructured) (bool, error) {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	c.kinds.Reset()
	for _, v := range versions {
		version, _ := v.(map[string]any)
		if version["served"] != true {
			continue
		}
		name, _ := version["name"].(string)
		if _, err := c.kinds.RESTMapping(schema.GroupKind{Group: group, Kind: kind}, name); err != nil {
			return false, err
		}
	}
	return true, nil
}

// waitAll waits for CRDs, and empties their list.
func (c *Cluster) waitAll(ctx context.Context, names *[]string) error {
	for _, name := range *names {
		if err := c.WaitCRD(ctx, name); err != nil {
			return err
		}
	}
	*names = nil
	return nil
}

// GatewayCRDs gives the folder with the Gateway API's CustomResourceDefinitions,
// of the version that the module sigs.k8s.io/gateway-api has in our go.mod. The
// channel is standard or experimental.
func GatewayCRDs(ctx context.Context, channel string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w: %s", err, failed.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("finding the Gateway API's module: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "config", "crd", channel), nil
}

// Define applies the Gateway API's definitions, of the channel standard, and those of
// folders.
func (c *Cluster) Define(ctx context.Context, folders ...string) error {
	gateway, err := GatewayCRDs(ctx, "standard")
	if err != nil {
		return err
	}
	for _, folder := range append([]string{gateway}, folders...) {
		if err := c.ApplyFolder(ctx, folder); err != nil {
			return err
		}
	}
	return nil
}

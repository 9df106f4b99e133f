package kubelab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// fieldManager is who owns the fields that Apply sets.
const fieldManager = "kubelab"

// connect makes the clients of Apply.
func (c *Cluster) connect(context.Context) (err error) {
	if c.objects, err = dynamic.NewForConfig(c.Config(Admin)); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(c.Config(Admin))
	if err != nil {
		return fmt.Errorf("making a client of the API's kinds: %w", err)
	}
	c.kinds = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kinds))
	return nil
}

// Apply applies objects as Admin, on the server's side and by force, in the order
// in which they are written. Each text may hold many documents. What names no
// namespace, and is of a kind that needs one, goes to default. Before an object
// that comes after CRDs, and before it returns, Apply waits until these are
// served.
func (c *Cluster) Apply(ctx context.Context, yamls ...string) error {
	var crds []string
	for _, text := range yamls {
		objects, err := parse(text)
		if err != nil {
			return err
		}
		for _, o := range objects {
			if o.GetKind() == "CustomResourceDefinition" {
				crds = append(crds, o.GetName())
			} else if err := c.waitAll(ctx, &crds); err != nil {
				return err
			}
			if err := c.apply(ctx, o); err != nil {
				return fmt.Errorf("applying %s %q: %w", o.GetKind(), o.GetName(), err)
			}
		}
	}
	return c.waitAll(ctx, &crds)
}

// ApplyFolder applies the YAML files of a folder, but not those in folders below
// it, in the order of their names.
func (c *Cluster) ApplyFolder(ctx context.Context, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("applying folder %q: it has no YAML files: %w", dir, errors.Join(err, os.ErrNotExist))
	}
	var texts []string
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue // for kustomize, and no object
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("applying folder %q: %w", dir, err)
		}
		texts = append(texts, string(text))
	}
	// At once: one wait for many CRDs is shorter than a wait for each.
	if err := c.Apply(ctx, texts...); err != nil {
		return fmt.Errorf("applying folder %q: %w", dir, err)
	}
	return nil
}

// parse reads the objects of a text of many documents.
func parse(text string) (objects []*unstructured.Unstructured, err error) {
	for d := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096); ; {
		o := &unstructured.Unstructured{}
		if err := d.Decode(&o.Object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading YAML: %w", err)
		}
		if len(o.Object) > 0 { // a document may be empty
			objects = append(objects, o)
		}
	}
}

// apply applies one object.
func (c *Cluster) apply(ctx context.Context, o *unstructured.Unstructured) error {
	kind := o.GroupVersionKind()
	mapping, err := c.kinds.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	var target dynamic.ResourceInterface = c.objects.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		if o.GetNamespace() == "" {
			o.SetNamespace(v1.NamespaceDefault)
		}
		target = c.objects.Resource(mapping.Resource).Namespace(o.GetNamespace())
	}
	_, err = target.Apply(ctx, o.GetName(), o, v1.ApplyOptions{FieldManager: fieldManager, Force: true})
	return err
}

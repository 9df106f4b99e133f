package kube

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// retry is how soon an API server that does not answer is asked again.
const retry = time.Second

// finder looks which kinds the API server serves. It belongs to one goroutine
// at a time.
type finder struct {
	clients clients
	missing []resource
}

// await waits until the API server serves all that it has: one that has just
// started knows no custom kinds yet, and they must not be taken for gone.
func (f *finder) await(ctx context.Context) error {
	for {
		err := f.clients.ready(ctx)
		if err == nil || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsNotFound(err) {
			return nil // those who may not ask take it for ready
		}
		if ctx.Err() != nil {
			return fmt.Errorf("waiting for the Kubernetes API: %w", err)
		}
		if !pause(ctx, retry) {
			return fmt.Errorf("waiting for the Kubernetes API: %w", err)
		}
	}
}

// pause waits, and reports whether ctx let it.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// found is a kind in the version that is read.
type found struct {
	resource resource
	version  string
}

// look gives the kinds that were missing and are served now. The error says
// that the API server did not answer; then nothing is found.
func (f *finder) look() ([]found, error) {
	served := map[schema.GroupVersionResource]bool{}
	asked := map[schema.GroupVersion]bool{}
	for _, r := range f.missing {
		for _, version := range r.versions {
			gv := schema.GroupVersion{Group: r.group, Version: version}
			if asked[gv] {
				continue
			}
			asked[gv] = true
			list, err := f.clients.discovery.ServerResourcesForGroupVersion(gv.String())
			if apierrors.IsNotFound(err) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("asking for the kinds of %s: %w", gv, err)
			}
			for _, one := range list.APIResources {
				served[gv.WithResource(one.Name)] = true
			}
		}
	}
	return f.take(served), nil
}

// take moves what is served out of what is missing.
func (f *finder) take(served map[schema.GroupVersionResource]bool) (out []found) {
	var still []resource
next:
	for _, r := range f.missing {
		for _, version := range r.versions {
			if served[r.at(version)] {
				out = append(out, found{r, version})
				continue next
			}
		}
		still = append(still, r)
	}
	f.missing = still
	return out
}

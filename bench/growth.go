package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/store"
)

// growth measures the work of control and snapshot for one change among more
// and more Services.
func growth(ctx context.Context, m *machine) (*record, error) {
	sizes := []int{10, 1_000, 10_000}
	changes := m.pick(50, 300, 1000)
	out := newRecord("control and snapshot: from a change until its resources are handed to the fleet", map[string]any{
		"services": sizes, "changes": changes,
	})
	var ns, weights, endpoints []float64
	for _, n := range sizes {
		w := out.series(fmt.Sprintf("weight, %d services", n), "an action promotes one Rollout to its next weight")
		e := out.series(fmt.Sprintf("endpoints, %d services", n), "one EndpointSlice changes its address")
		if err := growthOf(ctx, m, n, changes, w, e); err != nil {
			return nil, fmt.Errorf("%d services: %w", n, err)
		}
		ns = append(ns, float64(n))
		weights, endpoints = append(weights, w.median("work_us")), append(endpoints, e.median("work_us"))
	}
	last := len(sizes) - 1
	out.compare("one weight, 10,000 services over 10", weights[last], weights[0])
	out.compare("one slice, 10,000 services over 10", endpoints[last], endpoints[0])
	out.atMost("growth exponent of one weight", exponent(ns, weights), 0.1)
	out.atMost("growth exponent of one EndpointSlice", exponent(ns, endpoints), 0.1)
	out.note("the store and the fleet are doubles that agree at once; reading the changed file is not part of it.")
	return out, nil
}

// growthOf measures among n Services.
func growthOf(ctx context.Context, m *machine, n, changes int, weights, endpoints *series) (err error) {
	total := changes + warmUp
	r, err := newRig(m, slices.Repeat([]string{"setWeight: 100", "pause: {}", "setWeight: 0", "pause: {}"}, total)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.putMesh(n); err != nil {
		return err
	}
	if err := r.want("v1"); err != nil {
		return err
	}
	before, err := readObjects(r.folder.Dir())
	if err != nil {
		return err
	}
	if err := r.want("v2"); err != nil {
		return err
	}
	objects, err := readObjects(r.folder.Dir())
	if err != nil {
		return err
	}
	c := startCore(ctx)
	defer func() { err = errors.Join(err, c.stop()) }()
	for _, o := range []*api.Objects{before, objects} {
		if err := c.control.Objects(ctx, control.Update{Objects: o}); err != nil {
			return err
		}
	}
	if err := c.weights(ctx, changes, weights); err != nil {
		return err
	}
	return c.endpoints(ctx, objects, changes, endpoints)
}

// core is a control whose store and fleet agree at once.
type core struct {
	control *control.Control
	fleet   *yes
	stop    func() error
}

func startCore(ctx context.Context) *core {
	fleet := &yes{applied: make(chan time.Time, 64), changed: make(chan struct{})}
	c := control.New(control.Options{Fleet: fleet, Store: disk{}, Saved: store.Saved{}})
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	return &core{c, fleet, func() error { cancel(); return <-done }}
}

// weights promotes from weight to weight.
func (c *core) weights(ctx context.Context, changes int, s *series) error {
	for i := range changes + warmUp {
		if err := c.paused(ctx); err != nil {
			return err
		}
		took, err := c.time(ctx, func() error {
			_, err := c.control.Act(ctx, shop, api.Action{Verb: "promote", Actor: "bench"})
			return err
		})
		if err != nil {
			return err
		}
		if i >= warmUp {
			s.add(figures{"work_us": us(took)})
		}
	}
	return nil
}

// paused waits until the rollout may be promoted.
func (c *core) paused(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		o, err := c.control.Rollout(ctx, shop)
		if err != nil {
			return fmt.Errorf("waiting for a pause: %w", err)
		}
		if o.Status.Phase == api.PhasePaused {
			return nil
		}
	}
}

// endpoints moves the endpoint of one application to and fro.
func (c *core) endpoints(ctx context.Context, objects *api.Objects, changes int, s *series) error {
	key := api.Key{Namespace: api.DefaultNamespace, Name: "s00003-v1-0"}
	slice := objects.EndpointSlices[key]
	if slice == nil {
		return fmt.Errorf("the mesh has no slice %v", key)
	}
	moved := *objects
	moved.EndpointSlices = maps.Clone(objects.EndpointSlices)
	moved.EndpointSlices[key] = elsewhere(slice)
	changed := []api.Ref{{Kind: "EndpointSlice", Key: key}} // as discovery tells
	for i := range changes + warmUp {
		next := []*api.Objects{&moved, objects}[i%2]
		took, err := c.time(ctx, func() error {
			return c.control.Objects(ctx, control.Update{Objects: next, Changed: changed})
		})
		if err != nil {
			return err
		}
		if i >= warmUp {
			s.add(figures{"work_us": us(took)})
		}
	}
	return nil
}

// elsewhere gives a slice with another address.
func elsewhere(slice *api.EndpointSlice) *api.EndpointSlice {
	out := *slice
	out.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{"127.0.0.2"}}}
	return &out
}

// time gives how long it takes from a change until the fleet is handed what
// follows from it.
func (c *core) time(ctx context.Context, change func() error) (time.Duration, error) {
	for len(c.fleet.applied) > 0 {
		<-c.fleet.applied // of before
	}
	began := time.Now()
	if err := change(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case at := <-c.fleet.applied:
		return at.Sub(began), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("waiting for resources: %w", ctx.Err())
	}
}

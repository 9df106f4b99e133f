package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/serin-mesh/serin/internal/lab"
)

const (
	swapRate = 500.0
	// afterSwap is how long both contestants rest after a swap; drain is how
	// long Serin leaves the old cluster, so that each swap adds one and
	// removes one.
	afterSwap = 200 * time.Millisecond
	drain     = 50 * time.Millisecond
)

// swap counts the requests that fail because versions are exchanged.
func swap(ctx context.Context, m *machine) (*record, error) {
	swaps, peerSwaps := m.pick(20, 100, 1000), m.pick(20, 100, 300)
	out := newRecord("the version changes, straight to 100%, under load: requests that fail", map[string]any{
		"swaps": swaps, "peer_swaps": peerSwaps, "requests_a_second": swapRate, "envoys": 1, "drain_ms": ms(drain),
	})
	serin := out.series("serin", "the folder's version changes; until the rollout is Healthy on it")
	removed, err := swapSerin(ctx, m, swaps, serin)
	if err != nil {
		return nil, err
	}
	out.note("serin: the Envoy removed %d clusters in %d swaps, so that swaps rest on no cluster of an earlier one.", removed, swaps)
	peer := out.series("peer", "go-control-plane's SnapshotCache, ordered ADS, the same resources: cluster and route in one snapshot")
	if err := swapPeer(ctx, m, peerSwaps, peer); err != nil {
		return nil, fmt.Errorf("the peer: %w", err)
	}
	out.judgeSwaps(serin, peer)
	return out, nil
}

// judgeSwaps compares the failures a swap.
func (r *record) judgeSwaps(serin, peer *series) {
	r.compare("failed requests a swap, serin over peer",
		serin.sum("failed")/float64(len(serin.Runs)), peer.sum("failed")/float64(len(peer.Runs)))
	r.atMost("requests that failed over all swaps", serin.sum("failed"), 0)
	r.note("peer: %.0f of %d swaps lost requests, %.0f in all; serin: %.0f in all.",
		peer.sum("lost_some"), len(peer.Runs), peer.sum("failed"), serin.sum("failed"))
	r.note("swap_ms of serin counts from the writing of the file, with the 50 ms in which a folder has to be quiet; " +
		"that of the peer from SetSnapshot until the Envoy has accepted the route.")
}

// swapSerin exchanges v1 and v2 through the folder, and gives how many clusters
// the Envoy removed meanwhile.
func swapSerin(ctx context.Context, m *machine, swaps int, s *series) (removed uint64, err error) {
	r, err := newRig(m)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.fleet(ctx, 1, "--drain", drain.String()); err != nil {
		return 0, err
	}
	err = r.swaps(ctx, swaps, s, func(version string) error {
		if err := r.want(version); err != nil {
			return err
		}
		_, err := r.watch.await(ctx, "healthy on "+version, healthyOn(version))
		return err
	})
	if err != nil {
		return 0, err
	}
	stats, err := r.envoys[0].Stats(ctx, "^"+clustersRemoved+"$")
	return stats[clustersRemoved], err
}

// clustersRemoved is the statistic of an Envoy that counts them.
const clustersRemoved = "cluster_manager.cluster_removed"

// swaps exchanges the versions a number of times under load. do returns when a
// version is in force. A failure counts for the swap before it.
func (r *rig) swaps(ctx context.Context, n int, s *series, do func(version string) error) error {
	l, stop, err := r.load(ctx, swapRate, nil)
	if err != nil {
		return err
	}
	if err := hold(ctx, afterSwap); err != nil {
		return err
	}
	before := l.Counts()
	if before.Failed > 0 {
		return fmt.Errorf("%d requests failed before the first swap: %w", before.Failed, before.LastError)
	}
	for i := range n {
		began := time.Now()
		if err := do([]string{"v2", "v1"}[i%2]); err != nil {
			return err
		}
		took := time.Since(began)
		if err := hold(ctx, afterSwap); err != nil {
			return err
		}
		now := l.Counts()
		s.add(swapFigures(now.Sub(before), took))
		before = now
	}
	if late := stop().Sub(before); late.Failed > 0 {
		s.add(swapFigures(late, 0))
	}
	return nil
}

// swapFigures counts what happened from one swap to the next.
func swapFigures(c lab.Counts, took time.Duration) figures {
	f := figures{"failed": float64(c.Failed), "requests": float64(c.Requests), "lost_some": 0}
	if c.Failed > 0 {
		f["lost_some"] = 1
	}
	if took > 0 {
		f["swap_ms"] = ms(took)
	}
	return f
}

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/snapshot"
)

const (
	// weightRate is how often a client looks who answers.
	weightRate = 1000.0
	// betweenChanges is the least time from one change to the next; up to
	// spread is added, differently each time, so that changes do not fall in
	// step with what Envoy and Serin do once a second.
	betweenChanges = 100 * time.Millisecond
	spread         = 400 * time.Millisecond
	// countedChanges are made once more to count bytes: to ask an Envoy with
	// 10,000 clusters for a statistic keeps it busy, so those are not timed.
	countedChanges = 6
	// warmUp is how many changes of each contestant are not counted.
	warmUp = 2
)

// weightChange measures one change of a weight among more and more hosts.
func weightChange(ctx context.Context, m *machine) (*record, error) {
	sizes := []int{10, 1_000, 10_000}
	changes := m.pick(8, 24, 60)
	out := newRecord("one canary's weight goes from 0 to 100% or back: until a client sees it", map[string]any{
		"hosts": sizes, "changes": changes, "requests_a_second": weightRate, "envoys": 1,
	})
	var serin, peer []*series
	for _, n := range sizes {
		s := out.series(fmt.Sprintf("serin, %d hosts", n), "the weight is a runtime key")
		p := out.series(fmt.Sprintf("peer, %d hosts", n), "an Envoy without the runtime layer: the weight is in the route table")
		if err := weightAmong(ctx, m, n, changes, s, p); err != nil {
			return nil, fmt.Errorf("%d hosts: %w", n, err)
		}
		serin, peer = append(serin, s), append(peer, p)
	}
	out.judgeWeights(sizes, serin, peer)
	return out, nil
}

// judgeWeights compares the sizes, and the two ways at each size.
func (r *record) judgeWeights(sizes []int, serin, peer []*series) {
	last := len(sizes) - 1
	growth := func(figure string) float64 {
		return r.compare(fmt.Sprintf("%s among %d hosts over %d, runtime key", figure, sizes[last], sizes[0]),
			serin[last].median(figure), serin[0].median(figure))
	}
	r.atMost("said until seen by a client, 10,000 hosts over 10", growth("seen_ms"), 1.5)
	r.atMost("sent until acknowledged, 10,000 hosts over 10", growth("wire_ms"), 1.5)
	// The least, as what Envoy reports meanwhile makes Serin send window updates.
	least := func(s *series) float64 { return summarize(s.values("bytes_sent")).Min }
	r.atMost("least bytes sent, 10,000 hosts over 10",
		r.compare("least bytes_sent among 10,000 hosts over 10, runtime key", least(serin[last]), least(serin[0])), 1.5)
	for i, n := range sizes {
		r.compare(fmt.Sprintf("peer over serin, seen by a client, %d hosts", n), peer[i].median("seen_ms"), serin[i].median("seen_ms"))
	}
	r.note("seen_ms and acked_ms count from the POST of promote, with the store's commit where the weight is raised; " +
		"wire_ms is from Serin's write to the Envoy's acknowledgement, by Serin's own clock; " +
		"seen_ms is no finer than the load, one request a millisecond.")
	r.note("bytes_sent is everything that the Envoy got from Serin during a change, window updates for the Envoy's reports " +
		"and pings included; the least of a series is the change alone.")
}

// weightAmong measures both ways among n hosts, one after the other, so that
// the peer's work does not fall into Serin's figures.
func weightAmong(ctx context.Context, m *machine, n, changes int, serin, peer *series) (err error) {
	steps := slices.Repeat([]string{"setWeight: 100", "pause: {}", "setWeight: 0", "pause: {}"}, changes+warmUp+countedChanges+1)
	r, err := newRig(m, steps...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.putMesh(n); err != nil {
		return err
	}
	if err := r.serve(ctx, "--away-timeout", "200ms", "--ack-timeout", "60s"); err != nil {
		return err
	}
	sight := newSighting()
	first := weigher{r: r, sight: sight, kind: snapshot.Runtime}
	if first.envoy, err = r.envoy(ctx, "edge-1", r.xds, withBytes); err != nil {
		return err
	}
	if _, _, err := r.load(ctx, weightRate, sight.observe); err != nil {
		return err
	}
	if err := first.start(ctx); err != nil {
		return err
	}
	if err := first.series(ctx, changes, serin); err != nil {
		return err
	}
	if err := first.envoy.Stop(); err != nil {
		return err
	}
	second := weigher{r: r, sight: sight, kind: snapshot.Route, high: first.high}
	second.envoy, err = r.envoy(ctx, "edge-2", r.xds, func(boot []byte) ([]byte, error) {
		counted, err := withBytes(boot)
		if err != nil {
			return nil, err
		}
		return withoutLayer(counted)
	})
	if err != nil {
		return err
	}
	return second.series(ctx, changes, peer)
}

// weigher changes a weight to and fro, as seen by one Envoy.
type weigher struct {
	r     *rig
	envoy *lab.Envoy
	sight *sighting
	kind  snapshot.Type // what brings the weight
	high  bool          // the canary has everything
	made  int           // changes so far
}

// start begins the canary and waits until it has everything.
func (w *weigher) start(ctx context.Context) error {
	if err := w.r.want("v2"); err != nil {
		return err
	}
	w.high = true
	_, err := w.r.watch.await(ctx, "paused at 100%", pausedAt(100))
	return err
}

// series makes a number of changes, after some that are not counted, and then
// some whose bytes are counted.
func (w *weigher) series(ctx context.Context, changes int, s *series) error {
	for i := range warmUp + changes {
		f, err := w.change(ctx)
		if err != nil {
			return err
		}
		if i >= warmUp {
			s.add(f)
		}
	}
	for range countedChanges {
		before, err := w.bytes(ctx)
		if err != nil {
			return err
		}
		if _, err := w.change(ctx); err != nil {
			return err
		}
		after, err := w.bytes(ctx)
		if err != nil {
			return err
		}
		s.add(figures{"bytes_sent": float64(after - before)})
	}
	return nil
}

// change promotes the rollout to its next weight.
func (w *weigher) change(ctx context.Context) (figures, error) {
	w.made++
	golden := float64(w.made) * 0.618034 // its fractions spread evenly
	if err := hold(ctx, betweenChanges+time.Duration((golden-math.Floor(golden))*float64(spread))); err != nil {
		return nil, err
	}
	w.high = !w.high
	version, percent, way := "v1", 0.0, "lowered"
	if w.high {
		version, percent, way = "v2", 100.0, "raised"
	}
	w.sight.expect(version)
	began := time.Now()
	if err := w.r.client.act(ctx, "promote"); err != nil {
		return nil, err
	}
	acked, err := w.r.watch.await(ctx, fmt.Sprintf("paused at %g%%", percent), pausedAt(percent))
	if err != nil {
		return nil, err
	}
	seen, err := w.sight.wait(ctx)
	if err != nil {
		return nil, fmt.Errorf("waiting for an answer of %s: %w", version, err)
	}
	e, err := w.r.client.envoy(ctx, w.envoy.Name())
	if err != nil {
		return nil, err
	}
	wire, err := onWire(e, w.kind)
	return figures{"seen_ms": ms(seen.Sub(began)), "acked_ms": ms(acked.at.Sub(began)), "wire_ms": ms(wire),
		way + "_seen_ms": ms(seen.Sub(began))}, err
}

// onWire gives how long the last response of a type was under way and at the
// Envoy.
func onWire(e api.Envoy, kind snapshot.Type) (time.Duration, error) {
	t := e.Types[kind.String()]
	if t.SentAt == nil || t.AckedAt == nil {
		return 0, fmt.Errorf("%s was never sent %s", e.ID, kind)
	}
	return t.AckedAt.Sub(*t.SentAt), nil
}

// bytes gives what the Envoy has got from Serin.
func (w *weigher) bytes(ctx context.Context) (uint64, error) {
	stats, err := w.envoy.Stats(ctx, "^"+received+"$")
	if err != nil {
		return 0, err
	}
	n, ok := stats[received]
	if !ok {
		return 0, fmt.Errorf("%s does not count %s", w.envoy.Name(), received)
	}
	return n, nil
}

package control_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/stats"
)

// TestOutlook: how long the guard needs is told while a canary has a part of the
// traffic, from what is reported of it.
func TestOutlook(t *testing.T) {
	look := func(w *world) []api.Reach {
		synctest.Wait()
		out, err := w.Outlook(context.Background(), shop)
		if err != nil {
			w.t.Fatal(err)
		}
		return out
	}
	inWorld(t, func(w *world) {
		if got := look(w); len(got) != 0 {
			t.Errorf("without a canary: %+v", got)
		}
		w.judged("{}", 2)
		got := look(w)
		if len(got) != 2 || got[0].Weight != 20 || got[0].Rate != 0 || got[0].ExpectedRequests == nil || got[0].ExpectedSeconds != nil {
			t.Errorf("without reports: %+v", got)
		}
		time.Sleep(5 * time.Second)
		for range 2 {
			time.Sleep(time.Second)
			w.Load(stats.Load{Node: "edge-1", Gateway: "default/edge", Received: time.Now(), Clusters: []stats.ClusterLoad{
				{Cluster: "default/shop/80/v1", Interval: time.Second, Issued: 80, Success: 79, Error: 1},
				{Cluster: "default/shop/80/v2", Interval: time.Second, Issued: 20, Success: 20}}})
		}
		w.fails("v1")
		got = look(w)
		if len(got) != 2 || got[0].Rate < 99 || got[0].Rate > 101 || got[0].Harm != "+5 points" || got[1].Harm != "total failure" {
			t.Fatalf("with reports: %+v", got)
		}
		for _, r := range got {
			if r.ExpectedSeconds == nil || *r.ExpectedSeconds*r.Rate != *r.ExpectedRequests || *r.LeastRequests > *r.ExpectedRequests || *r.LeastSeconds > *r.ExpectedSeconds {
				t.Errorf("%+v", r)
			}
		}
		if err := w.act("abort"); err != nil {
			t.Fatal(err)
		}
		if got := look(w); len(got) != 0 {
			t.Errorf("after an abort: %+v", got)
		}
		if _, err := w.Outlook(context.Background(), api.Key{Namespace: "a", Name: "b"}); !errors.Is(err, control.ErrNotFound) {
			t.Errorf("of a Rollout that is not there: %v", err)
		}
	})
	inWorld(t, func(w *world) {
		w.judged("{mode: 'off'}", 2)
		if got := look(w); len(got) != 0 {
			t.Errorf("with the guard off: %+v", got)
		}
	})
}

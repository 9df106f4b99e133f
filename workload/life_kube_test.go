//go:build kube

package workload

import (
	"testing"
	"time"

	"github.com/serin-mesh/serin/internal/kubelab"
	"github.com/serin-mesh/serin/rollout"
)

// first brings a first version up.
func (p *place) first(image string, replicas int, canary string) string {
	p.Helper()
	r := p.rollout(image, replicas, canary)
	v := p.version(Wanted{})
	p.workload.Want(Wanted{Rollout: r, Stable: v, Version: v})
	p.untilSize(v, int32(replicas))
	return v
}

// TestLife: a first version, a canary by weight, its promotion; the old version
// goes when nobody uses it.
func TestLife(t *testing.T) {
	p := newPlace(t, kubelab.KubeletOptions{})
	v1 := p.first("shop:1", 3, "")
	if r := p.until("all pods", func(r Report) bool { return r.AvailableReplicas == 3 }); r.HPAReplicas != 3 || r.Selector != "app=shop" || r.Revision != "1" || r.Err != "" {
		t.Errorf("the first version is reported as %+v", r)
	}

	r := p.rollout("shop:2", 3, "")
	v2 := p.version(Wanted{Stable: v1, Version: v1})
	if s := p.set(v2); *s.Spec.Replicas != 0 || s.Annotations[AnnotationRevision] != "2" {
		t.Errorf("the new version begins as %v", s)
	}
	half := need(v2, 50)
	began := time.Now()
	p.workload.Want(Wanted{Rollout: r, Stable: v1, Version: v2, Canary: half, Busy: []string{v1}})
	p.until("the canary's pods", func(r Report) bool { return r.Pods.Need == half && r.Pods.Met })
	t.Logf("two pods were reported %s after they were wanted", time.Since(began).Round(time.Millisecond))
	p.untilSize(v2, 2)
	p.untilSize(v1, 3)

	all := need(v2, 100)
	p.workload.Want(Wanted{Rollout: r, Stable: v1, Version: v2, Canary: all, Busy: []string{v1, v2}, AtMost: rollout.Total / 2})
	p.until("all of the canary's pods", func(r Report) bool { return r.Pods.Need == all && r.Pods.Met })

	now := time.Now()
	p.workload.Want(Wanted{Rollout: r, Stable: v2, Version: v2, Busy: []string{v1, v2}, Promoted: &now})
	p.until("the promotion", func(r Report) bool { return r.Pods == rollout.Pods{} })
	p.untilSize(v1, 3)
	p.workload.Want(Wanted{Rollout: r, Stable: v2, Version: v2, Busy: []string{v2}, Promoted: &now})
	p.untilSize(v1, 0)
	p.untilSize(v2, 3)
}

package workload

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// podsAt makes a pod for each letter: o is older than noon, y younger, and a capital
// letter is one that is ready since half a minute before noon.
func podsAt(letters string) (pods []core.Pod) {
	for i, l := range letters {
		p := core.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint(i), CreationTimestamp: metav1.NewTime(noon.Add(-time.Minute))}}
		if l == 'y' || l == 'Y' {
			p.CreationTimestamp = metav1.NewTime(noon.Add(time.Second))
		}
		if l == 'O' || l == 'Y' {
			p.Status.Conditions = []core.PodCondition{{Type: core.PodReady, Status: core.ConditionTrue, LastTransitionTime: metav1.NewTime(noon.Add(-30 * time.Second))}}
		}
		pods = append(pods, p)
	}
	return pods
}

// TestChoose: as many old pods go as may be missing, the oldest first; one that
// serves nobody goes at once.
func TestChoose(t *testing.T) {
	tests := []struct {
		name, pods string
		limit      intstr.IntOrString
		minReady   int32
		evict      string
		old        int
	}{
		{"one at a time", "OOOO", intstr.FromInt32(1), 0, "0", 4},
		{"half at a time", "OOOO", intstr.FromString("50%"), 0, "01", 4},
		{"at least one", "OO", intstr.FromInt32(0), 0, "0", 2},
		{"one is missing already", "OOOy", intstr.FromInt32(1), 0, "", 3},
		{"one is not made again yet", "OOO", intstr.FromInt32(1), 0, "", 3},
		{"one that is not ready", "OOoO", intstr.FromInt32(1), 0, "2", 4},
		{"all are young", "YYYY", intstr.FromInt32(1), 0, "", 0},
		{"the last ones", "YYYO", intstr.FromInt32(1), 0, "3", 1},
		{"ready, but not for long enough", "OOYY", intstr.FromInt32(1), 60, "01", 2},
		{"ready for just long enough", "OOYY", intstr.FromInt32(1), 30, "0", 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			replicas := int32(4)
			if len(test.pods) == 2 {
				replicas = 2
			}
			evict, old := choose(podsAt(test.pods), terms{unavailable: &test.limit, minReady: test.minReady}, replicas, noon, noon)
			names := ""
			for _, p := range evict {
				names += p.Name
			}
			if names != test.evict || old != test.old {
				t.Errorf("%q go of %d old ones", names, old)
			}
		})
	}
}

// TestRestartOrder: the stable version is first, and what has no pods is left out.
func TestRestartOrder(t *testing.T) {
	r := shop(t, "")
	var own []*apps.ReplicaSet
	for _, version := range []string{"v1", "v2", "v3", "v4"} {
		s := made(t, r, version, "")
		if version != "v4" {
			*s.Spec.Replicas = 1
		}
		own = append(own, s)
	}
	v := view{Wanted: Wanted{Stable: "v3"}, asked: "v2"}
	var order []string
	for _, s := range v.restartOrder(own) {
		order = append(order, versionOf(s))
	}
	if diff := cmp.Diff([]string{"v3", "v2", "v1"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

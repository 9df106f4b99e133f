package snapshot

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestToldByRoutes: what is asked for is in the metadata of every route that
// divides the Service's traffic, by cluster, while a canary runs; what goes to a
// version on purpose is not among it, nor is another Service beside it.
func TestToldByRoutes(t *testing.T) {
	b := build(t, mixedYAML)
	told := Told{Statuses: []int{429, 4, 429}, GRPC: []int{5}, Calls: true}
	listed := func() map[string]any {
		out := map[string]any{}
		for _, r := range routes(t, b).VirtualHosts[0].Routes {
			if m := r.GetMetadata().GetFilterMetadata()[toldMetadata]; m != nil {
				out[r.Name] = m.AsMap()
			}
		}
		return out
	}
	b.SetSplit(shop, &Split{Stable: "v1", Told: told})
	if got := listed(); len(got) > 0 {
		t.Errorf("without a canary: %v", got)
	}
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Told: told})
	b.SetSplit(key("cart"), &Split{Stable: "w1", Canary: "w2"})
	got := listed()
	if len(got) == 0 {
		t.Fatal("nothing is told")
	}
	numbers := []any{4.0, 429.0, 1005.0, 2000.0}
	for name, list := range got {
		if len(list.(map[string]any))%2 != 0 {
			t.Errorf("%s tells of one version alone: %v", name, list)
		}
		for cluster, told := range list.(map[string]any) {
			if d := cmp.Diff(numbers, told); d != "" || !strings.HasPrefix(cluster, "default/shop/8") || strings.HasSuffix(cluster, "direct") {
				t.Errorf("%s tells of %s (-want +got):\n%s", name, cluster, d)
			}
		}
	}
	// A change of it is a change of the routes; the same in another order is none.
	before := get(t, b, edge, Route, "default/edge/10000").Version
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Told: Told{Statuses: []int{4, 429}, GRPC: []int{5}, Calls: true}})
	if get(t, b, edge, Route, "default/edge/10000").Version != before {
		t.Error("the same in another order changed the routes")
	}
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2"})
	if got := listed(); len(got) > 0 {
		t.Errorf("when nobody asks: %v", got)
	}
}

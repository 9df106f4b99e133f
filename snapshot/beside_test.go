package snapshot

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"github.com/google/go-cmp/cmp"
)

// prefixed gives the keys of shop's versions under the prefix of one mix.
func prefixed(mix string, weights map[string]uint32) map[string]uint32 {
	out := map[string]uint32{}
	for v, w := range weights {
		out["serin.default/shop/80/"+mix+".default/shop/80/"+v] = w
	}
	return out
}

func union(sets ...map[string]uint32) map[string]uint32 {
	out := map[string]uint32{}
	for _, s := range sets {
		maps.Copy(out, s)
	}
	return out
}

// TestBesideLife walks a Service through an experiment beside its canary and
// looks at each stage at the route, its static form, and the runtime keys.
func TestBesideLife(t *testing.T) {
	type w = map[string]uint32
	alone := "shop.example shop/0/0 -> default/shop/80/v2=%d default/shop/80/v1=%d"
	both := "shop.example shop/0/0 -> default/shop/80/v2=%d default/shop/80/e1=%d default/shop/80/e2=%d default/shop/80/v1=%d"
	mixes := []Mix{{"v2", []string{"e1"}}, {"v2", []string{"e1", "e2"}}}
	for _, c := range []struct {
		name          string
		split         Split
		route, static string
		keys          w
		clusters      []string
	}{
		{"one beside the canary", Split{Stable: "v1", Canary: "v2", Weight: 200_000, Beside: []Part{{"e1", 50_000}}},
			"shop.example shop/0/0 -> default/shop/80/v2=0 default/shop/80/e1=0 default/shop/80/v1=1000000 by serin.default/shop/80/v2+e1",
			"shop.example shop/0/0 -> default/shop/80/v2=200000 default/shop/80/e1=50000 default/shop/80/v1=750000",
			union(
				prefixed("v2+e1", w{"v1": 750_000, "v2": 200_000, "e1": 50_000}),
				prefixed("v2", w{"v1": 800_000, "v2": 200_000, "e1": 800_000}),
				prefixed("v1", w{"v1": Total, "v2": 0, "e1": 0})),
			[]string{"e1", "v1", "v2"}},
		{"two", Split{Stable: "v1", Canary: "v2", Weight: 200_000, Beside: []Part{{"e2", 100_000}, {"e1", 50_000}}, Former: mixes[:1]},
			fmt.Sprintf(both, 0, 0, 0, Total) + " by serin.default/shop/80/v2+e1+e2",
			fmt.Sprintf(both, 200_000, 50_000, 100_000, 650_000),
			union(
				prefixed("v2+e1+e2", w{"v1": 650_000, "v2": 200_000, "e1": 50_000, "e2": 100_000}),
				prefixed("v2+e1", w{"v1": 750_000, "v2": 200_000, "e1": 50_000, "e2": 750_000}),
				prefixed("v2", w{"v1": 800_000, "v2": 200_000, "e1": 800_000, "e2": 800_000}),
				prefixed("v1", w{"v1": Total, "v2": 0, "e1": 0, "e2": 0})),
			[]string{"e1", "e2", "v1", "v2"}},
		{"over, and the canary goes on", Split{Stable: "v1", Canary: "v2", Weight: 500_000, Retired: []string{"e1", "e2"}, Former: mixes},
			fmt.Sprintf(alone, 0, Total) + " by serin.default/shop/80/v2",
			fmt.Sprintf(alone, 500_000, 500_000),
			union(
				prefixed("v2+e1+e2", w{"v1": 500_000, "v2": 500_000, "e1": 0, "e2": 0}),
				prefixed("v2+e1", w{"v1": 500_000, "v2": 500_000, "e1": 0, "e2": 500_000}),
				prefixed("v2", w{"v1": 500_000, "v2": 500_000, "e1": 500_000, "e2": 500_000}),
				prefixed("v1", w{"v1": Total, "v2": 0, "e1": 0, "e2": 0})),
			[]string{"e1", "e2", "v1", "v2"}},
		{"promoted", Split{Stable: "v2", Retired: []string{"e1", "v1"}, Former: mixes[:1]},
			"shop.example shop/0/0 -> default/shop/80/v2", "",
			union(
				prefixed("v2+e1", w{"v1": 0, "v2": Total, "e1": 0}),
				prefixed("v2", w{"v1": 0, "v2": Total, "e1": 0})),
			[]string{"e1", "v1", "v2"}},
		{"another canary", Split{Stable: "v1", Canary: "v3", Weight: 100_000, Retired: []string{"e1", "v2"}, Former: mixes[:1]},
			"shop.example shop/0/0 -> default/shop/80/v3=0 default/shop/80/v1=1000000 by serin.default/shop/80/v3",
			"shop.example shop/0/0 -> default/shop/80/v3=100000 default/shop/80/v1=900000",
			union(
				prefixed("v3", w{"v1": 900_000, "v2": 900_000, "v3": 100_000, "e1": 900_000}),
				prefixed("v1", w{"v1": Total, "v2": 0, "v3": 0, "e1": 0})),
			[]string{"e1", "v1", "v2", "v3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := build(t, shopYAML)
			b.SetSplit(shop, &c.split)
			expect(t, outline(routes(t, b)), c.route)
			r := get(t, b, edge, Route, "default/edge/10000")
			if (r.Static != nil) != (c.static != "") {
				t.Fatalf("Static is there: %v, want %v", r.Static != nil, c.static != "")
			}
			if r.Static != nil {
				expect(t, outline(message(t, r.Static(), &routev3.RouteConfiguration{})), c.static)
			}
			if d := cmp.Diff(c.keys, keys(t, b, edge)); d != "" {
				t.Errorf("keys (-want +got):\n%s", d)
			}
			var clusters []string
			for _, r := range b.Resources(edge) {
				if v, ok := strings.CutPrefix(r.Name, "default/shop/80/"); ok && r.Type == Cluster {
					clusters = append(clusters, v)
				}
			}
			if d := cmp.Diff(c.clusters, clusters); d != "" {
				t.Errorf("clusters (-want +got):\n%s", d)
			}
			for _, p := range c.split.Beside {
				if !slices.Contains(b.Uses(shop)[edge], Ref{Cluster, "default/shop/80/" + p.Version}) {
					t.Errorf("the cluster of %s is not required: %v", p.Version, b.Uses(shop)[edge])
				}
				if !slices.Contains(r.Keys, "serin.default/shop/80/"+c.split.mixName()+".default/shop/80/"+p.Version) {
					t.Errorf("the route's Keys lack that of %s: %v", p.Version, r.Keys)
				}
			}
		})
	}
}

// mixName is the name of the mix of a Split in any order.
func (s *Split) mixName() string { return normalize(s).mix().String() }

// TestBesideSeveralBackends: in a rule that divides between Services, what is
// beside a canary has its part of that Service's share, and header routes,
// mirrors and the canary Service lead to the canary alone.
func TestBesideSeveralBackends(t *testing.T) {
	b := build(t, mixedYAML)
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 200_000, Beside: []Part{{"e1", 100_000}},
		Managed: []ManagedRoute{{Name: "inside", Headers: []HeaderMatch{{Name: "x"}}}}})
	var plain, managed []string
	for line := range strings.Lines(outline(routes(t, b))) {
		if strings.Contains(line, ManagedPrefix) {
			managed = append(managed, line)
		} else {
			plain = append(plain, line)
		}
	}
	expect(t, strings.Join(plain, ""), `
		* mixed/0/0 -> default/shop/80/v2/direct
		* mixed/1/0 -> default/shop/80/v2=0 default/shop/80/e1=0 default/shop/80/v1=1000000 by serin.default/shop/80/v2+e1
		* mixed/2/0 -> default/shop/80/v2=0 default/shop/80/e1=0 default/shop/80/v1=666667 default/old/80=333333 by serin.route.default/mixed/2/v2+e1,-
		* mixed/3/0 -> default/shop/80/v2=0 default/shop/80/e1=0 default/shop/80/v1=375000 default/cart/80=500000 default/old/80=125000 by serin.route.default/mixed/3/v2+e1,-,-
		* mixed/4/0 -> default/cart/80=333334 default/shop/80/v2=0 default/shop/80/e1=0 default/shop/80/v1=333333 default/shop/81/v2=0 default/shop/81/e1=0 default/shop/81/v1=333333 by serin.route.default/mixed/4/-,v2+e1
		* mixed/5/0 -> default/shop/80/v2=0 default/shop/80/e1=0 default/shop/80/v1=333334 default/shop/80/v2/direct=333333 missing/default/gone/80=333333 by serin.route.default/mixed/5/v2+e1,-`)
	if len(managed) == 0 {
		t.Error("there are no managed routes")
	}
	for _, line := range managed {
		if !strings.HasSuffix(strings.TrimSpace(line), "/v2/direct") {
			t.Errorf("a managed route leads elsewhere: %s", line)
		}
	}
	want := map[string]uint32{"default/shop/80/v2": 75_000, "default/shop/80/e1": 37_500, "default/shop/80/v1": 262_500, "default/cart/80": 500_000, "default/old/80": 125_000}
	got := map[string]uint32{}
	for k, w := range keys(t, b, edge) {
		if cluster, ok := strings.CutPrefix(k, "serin.route.default/mixed/3/v2+e1,-,-."); ok {
			got[cluster] = w
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("keys (-want +got):\n%s", d)
	}
}

// TestBesideOddities: what contradicts itself is put right.
func TestBesideOddities(t *testing.T) {
	for _, c := range []struct {
		name     string
		in, want Split
	}{
		{"no canary", Split{Stable: "v1", Beside: []Part{{"e1", 5}}}, Split{Stable: "v1"}},
		{"not sorted, and twice", Split{Stable: "v1", Canary: "v2", Beside: []Part{{"e2", 5}, {"e1", 6}, {"e2", 7}}},
			Split{Stable: "v1", Canary: "v2", Beside: []Part{{"e1", 6}, {"e2", 5}}}},
		{"beside itself", Split{Stable: "v1", Canary: "v2", Beside: []Part{{"v2", 5}, {"v1", 6}, {"", 7}, {"e1", 0}}}, Split{Stable: "v1", Canary: "v2"}},
		{"more than there is", Split{Stable: "v1", Canary: "v2", Weight: 900_000, Beside: []Part{{"e1", 60_000}, {"e2", 60_000}}},
			Split{Stable: "v1", Canary: "v2", Weight: 900_000, Beside: []Part{{"e1", 60_000}, {"e2", 40_000}}}},
		{"retired", Split{Stable: "v1", Canary: "v2", Beside: []Part{{"e1", 5}}, Retired: []string{"e1", "e0"}},
			Split{Stable: "v1", Canary: "v2", Beside: []Part{{"e1", 5}}, Retired: []string{"e0"}}},
		{"former in use", Split{Stable: "v1", Canary: "v2", Beside: []Part{{"e1", 5}}, Former: []Mix{{"v2", []string{"e1"}}, {"v2", []string{"e2", "e1"}}, {"v2", nil}, {"v2", []string{"e1", "e2"}}}},
			Split{Stable: "v1", Canary: "v2", Beside: []Part{{"e1", 5}}, Former: []Mix{{"v2", []string{"e1", "e2"}}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := normalize(&c.in)
			if got.Former = slices.Clip(got.Former); len(got.Former) == 0 {
				got.Former = nil
			}
			if d := cmp.Diff(&c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestBesideIsTold: of each version that may get traffic the same answers are
// told.
func TestBesideIsTold(t *testing.T) {
	b := build(t, shopYAML)
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Beside: []Part{{"e1", 5}}, Told: Told{Statuses: []int{429}}})
	fields := routes(t, b).VirtualHosts[0].Routes[0].GetMetadata().GetFilterMetadata()[toldMetadata].GetFields()
	if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, []string{"default/shop/80/e1", "default/shop/80/v1", "default/shop/80/v2"}) {
		t.Errorf("told of %v", got)
	}
}

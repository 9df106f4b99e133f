package snapshot

import (
	"slices"
	"strings"
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/api"
)

// mixedYAML has rules of every shape that names Services of Rollouts: the canary
// alone, one Service, beside a plain one, two Services, two ports, and beside
// its own canary.
const mixedYAML = edgeYAML + rolloutYAML + `
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {ports: [{name: http, port: 80}, {name: admin, port: 81}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: old}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: mixed}
spec:
  parentRefs: [{name: edge}]
  rules:
  - backendRefs: [{name: shop-canary, port: 80}]
  - backendRefs: [{name: shop, port: 80}]
  - backendRefs: [{name: shop, port: 80, weight: 2}, {name: old, port: 80}]
  - backendRefs: [{name: shop, port: 80, weight: 3}, {name: cart, port: 80, weight: 4}, {name: old, port: 80}]
  - backendRefs: [{name: cart, port: 80}, {name: shop, port: 80}, {name: shop, port: 81}]
  - backendRefs: [{name: shop, port: 80}, {name: shop-canary, port: 80}, {name: gone, port: 80}]
`

// life is what the rollouts of one Service have come to: the split, and which
// versions were taken out as bad.
type life struct {
	service   api.Key
	split     Split
	withdrawn map[string]bool
}

// step lets one thing happen to the Service, as the state machine does it, and
// says what. Nothing: it cannot happen now.
func (l *life) step(t *rapid.T) string {
	s, version := &l.split, rapid.SampledFrom([]string{"v1", "v2", "v3", "v4"}).Draw(t, "version")
	switch what := rapid.SampledFrom([]string{"start", "start", "weight", "weight", "beside", "beside", "promote", "back", "rollback", "manage", "settle"}).Draw(t, "what"); {
	case what == "beside" && s.Canary != "":
		l.setBeside(drawParts(t, s))
	case what == "start" && version != s.Stable && version != s.Canary:
		l.setBeside(nil)
		l.withdraw(s.Canary)
		l.revive(version)
		s.Canary, s.Weight, s.Managed = version, 0, nil
	case what == "manage" && s.Canary != "":
		s.Managed = drawManaged(t)
	case what == "weight" && s.Canary != "": // an abort too, at 0
		s.Weight = rapid.SampledFrom([]uint32{0, 1, 333_333, Total}).Draw(t, "weight")
		left := Total - s.Weight
		for _, p := range s.Beside {
			if p.Weight > left {
				l.setBeside(nil)
				break
			}
			left -= p.Weight
		}
	case what == "promote" && s.Canary != "":
		l.setBeside(nil)
		s.Retired = append(s.Retired, s.Stable)
		s.Stable, s.Canary, s.Weight, s.Managed = s.Canary, "", 0, nil
	case what == "back" && s.Canary != "":
		l.setBeside(nil)
		l.withdraw(s.Canary)
		s.Canary, s.Weight, s.Managed = "", 0, nil
	case what == "rollback" && s.Canary == "" && version != s.Stable:
		bad := s.Stable
		l.revive(version)
		s.Stable = version
		l.withdraw(bad)
	case what == "settle" && len(s.Retired) > 0:
		s.Retired, s.Former = nil, nil
		return what
	}
	return ""
}

// setBeside puts versions beside the canary in place of those that are there.
func (l *life) setBeside(parts []Part) {
	s := &l.split
	was := s.mix()
	for _, p := range parts {
		l.revive(p.Version)
	}
	before := s.Beside
	s.Beside = parts
	for _, p := range before {
		if !slices.Contains(s.mix().Beside, p.Version) {
			l.withdraw(p.Version)
		}
	}
	is := s.mix()
	s.Former = slices.DeleteFunc(slices.Clone(s.Former), func(m Mix) bool { return m.equal(was) || m.equal(is) })
	if len(was.Beside) > 0 && !was.equal(is) {
		s.Former = append(s.Former, was)
	}
}

// drawParts draws versions that are neither stable nor canary, sorted, and what
// they have of what the canary leaves.
func drawParts(t *rapid.T, s *Split) []Part {
	var out []Part
	for _, v := range []string{"e1", "e2", "v3", "v4"} {
		if v != s.Stable && v != s.Canary && rapid.IntRange(0, 2).Draw(t, v) == 0 {
			if w := min(rapid.SampledFrom([]uint32{1, 50_000, 333_333}).Draw(t, "part"), (Total-s.Weight)/4); w > 0 {
				out = append(out, Part{v, w})
			}
		}
	}
	return out
}

func (l *life) withdraw(version string) {
	if version != "" {
		l.withdrawn[version] = true
		l.split.Retired = append(l.split.Retired, version)
	}
}

func (l *life) revive(version string) {
	delete(l.withdrawn, version)
	l.split.Retired = slices.DeleteFunc(slices.Clone(l.split.Retired), func(v string) bool { return v == version })
}

// current copies the split, so that it can go into the past.
func (l *life) current() Split {
	s := l.split
	s.Retired = slices.Clone(s.Retired)
	return s
}

// heldRoute is a route that an Envoy may still have, and the splits that it was
// made under.
type heldRoute struct {
	*routev3.Route
	made map[api.Key]Split
}

// read gives the weights that Envoy reads: the keys, or the route's own weight
// where there is none.
func (h *heldRoute) read(keys map[string]uint32) map[string]uint32 {
	out := map[string]uint32{}
	set := h.GetRoute().GetWeightedClusters()
	for _, c := range set.GetClusters() {
		w, there := keys[set.RuntimeKeyPrefix+"."+c.Name]
		if !there || set.RuntimeKeyPrefix == "" {
			w = c.Weight.GetValue()
		}
		out[c.Name] = w
	}
	return out
}

// TestKeysServeHeldRoutes: through any history of two Services, the weights
// that every route reads that was made since the fleet last settled sum to
// Total, each Service keeping its share, and are right for what is wanted now.
func TestKeysServeHeldRoutes(outer *testing.T) {
	objects := parse(outer, mixedYAML)
	rapid.Check(outer, func(t *rapid.T) {
		b := NewBuilder(Options{})
		b.SetObjects(objects)
		lives := []*life{
			{shop, Split{Stable: "v1"}, map[string]bool{}},
			{key("cart"), Split{Stable: "v1"}, map[string]bool{}},
		}
		var held []heldRoute
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			l := rapid.SampledFrom(lives).Draw(t, "service")
			if l.step(t) == "settle" {
				held = slices.DeleteFunc(held, func(h heldRoute) bool {
					old := h.made[l.service]
					return old.Stable != l.split.Stable || !old.mix().equal(l.split.mix())
				})
			}
			made := map[api.Key]Split{}
			for _, l := range lives {
				made[l.service] = l.current()
				s := l.current()
				b.SetSplit(l.service, &s)
			}
			for _, r := range routes(outer, b).VirtualHosts[0].Routes {
				held = append(held, heldRoute{r, made})
			}
			set := keys(outer, b, edge)
			for _, h := range held {
				weights := h.read(set)
				if len(weights) == 0 {
					continue
				}
				var sum uint32
				for _, w := range weights {
					sum += w
				}
				if sum != Total {
					t.Fatalf("route %s of %+v reads %v under %+v and %+v: the sum is %d", h.Name, h.made, weights, lives[0].split, lives[1].split, sum)
				}
				for _, l := range lives {
					h.check(t, l, weights)
				}
			}
		}
	})
}

// check looks at what the versions of one Service read.
func (h *heldRoute) check(t *rapid.T, now *life, weights map[string]uint32) {
	made, own := h.made[now.service], map[string]uint32{}
	for _, c := range h.GetRoute().GetWeightedClusters().GetClusters() {
		if rest, ok := strings.CutPrefix(c.Name, now.service.String()+"/"); ok {
			own[rest[strings.Index(rest, "/")+1:]] += c.Weight.GetValue()
		}
	}
	var share, got uint32 // of the Service: written, and read
	read := map[string]uint32{}
	for _, w := range own {
		share += w
	}
	for name, w := range weights {
		if rest, ok := strings.CutPrefix(name, now.service.String()+"/"); ok {
			read[rest[strings.Index(rest, "/")+1:]] += w
			got += w
		}
	}
	if got != share {
		t.Fatalf("route %s reads %v: %v has %d, not %d", h.Name, weights, now.service, got, share)
	}
	if made.Canary == "" || own[made.Canary+"/direct"] > 0 { // whole, or one that names the canary Service
		return
	}
	stable, canary := now.split.Stable, now.split.Canary
	for _, p := range made.Beside {
		part := uint64(0)
		if made.Canary == canary {
			part = uint64(share) * uint64(now.split.given().of(p.Version)) / Total
		}
		if got := uint64(read[p.Version]); got > part || got+uint64(len(own)) < part {
			t.Fatalf("route %s made under %+v reads %v under %+v: %s is to have %d", h.Name, made, weights, now.split, p.Version, part)
		}
	}
	wrong := ""
	switch most := uint64(share) * uint64(now.split.Weight) / Total; {
	case made.Canary == stable && read[stable] != share:
		wrong = "the version that became stable has not all"
	case made.Canary == canary && uint64(read[canary]) > most:
		wrong = "the canary has more than its weight"
	case made.Canary == canary && uint64(read[canary])+1+uint64(len(own)) < most:
		wrong = "the canary has less than its weight"
	case now.withdrawn[made.Canary] && made.Canary != stable && read[made.Canary] != 0:
		wrong = "a canary that was withdrawn has traffic"
	case made.Stable == stable && made.Canary != canary && read[stable] != share:
		wrong = "the stable version has not all"
	}
	if wrong != "" {
		t.Fatalf("route %s made under %+v reads %v under %+v: %s", h.Name, made, weights, now.split, wrong)
	}
}

// TestKeysOfTwoServices: a rule that divides between two Services in the midst
// of rollouts has keys for every pair of canaries that a route may be of.
func TestKeysOfTwoServices(t *testing.T) {
	b := build(t, mixedYAML)
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: 500_000})
	b.SetSplit(key("cart"), &Split{Stable: "w2", Retired: []string{"w1"}})
	const prefix = "serin.route.default/mixed/3/"
	got := map[string]map[string]uint32{}
	for k, w := range keys(t, b, edge) {
		if rest, ok := strings.CutPrefix(k, prefix); ok {
			leads, cluster, _ := strings.Cut(rest, ".default/")
			if got[leads] == nil {
				got[leads] = map[string]uint32{}
			}
			got[leads][cluster] = w
		}
	}
	set := func(v1, v2, w1, w2 uint32) map[string]uint32 {
		return map[string]uint32{"shop/80/v1": v1, "shop/80/v2": v2, "cart/80/w1": w1, "cart/80/w2": w2, "old/80": 125_000}
	}
	const all, half, cart = 375_000, 187_500, 500_000
	want := map[string]map[string]uint32{
		"v2,-,-":  set(half, half, cart, cart), // as the route is now
		"v2,w2,-": set(half, half, 0, cart),
		"v2,w1,-": set(half, half, 0, cart),
		"v1,-,-":  set(all, 0, cart, cart),
		"v1,w2,-": set(all, 0, 0, cart),
		"v1,w1,-": set(all, 0, 0, cart),
		"-,w2,-":  set(all, all, 0, cart),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("keys by lead (-want +got):\n%s", d)
	}
	r := get(t, b, edge, Route, "default/edge/10000")
	for _, k := range []string{"shop/80/v1", "shop/80/v2", "cart/80/w2", "old/80"} {
		if !slices.Contains(r.Keys, prefix+"v2,-,-.default/"+k) {
			t.Errorf("the route's Keys lack that of %s: %v", k, r.Keys)
		}
	}
}

package snapshot

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func sortedKeys(m map[string]uint32) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func TestShares(t *testing.T) {
	for _, c := range []struct {
		weights []int32
		want    []uint32
	}{
		{nil, nil},
		{[]int32{0, 0}, nil},
		{[]int32{1}, []uint32{Total}},
		{[]int32{1, 1}, []uint32{500_000, 500_000}},
		{[]int32{1, 1, 1}, []uint32{333_334, 333_333, 333_333}},
		{[]int32{1, 2}, []uint32{333_333, 666_667}},
		{[]int32{90, 10, 0}, []uint32{900_000, 100_000, 0}},
		{[]int32{-1, 4}, []uint32{0, Total}},
	} {
		if d := cmp.Diff(c.want, shares(c.weights)); d != "" {
			t.Errorf("shares(%v) (-want +got):\n%s", c.weights, d)
		}
	}
}

// TestSharesExact: shares sum to Total, and none is off by as much as one.
func TestSharesExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Int32Range(0, 1_000_000), 1, 8).Draw(t, "weights")
		var sum int64
		for _, w := range weights {
			sum += int64(w)
		}
		got := shares(weights)
		if sum == 0 {
			if got != nil {
				t.Fatalf("shares of nothing: %v", got)
			}
			return
		}
		var total uint32
		for i, s := range got {
			total += s
			if off := int64(s)*sum - int64(weights[i])*Total; off >= sum || off <= -sum {
				t.Fatalf("share %d of weight %d in %d", s, weights[i], sum)
			}
		}
		if total != Total {
			t.Fatalf("shares sum to %d", total)
		}
	})
}

// TestWeightsSum: whatever backends a rule has and wherever its canaries
// stand, weights sum to Total, a canary never has more than its step's part,
// and the route's own weights give it nothing.
func TestWeightsSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &rule{route: key("r")}
		in := splits{}
		for i := range rapid.IntRange(1, 4).Draw(t, "backends") {
			service := key(string(rune('a' + i)))
			r.addBackend(backend{
				named:  backendKey{service, 80},
				exists: rapid.Bool().Draw(t, "exists"),
				weight: rapid.Int32Range(0, 100).Draw(t, "weight"),
			})
			if rapid.Bool().Draw(t, "rollout") {
				in[service] = normalize(&Split{
					Stable:  "1",
					Canary:  rapid.SampledFrom([]string{"", "2"}).Draw(t, "canary"),
					Weight:  rapid.Uint32Range(0, Total).Draw(t, "split"),
					Beside:  drawBeside(t),
					Retired: rapid.SampledFrom([][]string{nil, {"0"}}).Draw(t, "retired"),
				})
			}
		}
		r.divideShares()
		canaries := canaryWeights{}
		for s, split := range in {
			canaries[s] = split.given()
		}
		set := r.divide(in)
		if set == nil {
			return
		}
		own, wanted := set.weights(nil), set.weights(canaries)
		checkSum(t, own)
		checkSum(t, wanted)
		for _, term := range set.terms {
			g := canaries[term.service]
			weight := g.canary
			switch term.role {
			case canaryOf:
			case besideOf:
				weight = g.of(term.beside[0])
			default:
				continue
			}
			if most := uint64(term.share) * uint64(weight) / Total; own[term.cluster] != 0 || uint64(wanted[term.cluster]) > most {
				t.Fatalf("%s has %d of its own, %d of %d wanted", set.clusters[term.cluster], own[term.cluster], wanted[term.cluster], most)
			}
		}
	})
}

// drawBeside draws what a Split says of versions beside its canary, in whatever
// order and however much.
func drawBeside(t *rapid.T) []Part {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Part {
		return Part{rapid.SampledFrom([]string{"e1", "e2", "v2", "1", ""}).Draw(t, "beside"),
			rapid.SampledFrom([]uint32{0, 1, 50_000, 333_333, Total}).Draw(t, "part")}
	}), 0, 3).Draw(t, "parts")
}

func checkSum(t *rapid.T, weights []uint32) {
	var sum uint32
	for _, w := range weights {
		sum += w
	}
	if sum != Total {
		t.Fatalf("weights %v sum to %d", weights, sum)
	}
}

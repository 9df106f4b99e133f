package analysis_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
)

var half = analysis.ProofConfig{MaxIncrease: 0.005, Beta: 0.05}

// TestProofWithoutErrors: 788 good requests prove it, and not one less.
func TestProofWithoutErrors(t *testing.T) {
	p := analysis.NewProof(half)
	p.Good(787)
	if r := p.Verdict(); r.Verdict != api.VerdictInconclusive {
		t.Errorf("787 requests: %s (%s)", r.Verdict, r.Message)
	}
	p.Good(788)
	if r := p.Verdict(); r.Verdict != api.VerdictGood || !strings.Contains(r.Message, "788 requests") {
		t.Errorf("788 requests: %s (%s)", r.Verdict, r.Message)
	}
	p.Good(100)
	if p.Evidence() < 20 {
		t.Error("a smaller count takes evidence back")
	}
}

func TestProofRequests(t *testing.T) {
	if n := analysis.ProofRequests(half); n != 788 {
		t.Errorf("%v requests, want 788", n)
	}
	if n := analysis.ProofRequests(analysis.ProofConfig{Beta: 0.05}); !math.IsInf(n, 1) {
		t.Errorf("%v requests prove that it is not worse at all", n)
	}
}

// TestProofByHand computes the process from its definition.
func TestProofByHand(t *testing.T) {
	const k1, k0, n, w = 2, 5, 400, 0.1
	p := analysis.NewProof(half)
	for range k1 {
		p.Failure(analysis.Failure{Canary: true, Weight: w})
	}
	for range k0 {
		p.Failure(analysis.Failure{Weight: w})
	}
	p.Good(n)
	var want float64
	for i := range 8 {
		c := 0.02 * math.Pow(45, float64(i)/7)
		want += 0.7 / 8 * math.Pow(1-c, k1) * math.Pow(1+w*c/(1-w), k0) * math.Exp(c*0.005*n)
	}
	if got := p.Evidence(); math.Abs(got/want-1) > 1e-12 {
		t.Errorf("evidence %v, want %v", got, want)
	}
}

// TestWrongProofs: of canaries at the edge of what is ruled out, fewer than beta
// are ever proved, though it is looked at all the time.
func TestWrongProofs(t *testing.T) {
	const runs, w, p0 = 2000, 0.2, 0.01
	rng := rand.New(rand.NewPCG(1, 2))
	wrong := 0
	for range runs {
		p := analysis.NewProof(half)
		good := 0.0
		for range 20_000 {
			switch canary := rng.Float64() < w; {
			case canary && rng.Float64() < p0+half.MaxIncrease:
				p.Failure(analysis.Failure{Canary: true, Weight: w})
			case canary:
				good++
			case rng.Float64() < p0:
				p.Failure(analysis.Failure{Weight: w})
			}
			if p.Good(good); int(good)%20 == 19 && p.Evidence() >= 20 {
				wrong++
				break
			}
		}
	}
	// 2000 * 0.05 = 100; four standard deviations more would be chance at 1 in 30,000.
	if wrong > 100+40 || wrong == 0 {
		t.Errorf("%d of %d were proved, want some and about 100 at most", wrong, runs)
	}
}

// TestProofOfAGoodCanary: at 0.5% errors some thousands of requests prove it.
func TestProofOfAGoodCanary(t *testing.T) {
	const w, p0 = 0.1, 0.005
	rng := rand.New(rand.NewPCG(3, 4))
	var sum float64
	const runs = 200
	for range runs {
		p, good := analysis.NewProof(half), 0.0
		for int(good)%20 != 19 || p.Evidence() < 20 {
			canary, fails := rng.Float64() < w, rng.Float64() < p0
			if fails {
				p.Failure(analysis.Failure{Canary: canary, Weight: w})
			} else if canary {
				good++
				p.Good(good)
			}
		}
		sum += good
	}
	if mean := sum / runs; mean < 1500 || mean > 3500 {
		t.Errorf("%.0f canary requests on average, want about 2,650", mean)
	}
}

func TestProofGoesOnAfterItsJSON(t *testing.T) {
	a := analysis.NewProof(half)
	b := analysis.NewProof(analysis.ProofConfig{})
	for i := range 50 {
		a.Failure(analysis.Failure{Canary: i%7 == 0, Weight: 0.3})
		a.Good(float64(20 * i))
		raw, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, b); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(a.Verdict(), b.Verdict()); d != "" {
			t.Fatalf("(-stored +loaded)\n%s", d)
		}
		a, b = b, a
	}
	for _, bad := range []string{`{}`, `{"format":1,"config":{"maxIncrease":0.005,"beta":2},"logs":[0,0,0,0,0,0,0,0,0]}`,
		`{"format":1,"config":{"maxIncrease":0.005,"beta":0.05},"logs":[0]}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), b); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// TestFailuresWithoutStable: at full weight there is nothing to compare with.
func TestFailuresWithoutStable(t *testing.T) {
	p := analysis.NewProof(half)
	p.Failure(analysis.Failure{Weight: 1})
	if r := p.Verdict(); r.Ignored != 1 || r.Evidence != 1 {
		t.Errorf("%+v", r)
	}
}

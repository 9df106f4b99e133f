package analysis

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// newHosts gives the hosts of a canary at its start.
func newHosts(count int) *hosts {
	h := &hosts{count: count}
	h.release(&patient.start, 1)
	return h
}

// Each remainder is the mixture over the failures that it does not leave out, at
// the share of the traffic that it still has.
func TestRemaindersByDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const margin = 0.4
		count := rapid.IntRange(1, 6).Draw(t, "count")
		h, want, order := newHosts(count), [groups][components]float64{}, []string{}
		for g := range want {
			want[g] = patient.start
		}
		for range rapid.IntRange(0, 60).Draw(t, "failures") {
			f := &Failure{Canary: rapid.Bool().Draw(t, "canary")}
			w := rapid.SampledFrom([]float64{0.05, 0.2, 0.7}).Draw(t, "weight")
			if f.Canary {
				f.Host = rapid.SampledFrom([]string{"", "a", "b", "c", "d", "e", "f"}[:count+1]).Draw(t, "host")
			}
			at := -1
			for i, name := range order {
				if name == f.Host {
					at = i
				}
			}
			for g := range want {
				left := 0.0 // hosts that are left out
				for i := range count {
					if i < len(order) && i%groups == g || i >= len(order) && len(order)%groups == g {
						left++
					}
				}
				out := f.Canary && f.Host != "" && (at >= 0 && at%groups == g || at < 0 && len(order)%groups == g)
				if out || left == float64(count) {
					continue
				}
				with := w * (1 - left/float64(count)) // of all requests, those of the canary that count
				share := with / (with + 1 - w)
				for j := range want[g] {
					want[g][j] *= bruteFactor(f.Canary, share, grid[j].rise*(1+margin), 1+margin)
				}
			}
			if f.Canary && f.Host != "" && at < 0 {
				order = append(order, f.Host)
			}
			h.failed(f, w, margin)
		}
		for g := range want {
			if got := mean(&h.rest[g].value); !near(got, mean(&want[g])) {
				t.Fatalf("without group %d the evidence is %v, want %v", g, got, mean(&want[g]))
			}
		}
	})
}

// bruteFactor is how much more probable a failure's version is where the canary
// fails rho times as often than where it fails edge times as often.
func bruteFactor(canary bool, w, rho, edge float64) float64 {
	q1, q := 1.0, odds(w, edge)
	if !math.IsInf(rho, 1) {
		q1 = odds(w, rho)
	}
	if canary {
		return q1 / q
	}
	return (1 - q1) / (1 - q)
}

// Without the group of a host that dies, the evidence of a canary at the edge of
// the null is hardly expected to grow, over every course of some failures. That it
// may at all is because the groups are chosen as hosts fail.
func TestRemainderIsFairByEnumeration(t *testing.T) {
	const length, w, margin = 7, 0.3, 0.4
	for _, count := range []int{2, 3, 5} {
		names := make([]string, count)
		for i := range names {
			names[i] = fmt.Sprint("h", i)
		}
		// How often each host of the canary fails, and stable: host 0 is dying.
		rates, sum := make([]float64, count+1), 0.0
		for i := range rates {
			switch i {
			case 0:
				rates[i] = 40 * w / float64(count)
			case count:
				rates[i] = 1 - w
			default:
				rates[i] = (1 + margin) * w / float64(count)
			}
			sum += rates[i]
		}
		expected := 0.0
		course := make([]int, length)
		var walk func(n int, p float64)
		walk = func(n int, p float64) {
			if n == length {
				h := newHosts(count)
				for _, i := range course {
					f := &Failure{Canary: i < count}
					if f.Canary {
						f.Host = names[i]
					}
					h.failed(f, w, margin)
				}
				expected += p * mean(&h.rest[h.group(names[0])].value)
				return
			}
			for i, r := range rates {
				course[n] = i
				walk(n+1, p*r/sum)
			}
		}
		walk(0, 1)
		if start := mean(&patient.start); expected > start*1.1 {
			t.Errorf("%d hosts: %v is expected without the host that dies, want %v and hardly more", count, expected, start)
		}
	}
}

func TestLoneHostIsNamed(t *testing.T) {
	h := newHosts(6)
	for _, name := range []string{"a", "b", "c", "d", "e", "e", "e"} { // e is in the group of a
		h.failed(&Failure{Canary: true, Host: name}, 0.2, 0.4)
	}
	if group, _ := h.alone(); group != 0 || h.worst(group) != "e" {
		t.Errorf("group %d rests on %s, want 0 and e", group, h.worst(group))
	}
	if got := h.worst(3); got != "d" {
		t.Errorf("the worst of group 3 is %q, want d", got)
	}
}

// More hosts than are told apart still have groups, and shares that sum to all.
func TestManyHosts(t *testing.T) {
	h := newHosts(40)
	for i := range 40 {
		h.failed(&Failure{Canary: true, Host: fmt.Sprint("10.0.0.", i)}, 0.2, 0.4)
		sum := 0.0
		for g := range groups {
			sum += h.share(g)
		}
		if !near(sum, 1) {
			t.Fatalf("after %d hosts the shares sum to %v, want 1", i+1, sum)
		}
	}
	if len(h.known) != knownHosts {
		t.Errorf("%d hosts are told apart, want %d", len(h.known), knownHosts)
	}
	if a, b := h.group("10.0.0.39"), h.group("10.0.0.39"); a != b || a >= groups {
		t.Errorf("a host is in groups %d and %d", a, b)
	}
}

func TestFlags(t *testing.T) {
	var f flags
	if got := f.note(); got != "" {
		t.Errorf("note %q without flags, want none", got)
	}
	for _, flag := range []string{"", "UF", "UH", "UH", ""} {
		f.add(flag)
	}
	if got, want := f.note(), "; Envoy gave UH for 2 of the canary's failures"; got != want {
		t.Errorf("note %q, want %q", got, want)
	}
	for _, flag := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		f.add(flag)
	}
	if got := f.commonest(); got != (flagCount{"UH", 2}) {
		t.Errorf("commonest %+v after more flags than there is room for, want UH twice", got)
	}
}

package sim_test

import (
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/serin-mesh/serin/rollout/sim"
)

// histories is how many histories are played: two thousand, or what
// SERIN_SIM_HISTORIES says.
func histories(t *testing.T) uint64 {
	t.Helper()
	text, ok := os.LookupEnv("SERIN_SIM_HISTORIES")
	if !ok {
		return 2000
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 {
		t.Fatalf("SERIN_SIM_HISTORIES=%q is no number of histories", text)
	}
	return n
}

// TestHistories plays random histories of many lengths.
func TestHistories(t *testing.T) {
	total := histories(t)
	var next atomic.Uint64
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for seed := next.Add(1); seed <= total && !t.Failed(); seed = next.Add(1) {
				if err := sim.Run(seed, int(20+seed*37%180)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

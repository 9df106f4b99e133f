package sim_test

import (
	"testing"

	"github.com/serin-mesh/serin/rollout/sim"
)

// FuzzHistory plays the histories that bytes give: a fuzzer that varies them
// varies the choices one by one.
func FuzzHistory(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("some bytes are a history of a few events, and then the same one again and again"))
	f.Add([]byte{200, 1, 3, 5, 9, 20, 40, 80, 160, 3, 9, 27, 81, 243, 217, 139, 161, 227, 2, 4, 8, 16, 32, 64, 128, 255})
	long := make([]byte, 600)
	for i := range long {
		long[i] = byte(i * i * 31)
	}
	f.Add(long)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := sim.RunBytes(data); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzScript replays any text: it is refused, or it is a history in which
// everything holds.
func FuzzScript(f *testing.F) {
	f.Add("-- history --\nsteps 20 pause:1m requests:5 route:a unroute:a skip\nwant v1\nwant v2\nround\nharm 0\nretry\n")
	f.Add("-- history --\nconnect e1\nsend e1 keys\ntake e1 config\nrefuse e1 clusters\nhear e1 config\ncrash\nstart\n")
	f.Add("# nothing\n-- history --\nsteps 101\n")
	f.Fuzz(func(t *testing.T, text string) {
		script, err := sim.Parse([]byte(text))
		if err != nil || len(script.Events) > 200 {
			return
		}
		if v, ok := violation(sim.Replay(script)); ok {
			t.Fatalf("%v\n%s", v, script)
		}
	})
}

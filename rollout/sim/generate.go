package sim

import (
	"fmt"
	"math/rand/v2"
)

// source gives the choices that make a history: from a seed, or from the bytes
// that a fuzzer varies.
type source interface {
	IntN(n int) int // from 0 to n-1
}

func seeded(seed uint64) source { return rand.New(rand.NewPCG(seed, 0x5e61)) }

// byteSource reads its choices off a byte string, and gives 0 at its end.
type byteSource struct{ data []byte }

func (b *byteSource) IntN(n int) int {
	v := 0
	for limit := 1; limit < n; limit *= 256 {
		if len(b.data) > 0 {
			v, b.data = v*256+int(b.data[0]), b.data[1:]
		}
	}
	return v % n
}

// act is a kind of event, how often it comes in an even mixture, and its words.
type act struct {
	often int
	words func(*world, source) string
}

func pick[T any](s source, of ...T) T { return of[s.IntN(len(of))] }

func plain(line string) func(*world, source) string {
	return func(*world, source) string { return line }
}

func ofEnvoy(verb string) func(*world, source) string {
	return func(_ *world, s source) string { return verb + " " + pick(s, envoyNames...) }
}

func ofQueue(verb string) func(*world, source) string {
	return func(_ *world, s source) string {
		return verb + " " + pick(s, envoyNames...) + " " + pick(s, queueNames...)
	}
}

var acts = []act{
	{30, ofEnvoy("exchange")},
	{20, plain("round")},
	{20, plain("store")},
	{20, plain("fleet")},
	{8, func(_ *world, s source) string { return "pass " + pick(s, "1s", "10s", "15s", "1m", "5m", "1h") }},
	{14, plain("tick")},
	{5, func(_ *world, s source) string { return "want " + pick(s, versionNames...) }},
	{10, func(w *world, s source) string {
		return "endpoints " + someVersion(w, s) + " " + pick(s, "0", "1", "1", "2")
	}},
	{1, func(_ *world, s source) string { return randomSteps(s) }},
	{1, func(_ *world, s source) string { return "paused " + pick(s, "yes", "no") }},
	{1, func(_ *world, s source) string { return "onharm " + pick(s, "abort", "pause") }},
	{1, plain("delete")},
	{9, plain("promote")},
	{1, plain("promote full")},
	{2, plain("pause")},
	{3, plain("resume")},
	{2, plain("abort")},
	{3, plain("retry")},
	{2, func(_ *world, s source) string { return "rollback " + pick(s, "", "v1", "v2", "v3") }},
	{2, func(_ *world, s source) string { return "freeze" + pick(s, "", " 1m", " 10m") }},
	{3, plain("unfreeze")},
	{1, func(_ *world, s source) string { return "frozen " + pick(s, "yes", "no") }},
	{1, func(_ *world, s source) string { return "deadline " + pick(s, "0s", "1m", "5m", "5m abort") }},
	{1, func(_ *world, s source) string { return fmt.Sprint("window ", s.IntN(3)) }},
	{6, func(_ *world, s source) string { return "count " + pick(s, "1", "30", "100") }},
	{2, func(_ *world, s source) string { return "harm " + pick(s, "0", "0", "1") }},
	{5, func(_ *world, s source) string {
		return "answer " + pick(s, "Passed", "Passed", "Failed", "Inconclusive") + pick(s, "", "", " beside")
	}},
	{2, func(_ *world, s source) string {
		return "reanswer " + pick(s, outcomes...) + fmt.Sprint(" ", s.IntN(4))
	}},
	{1, func(_ *world, s source) string { return fmt.Sprint("unbeside ", s.IntN(4), randomParts(s)) }},
	{1, func(_ *world, s source) string { return "background" + pick(s, "", " 0", " 1", " 3") }},
	{1, func(_ *world, s source) string { return "turn " + pick(s, "ours", "theirs") }},
	{2, func(_ *world, s source) string { return "jump " + pick(s, "-1h", "-1m", "30s", "2h") }},
	{8, ofEnvoy("connect")},
	{4, ofEnvoy("leave")},
	{8, func(_ *world, s source) string { return ofEnvoy("send")(nil, s) + " " + pick(s, kindNames...) }},
	{8, ofQueue("take")},
	{2, ofQueue("refuse")},
	{8, ofQueue("hear")},
	{3, func(_ *world, s source) string { return fmt.Sprint("late ", s.IntN(6)) }},
	{4, func(_ *world, s source) string { return fmt.Sprint("commit ", 1+s.IntN(3)) }},
	{4, plain("stored")},
	{2, plain("crash")},
}

// someVersion is mostly the one that is rolled out: what happens to the others
// matters less.
func someVersion(w *world, s source) string {
	if v := w.ctl.state.Version; v != "" && s.IntN(3) > 0 {
		return v
	}
	return pick(s, versionNames...)
}

func randomParts(s source) (line string) {
	for range s.IntN(3) {
		line += " " + pick(s, "v3", "v4", "v4", "v1", "v2") + " " + pick(s, "5", "5", "10", "50", "90", "0")
	}
	return line
}

func randomSteps(s source) string {
	line := "steps"
	for range s.IntN(7) {
		line += " " + pick(s, "5", "20", "12.5", "50", "100", "0", "pause", "pause:1m", "pause:10s", "requests:50", "route:a", "route:b", "unroute:a", "skip",
			"check", "check:1m", "check:1m:Passed", "check:10s:Failed")
	}
	return line
}

// mixture weighs the kinds of events, another way for each history: what never
// happens in one happens all the time in another.
type mixture struct {
	weights []int
	sum     int
}

func mix(s source) mixture {
	var m mixture
	for _, a := range acts {
		weight := a.often * pick(s, 0, 1, 1, 1, 4)
		m.weights, m.sum = append(m.weights, weight), m.sum+weight
	}
	return m
}

// opening is how every history begins.
func opening(s source) []string {
	return []string{randomSteps(s), "want v1", "connect e1", "connect e2", "exchange e1", "exchange e2", "fleet",
		"endpoints v1 1", "endpoints v2 1", "store", "want v2"}
}

// next draws the next event. While Serin is down, it is often started, and while a
// check waits, versions beside the canary often come and go.
func (m mixture) next(w *world, s source) string {
	if !w.up && s.IntN(2) == 0 {
		return "start"
	}
	if _, ok := w.asking(); ok && s.IntN(6) == 0 {
		return "beside" + randomParts(s)
	}
	if m.sum == 0 {
		return "tick"
	}
	n := s.IntN(m.sum)
	for i, weight := range m.weights {
		if n < weight {
			return acts[i].words(w, s)
		}
		n -= weight
	}
	return "tick"
}

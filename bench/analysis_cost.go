package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/serin-mesh/serin/analysis"
)

// rolloutsAtOnce is how many rollouts one core is to keep.
const rolloutsAtOnce = 10_000

// costs measures the time that the judges take.
func (r *record) costs(ctx context.Context, n studySizes) {
	failure, report := guardCost(n.Cost), reportCost(n.Cost/50)
	r.series("guard", "one failing request: the test and its evidence").add(figures{"failure_ns": failure})
	r.series("guard, report", "one report: requests, split, proof and what the proof says").add(figures{"report_ns": report})
	r.atMost("cost of a failure, ns", failure, 1_000)
	r.atMost("cost of a report, ns", report, 5_000)
	rollouts := min(rolloutsAtOnce, n.Cost/100)
	second := manyCost(ctx, rollouts)
	r.series("rollouts at once", "a second of 10,000 rollouts: a report and a failure each, and what they look up in memory").add(figures{"second_ms": second})
	r.atMost("10,000 rollouts, a report and a failure a second each: ms of one core", second*rolloutsAtOnce/float64(rollouts), 1_000)
	t := r.sheet("Cost", fmt.Sprintf("On one core of the machine that wrote this page. %s failures, %s reports; the judges of the main "+
		"comparison with ten seconds of its traffic.", thousands(n.Cost), thousands(n.Cost/50)), "what", "nanoseconds")
	t.row("guard, a failure", short(failure))
	t.row("guard, a report: requests, split and proof", short(report))
	blamed := newJudges()
	blamed.guard.take(true, mainWeight)
	t.row("guard, a verdict in words", short(fastest(n.Cost/50, blamed, func(j *judges, _ int) { j.guard.harm() })))
	for _, c := range contenders() {
		t.row(c.name+": ten seconds", fmt.Sprintf("%.0f", contenderCost(c, max(n.Cost/100_000, 1))))
	}
}

// since gives the nanoseconds of one of n things.
func since(began time.Time, n int) float64 { return float64(time.Since(began)) / float64(n) }

// fastest gives the nanoseconds of one of n things in the fastest of five rounds:
// what else the machine does only makes them longer.
func fastest(n int, j *judges, do func(j *judges, i int)) float64 {
	best := math.Inf(1)
	for range 5 {
		began := time.Now()
		for i := range n / 5 {
			do(j, i)
		}
		best = min(best, since(began, n/5))
	}
	return best
}

// guardCost gives the nanoseconds of a failure.
func guardCost(n int) float64 {
	rng := rand.New(rand.NewPCG(9, 9))
	arms := make([]bool, 4096)
	for i := range arms {
		arms[i] = rng.Float64() < mainWeight
	}
	return fastest(n, newJudges(), func(j *judges, i int) { j.guard.take(arms[i%len(arms)], mainWeight) })
}

// judges are those of one rollout.
type judges struct {
	guard *guard
	split *analysis.Split
	proof *analysis.Proof
	good  float64
}

func newJudges() *judges {
	return &judges{guard: newGuard(guardConfig(metricAlpha, 3)), split: analysis.NewSplit(), proof: analysis.NewProof(proofConfig)}
}

// report takes a second of requests as the control loop does.
func (j *judges) report() {
	j.good += 20
	j.guard.test.Requests(j.good, 4*j.good, true)
	j.split.Interval(20, 80, mainWeight)
	j.proof.Good(j.good)
	j.proof.Verdict()
}

// reportCost gives the nanoseconds of a report.
func reportCost(n int) float64 {
	j := newJudges()
	j.guard.take(true, mainWeight)
	return fastest(n, j, func(j *judges, _ int) { j.report() })
}

// manyCost gives the milliseconds of a second of many rollouts.
func manyCost(ctx context.Context, rollouts int) float64 {
	all := make([]*judges, rollouts)
	for i := range all {
		all[i] = newJudges()
	}
	const seconds = 3
	began := time.Now()
	for range seconds {
		for i, j := range all {
			j.guard.take(i%5 == 0, mainWeight)
			j.report()
		}
		if ctx.Err() != nil {
			break
		}
	}
	return since(began, seconds) / 1e6
}

// contenderCost gives the nanoseconds of a span for one of the judges compared.
func contenderCost(c contender, runs int) float64 {
	draw, spans := newTraffic(950), goodCanaries()[0].spans(mainRate, mainWeight)
	stream := make([]reported, len(spans))
	var took time.Duration
	for run := range runs {
		draw.begin(run)
		for i := range spans {
			r := draw.draw(&spans[i], 1)
			draw.arrange(&r)
			r.arms = append([]bool(nil), r.arms...)
			stream[i] = r
		}
		one := c.make(0)
		began := time.Now()
		for i := range stream {
			one.see(&stream[i])
		}
		took += time.Since(began)
	}
	return float64(took) / float64(runs*len(spans))
}

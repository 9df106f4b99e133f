package main

import (
	"time"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/stats"
)

// doubted is harm, or what the split makes of it.
func doubted(split *analysis.Split) api.Verdict {
	if split.More() {
		return api.VerdictCannotJudge
	}
	return api.VerdictHarm
}

// stickers is where users stick to the version that they were drawn to.
type stickers struct {
	share    float64 // of the requests that are the canary's
	failing  []bool  // the users that always fail: true is with the canary
	interval float64 // requests between two failures
}

// stick draws a stickers of so many users, five of which always fail.
func stick(draw *traffic, users int) stickers {
	c := stickers{interval: 1 / ambient}
	with := 0
	for i := range users {
		is := draw.order.Float64() < mainWeight
		if is {
			with++
		}
		if i < 5 {
			c.failing = append(c.failing, is)
		}
	}
	c.share = float64(with) / float64(users)
	return c
}

// play gives the guard the failures of the stickers, one user after the other, as
// often as it is said, and the split its requests, or not.
func (c stickers) play(g *guard, watched bool, failures int) api.Verdict {
	split, all := analysis.NewSplit(), 0.0
	for i := range failures {
		all += c.interval
		g.test.Requests(all*c.share, all*(1-c.share), true)
		if watched {
			split.Interval(c.interval*c.share, c.interval*(1-c.share), mainWeight)
		}
		if g.take(c.failing[i%len(c.failing)], mainWeight) && g.harm() {
			return doubted(split)
		}
	}
	return split.Verdict().Verdict
}

func stickyUsers(draw *traffic, g *guard, rule bool) api.Verdict {
	return stick(draw, 1000).play(g, rule, brokenLength)
}

// usersOnce counts the first failure of each user, which was drawn by the weight.
func usersOnce(draw *traffic, g *guard, rule bool) api.Verdict {
	if !rule {
		return stickyUsers(draw, g, false)
	}
	c := stick(draw, 1000)
	return c.play(g, true, len(c.failing))
}

// heavyUsers are few, and each fails now and then.
func heavyUsers(draw *traffic, g *guard, rule bool) api.Verdict {
	c, split, all := stick(draw, 20), analysis.NewSplit(), 0.0
	for range brokenLength {
		all += c.interval
		g.test.Requests(all*c.share, all*(1-c.share), true)
		split.Interval(c.interval*c.share, c.interval*(1-c.share), mainWeight)
		if g.take(draw.order.Float64() < c.share, mainWeight) && g.harm() {
			if !rule {
				return api.VerdictHarm
			}
			return doubted(split)
		}
	}
	return split.Verdict().Verdict
}

// twice sends every entry a second time.
func twice(draw *traffic, g *guard, rule bool) api.Verdict {
	filter, at := stats.NewFilter(), time.Unix(1_800_000_000, 0)
	for i := range brokenLength {
		is := draw.order.Float64() < odds(mainWeight, 1+margin)
		entry := stats.Failure{Cluster: "default/shop/80/v1", Start: at.Add(time.Duration(i) * time.Millisecond), Status: 500}
		for range 2 {
			if rule && filter.Repeated("edge-1", entry) {
				continue
			}
			if g.take(is, mainWeight) && g.harm() {
				return api.VerdictHarm
			}
		}
	}
	return api.VerdictInconclusive
}

// sortedBatches has the canary's failures first in each batch.
func sortedBatches(draw *traffic, g *guard, rule bool) api.Verdict {
	const batch = 30
	for range brokenLength / batch {
		with := 0
		for range batch {
			if draw.order.Float64() < odds(mainWeight, 1+margin) {
				with++
			}
		}
		crossed := false
		for i := range batch {
			crossed = g.take(i < with, mainWeight)
			if crossed && !rule && g.harm() {
				return api.VerdictHarm
			}
		}
		if crossed && g.harm() {
			return api.VerdictHarm
		}
	}
	return api.VerdictInconclusive
}

// wrongMoment is an incident just when the weight goes up from a quarter: the
// Envoy has it, and the control plane does not know yet.
func wrongMoment(draw *traffic, g *guard, rule bool) api.Verdict {
	believed := mainWeight / 4
	if rule {
		believed = mainWeight
	}
	for i := range brokenLength {
		w := mainWeight
		if i < 100 { // 0.2 s of 1,000 requests a second, half of which fail
			w = believed
		}
		if g.take(draw.order.Float64() < mainWeight, w) && g.harm() {
			return api.VerdictHarm
		}
	}
	return api.VerdictInconclusive
}

// wrongFleet is a fleet of which half did not take the weight back to half, and
// two minutes in which half of all requests fail.
func wrongFleet(draw *traffic, g *guard, rule bool) api.Verdict {
	const share = 1.5 * mainWeight
	split := analysis.NewSplit()
	s := span{seconds: spanSeconds, rate: mainRate, weight: share, most: mainWeight}
	for at := 0; at < minutes*60; at += spanSeconds {
		s.p = [2]float64{ambient, ambient}
		if at >= 600 && at < 720 {
			s.p = [2]float64{0.5, 0.5}
		}
		r := draw.draw(&s, 1)
		draw.arrange(&r)
		if rule {
			split.Interval(r.requests[canaryArm], r.requests[stableArm], mainWeight)
		}
		if stopped, _ := g.see(&r); stopped {
			return doubted(split)
		}
	}
	return split.Verdict().Verdict
}

// dyingHost is a canary with three hosts, one of which fails all its requests
// after ten minutes, while every other fails as often as stable does.
func dyingHost(p float64) func(*traffic, *guard, bool) api.Verdict {
	return func(draw *traffic, g *guard, rule bool) api.Verdict {
		if !rule {
			g.test.Hosts(1)
		}
		const third = mainWeight / 3
		rates := [...]float64{third * p, third * p, third * p, (1 - mainWeight) * p} // of the hosts, and of stable
		last, all := api.VerdictInconclusive, 0.0
		for all < mainRate*720 {
			if all >= mainRate*600 {
				rates[0] = third
			}
			sum := rates[0] + rates[1] + rates[2] + rates[3]
			if sum == 0 {
				all = mainRate * 600
				continue
			}
			all += draw.order.ExpFloat64() / sum
			g.test.Requests(all*mainWeight, all*(1-mainWeight), true)
			f, at := analysis.Failure{Weight: mainWeight}, draw.order.Float64()*sum
			for i, name := range hostNames {
				if at < rates[i] {
					f.Canary, f.Host = true, name
					break
				}
				at -= rates[i]
			}
			if !g.feed(f) {
				continue
			}
			if last = g.test.Verdict().Verdict; last == api.VerdictHarm {
				return last
			}
		}
		return last
	}
}

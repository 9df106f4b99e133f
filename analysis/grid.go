package analysis

import "math"

const (
	// ratios is how many finite failure ratios the mixture tests.
	ratios = 14
	// components adds the one for a ratio without limit: stable never fails.
	components = ratios + 1
	// endless is the index of that component.
	endless = ratios
)

const (
	// nearest and farthest are the ends of the grid, in multiples of 1+margin, the
	// edge of the null.
	nearest, farthest = 1.062, 50.0
	// stepPart is the part of each mass that is released at the planned later
	// weights, in equal parts. Where none is planned it is released over failures.
	stepPart = 0.02
	// spread sets how slowly the rest is released: half of it is out after this
	// many failures.
	spread = 560
)

// stake is what the mixture bets on one ratio.
type stake struct {
	mass  float64 // the part of the mixture
	start float64 // the part of the mass that is bet at the start of the canary
	rise  float64 // the ratio in multiples of 1+margin
}

// grid lists the stakes. The distances of the ratios from the edge are spaced
// patient in the logarithm: what an alternative can be told by is how far it is from
// the edge. Masses and starts were searched for the least worst case over excesses
// of half a point to everything, at weights from 5 to 50%, that begin at once or
// after fifteen good minutes. An alternative near the edge takes so many failures
// to show that a good time before costs it little, so most of it is bet at the
// start; a far one shows within a few, so more of it is kept for later. Any masses
// that sum to 1 keep the promise.
var grid = spaced([components]stake{
	{mass: 0.092, start: 0.85},
	{mass: 0.076, start: 0.825},
	{mass: 0.063, start: 0.80},
	{mass: 0.052, start: 0.775},
	{mass: 0.042, start: 0.75},
	{mass: 0.043, start: 0.725},
	{mass: 0.048, start: 0.70},
	{mass: 0.054, start: 0.69},
	{mass: 0.060, start: 0.68},
	{mass: 0.065, start: 0.675},
	{mass: 0.066, start: 0.67},
	{mass: 0.066, start: 0.66},
	{mass: 0.066, start: 0.655},
	{mass: 0.067, start: 0.65},
	{mass: 0.140, start: 0.68}, // without limit
})

// spaced fills in the ratios.
func spaced(g [components]stake) [components]stake {
	for j := range ratios {
		g[j].rise = 1 + (nearest-1)*math.Pow((farthest-1)/(nearest-1), float64(j)/(ratios-1))
	}
	g[endless].rise = math.Inf(1)
	return g
}

// portions say how much of each component's mass is released when.
type portions struct{ start, step, over [components]float64 }

// portionsFor gives those of a canary with so many planned later weights.
func portionsFor(planned int) *portions {
	if planned == 0 {
		return &unplanned
	}
	return &inSteps
}

var unplanned, inSteps = divide(0), divide(stepPart)

// patient is how the hosts' tests release their mass: little at once, the rest over
// failures. Their threshold leaves room for that, and so they follow a canary that
// goes bad late as closely as the guard's own test does.
var patient = func() (p portions) {
	for j := range grid {
		p.start[j], p.over[j] = 0.25, 0.75
	}
	return p
}()

// divide splits each mass; step is the part for planned weights.
func divide(step float64) (p portions) {
	for j, s := range grid {
		p.start[j], p.step[j], p.over[j] = s.start, step, 1-s.start-step
	}
	return p
}

// mean gives the mixture's mean of an amount for each component.
func mean(amounts *[components]float64) (sum float64) {
	for j, a := range amounts {
		sum += grid[j].mass * a
	}
	return sum
}

// factors are those of each component for one failure, at the weight that
// they were computed for: it changes rarely.
type factors struct {
	weight         float64
	canary, stable [components]float64
}

// aim computes the factors for weight w, which must lie between 0 and 1, both
// excluded. At the edge of the null a failure is the canary's with probability
// w(1+d)/(1+wd), d being the margin, and there each pair of factors has the mean 1.
func (o *factors) aim(w, margin float64) {
	if w == o.weight {
		return
	}
	o.weight = w
	edge := 1 + w*margin
	for j, s := range grid[:endless] {
		c := edge / (1 + w*(s.rise*(1+margin)-1))
		o.canary[j] = c * s.rise
		o.stable[j] = c
	}
	o.canary[endless] = edge / (w * (1 + margin))
	o.stable[endless] = 0
}

// of gives the factors of a failure of one version.
func (o *factors) of(canary bool) *[components]float64 {
	if canary {
		return &o.canary
	}
	return &o.stable
}

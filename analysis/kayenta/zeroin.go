package kayenta

import "math"

// machine is the distance from 1 to the next larger float64.
const machine = 0x1p-52

// iterations bounds the search. Bisection alone needs 1,100 at the worst.
const iterations = 1000

// point is an argument with the function's value there.
type point struct{ x, y float64 }

// root finds where f changes its sign between two points whose values have
// different signs, to an absolute tolerance (Brent, Algorithms for Minimization
// without Derivatives, 1973, chapter 4). Each step is an interpolation where
// that is trusted, and a bisection where not; none is shorter than the
// tolerance.
//
// A step function, as ranks give, has no root but a jump. There the result
// depends on the path of the search, so the order of the operations matters as
// much as the method.
func root(f func(float64) float64, a, b point, tolerance float64) float64 {
	// b is the best so far, a the one before, and the root is between b and c.
	c := a
	for range iterations {
		last := b.x - a.x
		if math.Abs(c.y) < math.Abs(b.y) {
			a, b, c = b, c, b
		}
		least := 2*machine*math.Abs(b.x) + tolerance/2
		step := (c.x - b.x) / 2
		if math.Abs(step) <= least || b.y == 0 {
			return b.x
		}
		if math.Abs(last) >= least && math.Abs(a.y) > math.Abs(b.y) {
			step = interpolate(a, b, c, last, least, step)
		}
		if math.Abs(step) < least {
			step = math.Copysign(least, step)
		}
		a = b
		b.x += step
		b.y = f(b.x)
		if b.y > 0 && c.y > 0 || b.y < 0 && c.y < 0 {
			c = a
		}
	}
	return b.x
}

// interpolate gives the step from b to where the curve through the points is 0:
// a line through two, or the inverse parabola through three. The bisection is
// given back where the step would leave three quarters of the bracket, or is
// not at most half the step before.
func interpolate(a, b, c point, last, least, bisection float64) float64 {
	width := c.x - b.x
	var p, q float64 // the step is p/q
	if a.x == c.x {
		t := b.y / a.y
		p, q = width*t, 1-t
	} else {
		r, t, u := a.y/c.y, b.y/c.y, b.y/a.y
		p = u * (width*r*(r-t) - (b.x-a.x)*(t-1))
		q = (r - 1) * (t - 1) * (u - 1)
	}
	if p > 0 {
		q = -q
	} else {
		p = -p
	}
	if p < 0.75*width*q-math.Abs(least*q)/2 && p < math.Abs(last*q/2) {
		return p / q
	}
	return bisection
}

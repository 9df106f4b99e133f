// Package sim plays the life of one Rollout over and over, each time another
// one, and checks after every event what must always hold. It is the test bench
// of package rollout: pure, and the same seed gives the same history.
//
// A history is a list of events in words ("want v2", "take e1 config",
// "crash"). [Run] draws one from a seed and plays it; [Replay] plays a [Script],
// which is a history in writing. An event that does not apply to the world as
// it is does nothing, so any part of a history is a history too, and what fails
// can be cut down to what it needs. Both may be called from several goroutines,
// as each call has a world of its own.
//
// The world around the machine is a model of three things:
//
//   - The caller that carries out [rollout.Effects] as the control loop does: a
//     division that lowers what is visible goes out at once, any other when it
//     is stored; the fleet is asked again after each division handed over.
//   - A store that commits in order, may fail for a while, and tells of success
//     later. A crash keeps what was committed and nothing else.
//   - Three Envoys that join, leave, come back, answer late or never, and reject.
//     Each is sent clusters and runtime keys at once, and a route when it has
//     accepted what the route rests on. What an Envoy does with a request follows
//     from the route and the keys that it has taken, whether anybody knows it or
//     not.
//
// What must always hold is a table of named functions, each with its sentence:
// see [Invariants]. At the end of a history everybody gets what they wait for,
// and the Rollout must become Healthy within a bounded number of rounds.
package sim

// Package kayenta is a judge that gives the verdicts of Kayenta's
// NetflixACAJudge-v1.0, for people who have canary configs.
//
// Use: [ParseConfig] reads a canary config as Kayenta's API has it, [ParseData]
// the values of each metric on both sides, and [Judge] compares them. Each
// metric is classified by a Mann-Whitney test with the Hodges-Lehmann shift
// (R's wilcox.test with conf.int, without the exact distribution), and the
// classes are scored by group.
//
// What always holds: the same config and data give the same result, to the
// last bit; nothing is drawn at random. The limits of the shift are found with
// the absolute tolerance of 1e-4 that R has, since verdicts on tied data
// depend on it.
//
// The judge keeps Kayenta's faults, so that a config gives here what it gives
// there. [Result.Warnings] says where a result rests on one of them, and
// [Config.Strict] turns such a result into "cannot judge".
//
// Everything here is pure and safe for concurrent use: no clock, no context,
// no logger, no goroutine, no I/O.
package kayenta

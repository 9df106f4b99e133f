// Package snapshot turns objects and the splits of rollouts into Envoy
// resources. It is pure: no clock, no context, no goroutine, no I/O.
//
// A [Builder] takes the objects ([Builder.SetObjects], or [Builder.Change] where
// the caller knows which changed) and, for each Service that has a Rollout, how
// its traffic divides ([Builder.SetSplit]), in any order and as often as they
// change. [Builder.Flush] then says what is different for each Gateway, and
// [Builder.Resources] gives all of it. One goroutine uses a Builder; the
// resources that come out are immutable and may be shared by any number of
// streams.
//
// What always holds:
//
//  1. The outcome depends on the objects and splits alone, not on the order or
//     the steps in which they came: a Builder that was changed a thousand times
//     has the same versions as a new one.
//
//  2. A resource's Version is a hash of its content, so equal content has an
//     equal version in every process, and a change that comes out equal is
//     no change.
//
//  3. Every Gateway has exactly one Runtime resource, be it empty.
//
//  4. The weights of a route sum to [Total], and so do the runtime keys that it
//     reads: those of the present split, and of any later one that names the
//     route's versions. A canary that was withdrawn gets nothing by them, nor
//     does a version that was beside a canary.
//
//  5. Another weight for a canary, or beside it, changes the content of Runtime resources
//     only, at a cost that does not depend on how many hosts or Services there
//     are. Routes come again with the same body and another Static.
//
//  6. A listener does not depend on routes or splits.
//
//  7. Managed routes are part of the Route resource, beside those that they
//     stand in front of: they take no request that goes to another rule, and
//     there are none without a canary.
//
//  8. The cluster of a version has the requests that were drawn for it by the
//     weights, and no others: what is sent there on purpose while a canary runs
//     has a cluster of its own.
//
// One Service port is one Envoy cluster a version. The structure of a running
// rollout, two clusters and a weighted route, with more where an experiment has
// traffic of its own, is configuration, and its weights are runtime keys: the
// route's own weights, which hold where no key is set, give all to the stable
// version. A client without the runtime layer is served the
// route of [Resource.Static] in its place.
//
// # Hosts and routes
//
// Routes follow the Gateway API, with three limits. A request is routed among
// the rules of the one most specific host that matches it: when none of those
// rules match, the answer is 404 and less specific hosts are not tried. A
// backendRef into another namespace, which would need a ReferenceGrant, and a
// filter that is not known answer 500. And a route without timeouts has Envoy's
// limit of 15 s, so that a version that hangs does fail in the end.
//
// [Bootstrap] makes the file that an Envoy starts with.
package snapshot

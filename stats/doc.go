// Package stats turns what Envoys report into counts per service, version and
// time window.
//
// The xds package fills the structs of reports: [Failures] from the error
// stream, [Load] from load reports, [Metrics] from the metrics sink. A
// [Ledger] adds them up. Its owner calls [Ledger.Start] when a canary begins
// and [Ledger.Begin] at each change of weight, hands over every report, and
// reads back two kinds of figures:
//
//   - since the step began ([Ledger.Observed], [Ledger.Latency]), for shares of
//     traffic: only what certainly belongs to the step, so a report that began
//     before the cut is left out;
//   - since the canary began ([Ledger.Totals]), for denominators: everything,
//     with the time since the last report filled in from the rate.
//
// A third kind is kept only while somebody wants it ([Ledger.Keep]): what was
// reported over the last while ([Ledger.Window]).
//
// [IsError] says which failures a judge counts, [Filter] which entries are
// repetitions, and [WeightHistory] which weights may have been in force for a
// request.
//
// Lost, late, repeated and reset reports are normal: a figure may lack what was
// lost, but never counts anything twice, and never decreases since the canary
// began. Of each Envoy one source of volume counts at a time, load reports
// where there are any.
//
// Nothing here starts goroutines, reads a clock or locks. One goroutine, the
// control loop's, owns each value, and passes the time in.
package stats

// Package store keeps what must outlive a crash: the state of each Rollout, its
// evidence, its journal, and the last objects that were accepted.
//
// A [Store] is one bbolt file in the data folder. Only one server can have it
// open. [Open] reads nothing; [Store.Load] gives everything that a server needs
// to go on, and [Store.Journal] the history of one Rollout.
//
// What is read is what was written: values have sums, and what is missing is
// missed. A file that is damaged, torn or another program's is refused with an
// error that wraps [ErrDamaged] and says what to do; it is never begun anew.
//
// Writing goes through [Store.Write], which never blocks: one goroutine
// ([Store.Run]) commits in order, several writes in one transaction where they
// have piled up. A write is durable when its Done is called. A write that fails
// is told to Failed and tried again, with everything behind it, until it
// succeeds or the store is closed: order is never broken.
package store

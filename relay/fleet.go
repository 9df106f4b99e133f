package relay

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

const (
	// announceAfter is how long who has come to the leader waits to be told to the
	// followers: many come at once.
	announceAfter = 100 * time.Millisecond
	// showTimeout bounds how long a follower is waited for that is to show its
	// part of the fleet table.
	showTimeout = time.Second
)

// Fleet is the Envoys of this process and of all who follow it, as package control
// wants them: it is a control.Fleet.
type Fleet struct {
	*xds.Server
	node *Node
	sink xds.Sink
	term Term

	// Guarded by the node's lock.
	inherited map[api.Key]map[snapshot.Ref]bool // what the server had, and was not said anew
	demands   map[*xds.Requirement]*demand
	peers     map[*peer]bool
	last      uint64              // number of the last Requirement or question
	changes   uint64              // how often anybody came to a follower or left
	announced map[string][]string // who is connected here, as the followers know it
	at        uint64              // the server's Members then
	timer     *time.Timer         // for the next announcement; nil: none is due
}

// demand is a Requirement as the followers are to count it.
type demand struct {
	requirement
	since time.Time
}

// Apply changes the target of a Gateway, here and at all who follow.
func (f *Fleet) Apply(key api.Key, c snapshot.Change) {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	f.apply(key, c)
}

// apply is Apply for who holds the lock.
func (f *Fleet) apply(key api.Key, c snapshot.Change) {
	before := f.node.target[key]
	message := &change{Gateway: key, Removed: c.Removed}
	for _, r := range c.Set {
		ref := snapshot.Ref{Type: r.Type, Name: r.Name}
		old := before[ref]
		message.Set = append(message.Set, encode(r, old != nil && old.Version == r.Version))
		delete(f.inherited[key], ref)
	}
	for _, ref := range c.Removed {
		delete(f.inherited[key], ref)
	}
	f.node.target.apply(key, c)
	for p := range f.peers {
		p.send(&down{Change: message})
	}
	f.Server.Apply(key, c)
}

// Complete says that all resources have been said: what the server had before and
// nobody has named since is removed, and Envoys may be answered.
func (f *Fleet) Complete() {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	for key, refs := range f.inherited {
		var c snapshot.Change
		for ref := range refs {
			c.Removed = append(c.Removed, ref)
		}
		if len(c.Removed) > 0 {
			slices.SortFunc(c.Removed, compareRefs)
			f.apply(key, c)
		}
	}
	f.inherited = nil
	f.node.setWhole()
}

func compareRefs(a, b snapshot.Ref) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
}

// Require notes what an Envoy must have accepted, here and at all who follow.
func (f *Fleet) Require(uses map[api.Key][]snapshot.Ref) *xds.Requirement {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	r := f.Server.Require(uses)
	f.last++
	d := &demand{requirement{f.last, texts(uses)}, time.Now()}
	f.demands[r] = d
	for p := range f.peers {
		p.send(&down{Require: &d.requirement})
	}
	return r
}

// Release forgets a Requirement.
func (f *Fleet) Release(r *xds.Requirement) {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	d := f.demands[r]
	if d == nil {
		return
	}
	delete(f.demands, r)
	for p := range f.peers {
		delete(p.counts, d.ID)
		p.send(&down{Release: d.ID})
	}
}

// Progress counts all Envoys.
func (f *Fleet) Progress(r *xds.Requirement, now time.Time) xds.Progress {
	p := f.Server.Progress(r, now)
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	if d := f.demands[r]; d != nil && len(f.peers) > 0 {
		for peer := range f.peers {
			add(&p, peer.progress(d, now))
		}
		tidy(&p)
	}
	return p
}

// Members counts how often an Envoy has come or gone.
func (f *Fleet) Members() uint64 {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	here := f.Server.Members()
	if here != f.at && f.timer == nil && len(f.peers) > 0 {
		f.timer = time.AfterFunc(announceAfter, f.announce)
	}
	return here + f.changes
}

// announce tells the followers who has come to this process.
func (f *Fleet) announce() {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	f.timer = nil
	f.at = f.Server.Members()
	connected, _ := f.Roll()
	now := texts(connected)
	fresh := without(now, f.announced)
	f.announced = now
	if len(fresh) == 0 {
		return
	}
	for p := range f.peers {
		p.send(&down{Elsewhere: fresh})
	}
}

// Present gives who is connected anywhere, or has been of late.
func (f *Fleet) Present() (map[api.Key][]string, uint64) {
	changes := f.Members()
	ids, _ := f.Server.Present()
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	for p := range f.peers {
		for _, part := range []map[api.Key][]string{keys(p.roll.Connected), keys(p.roll.Away)} {
			for key, more := range part {
				ids[key] = append(ids[key], more...)
			}
		}
	}
	for key := range ids {
		slices.Sort(ids[key])
		ids[key] = slices.Compact(ids[key])
	}
	return ids, changes
}

// Envoys gives the fleet table of all servers. It waits for the followers, for a
// second at most: one that does not answer is left out.
func (f *Fleet) Envoys() []api.Envoy {
	ctx, cancel := context.WithTimeout(context.Background(), showTimeout)
	defer cancel()
	f.node.mu.Lock()
	var answers []chan []api.Envoy
	for p := range f.peers {
		f.last++
		answer := make(chan []api.Envoy, 1)
		p.shows[f.last] = answer
		answers = append(answers, answer)
		p.send(&down{Show: f.last})
	}
	f.node.mu.Unlock()
	all := f.Server.Envoys()
	for _, answer := range answers {
		select {
		case part := <-answer:
			all = append(all, part...)
		case <-ctx.Done():
		}
	}
	slices.SortStableFunc(all, func(a, b api.Envoy) int {
		return cmp.Or(cmp.Compare(a.Gateway, b.Gateway), cmp.Compare(a.ID, b.ID), cmp.Compare(order(a), order(b)))
	})
	return slices.CompactFunc(all, func(a, b api.Envoy) bool { return a.Gateway == b.Gateway && a.ID == b.ID })
}

// order has a row of an Envoy that is there before those that say it has left.
func order(e api.Envoy) int {
	if e.LeftAt == nil {
		return 0
	}
	return 1
}

// without gives the ids of a that are not in b.
func without(a, b map[string][]string) map[string][]string {
	out := map[string][]string{}
	for gateway, ids := range a {
		for _, id := range ids {
			if _, found := slices.BinarySearch(b[gateway], id); !found {
				out[gateway] = append(out[gateway], id)
			}
		}
	}
	return out
}

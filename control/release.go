package control

import (
	"fmt"
	"maps"
	"slices"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/store"
)

// release is one Release in the loop. It owns nothing of its members: it tells
// each whose turn it is, and carries an abort from one to all.
type release struct {
	key    api.Key
	object *api.Release
	state  store.Release
}

// reconcileReleases brings the Releases in line with the objects.
func (l *loop) reconcileReleases() {
	for key := range l.releases {
		if l.objects.Releases[key] == nil {
			delete(l.releases, key)
			l.saveReleases()
		}
	}
	for key, object := range l.objects.Releases {
		r := l.releases[key]
		if r == nil {
			r = &release{key: key, state: l.savedReleases[key.String()]}
			if r.state.Base == nil {
				r.state.Base = map[string]string{}
			}
			if r.state.Aborts == nil {
				r.state.Aborts = map[string]uint64{}
			}
			l.releases[key] = r
		}
		r.object = object
	}
	memberOf := map[api.Key]*release{}
	for _, r := range l.releases {
		for _, m := range r.object.Members() {
			memberOf[m] = r
		}
	}
	for key, c := range l.canaries {
		if r := memberOf[key]; r != c.release {
			c.release = r
			l.dirty[c] = true
			if r == nil {
				c.turn(l, "")
			}
		}
	}
}

// followReleases lets every Release whose members have changed look at them
// again, until nothing moves.
func (l *loop) followReleases() {
	if len(l.releases) == 0 {
		return
	}
	for range maxAnswers {
		moved := false
		for _, key := range slices.SortedFunc(maps.Keys(l.releases), api.Key.Compare) {
			r := l.releases[key]
			if slices.ContainsFunc(r.members(l), func(c *canary) bool { return l.dirty[c] }) {
				moved = r.look(l) || moved
			}
		}
		if !moved {
			return
		}
	}
}

// members gives the Rollouts of the Release in their order. One that is not
// there yet is left out.
func (r *release) members(l *loop) []*canary {
	var out []*canary
	for _, key := range r.object.Members() {
		if c := l.canaries[key]; c != nil && c.object != nil {
			out = append(out, c)
		}
	}
	return out
}

// look brings the members in line with each other, and says whether it did
// something.
func (r *release) look(l *loop) bool {
	members := r.members(l)
	moved := r.carryAborts(l, members)
	moved = r.giveTurns(l, members) || moved
	r.rest(l, members)
	return moved
}

// rest notes the stable versions while no member is on its way: that is what an
// abort of the next change goes back to.
func (r *release) rest(l *loop, members []*canary) {
	if slices.ContainsFunc(members, func(c *canary) bool { return c.state.Active() }) {
		return
	}
	base := map[string]string{}
	for _, c := range members {
		base[c.key.Name] = c.state.Stable
	}
	if !maps.Equal(base, r.state.Base) {
		r.state.Base = base
		l.saveReleases()
	}
}

// carryAborts carries an abort of one member that was not seen yet to the
// others.
func (r *release) carryAborts(l *loop, members []*canary) bool {
	for _, c := range members {
		if c.state.Stage == rollout.Aborted && r.state.Aborts[c.key.Name] < c.state.Attempt {
			r.state.Aborts[c.key.Name] = c.state.Attempt
			r.abortAll(l, members, fmt.Sprintf("release %s: %s was aborted: %s", r.key.Name, c.key.Name, c.state.AbortMessage))
			l.saveReleases()
			return true
		}
	}
	return false
}

// abortAll aborts the members that are on their way, and takes those that were
// promoted in the same change back, if the Release wants that.
func (r *release) abortAll(l *loop, members []*canary, why string) {
	for _, c := range members {
		base := r.state.Base[c.key.Name]
		a := rollout.Action{Actor: "serin", Reason: why}
		switch promoted := c.state.Stage == rollout.Idle && !c.state.Pinned && base != "" && base != c.state.Stable; {
		case c.state.Active():
			a.Verb = rollout.Abort
			r.state.Aborts[c.key.Name] = c.state.Attempt
		case promoted && r.object.OnAbort() == api.ReleaseRollBack:
			a.Verb, a.To = rollout.Rollback, base
			a.Ready = l.builder.ReadyEndpoints(c.service, base)
		default:
			continue
		}
		if err := c.play(l, rollout.Acted{Action: a}); err != nil {
			l.log.Warn("an abort could not be carried to a member of a release", "release", r.key, "rollout", c.key, "error", err)
		}
	}
}

// giveTurns tells each member whether it may advance.
func (r *release) giveTurns(l *loop, members []*canary) bool {
	turn, moved := "", false
	for _, c := range members {
		moved = c.turn(l, turn) || moved
		if r.object.Order() == api.ReleaseSequential && turn == "" && !c.done() {
			turn = fmt.Sprintf("release %s: it is the turn of %s", r.key.Name, c.key.Name)
		}
	}
	return moved
}

// done says whether the version that is wanted is stable.
func (c *canary) done() bool {
	return c.state.Stage == rollout.Idle && !c.state.Pinned && c.state.Stable == c.state.Version
}

// turn tells the machine whose turn it is, if that is news.
func (c *canary) turn(l *loop, whose string) bool {
	if c.spec.Turn == whose {
		return false
	}
	c.spec.Turn = whose
	_ = c.play(l, rollout.Ticked{}) // only actions are refused
	return true
}

// saveReleases stores what the Releases must remember.
func (l *loop) saveReleases() {
	all := map[string]store.Release{}
	for key, r := range l.releases {
		all[key.String()] = store.Release{Base: maps.Clone(r.state.Base), Aborts: maps.Clone(r.state.Aborts)}
	}
	l.store.Write(store.Write{Releases: all})
}

// view gives the Release as it is shown.
func (r *release) view(l *loop) *api.Release {
	st := api.ReleaseStatus{Phase: api.PhaseHealthy, Members: []api.ReleaseMemberStatus{}}
	told := 0
	for _, c := range r.members(l) {
		phase := api.Phase(c.state.Phase(c.spec))
		st.Members = append(st.Members, api.ReleaseMemberStatus{Name: c.key.Name, Phase: phase, Version: c.state.Version})
		if releaseRank[phase] > releaseRank[st.Phase] {
			st.Phase = phase
		}
		if rank := messageRank(phase, c.spec.Turn); rank > told {
			told, st.Message = rank, c.key.Name+": "+c.message(l)
		}
	}
	return r.object.WithStatus(st)
}

// messageRank orders what members have to say: a failed one first, then one that
// is on its way, then one that waits for its turn; nothing of a healthy one.
func messageRank(phase api.Phase, turn string) int {
	switch {
	case phase == api.PhaseHealthy:
		return 0
	case phase == api.PhaseDegraded:
		return 3
	case turn == "":
		return 2
	}
	return 1
}

// releaseRank orders the phases: a Release has the highest of its members.
var releaseRank = map[api.Phase]int{
	api.PhaseHealthy: 0, api.PhaseProgressing: 1, api.PhasePaused: 2, api.PhaseDegraded: 3,
}

// isMember says whether a Rollout belongs to a Release.
func (l *loop) isMember(key api.Key) bool {
	for _, r := range l.objects.Releases {
		if slices.Contains(r.Members(), key) {
			return true
		}
	}
	return false
}

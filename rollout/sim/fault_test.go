package sim_test

// fault is a mistake that somebody could make in package rollout: one piece of
// text replaced by another. Some test must fail because of it.
type fault struct {
	file, old, new string
	why            string // what goes wrong
}

// faults is the list. Each old text is in its file exactly once.
var faults = []fault{
	{"advance.go", "m.spec.Paused || m.state.UserPausedAt != nil", "m.state.UserPausedAt != nil", "spec.paused holds nothing"},
	{"advance.go", "m.state.UserPausedAt != nil || m.state.HarmPausedAt != nil ||", "m.state.UserPausedAt != nil ||", "harm pauses nothing"},
	{"advance.go", "m.spec.Frozen.holds(m.now) || m.state.Frozen.holds(m.now)", "m.spec.Frozen.holds(m.now)", "a freeze holds nothing"},
	{"advance.go", "s.In.EndpointsKnown && s.In.Canary > 0 &&", "s.In.EndpointsKnown &&", "a canary without endpoints gets traffic"},
	{"advance.go", "s.In.Fleet.Generation == s.Generation && s.In.Fleet.ready()", "s.In.Fleet.ready()", "acks of an older division count"},
	{"advance.go", "!s.In.EndpointsKnown || s.In.Canary > 0", "s.In.Canary > 0", "a restart takes the canary's weight"},
	{"advance.go", "*w < s.Allowed &&", "*w != s.Allowed &&", "a raise waits for nothing"},
	{"advance.go", "m.withhold() || m.lower()", "m.withhold()", "a lowering waits for the fleet"},
	{"advance.go", "m.withhold() || m.lower()", "m.lower()", "a canary whose endpoints go keeps its traffic"},
	{"advance.go", "m.now.Before(m.state.PausedAt.Add(p.Duration))", "m.now.Before(m.state.PausedAt.Add(p.Duration / 2))", "pauses end early"},
	{"advance.go", "m.now.Before(m.state.PausedAt.Add(p.Duration))", "!m.now.After(m.state.PausedAt.Add(p.Duration))", "pauses end late, and no timer is set for it"},
	{"advance.go", "if p.open() || ", "if ", "open pauses end by themselves"},
	{"advance.go", "m.state.counted() < p.Requests", "m.state.counted() <= p.Requests", "a pause waits for one request too many"},
	{"advance.go", "s.In.Fleet.Generation == s.Generation && s.In.Fleet.Settled", "s.In.Fleet.Settled", "versions are forgotten on old news"},
	{"advance.go", "s.In.Fleet.Generation == s.Generation && s.In.Fleet.Settled", "s.In.Fleet.Generation == s.Generation", "versions are forgotten while an Envoy uses them"},
	{"advance.go", "if s.Allowed != Total {", "if s.Allowed == 0 {", "a version is stable before it has all traffic"},
	{"advance.go", "if m.spec.DeadlineAborts {", "if true {", "every deadline aborts"},
	{"advance.go", "s.Active() && s.PausedAt == nil &&", "s.Active() &&", "pauses count for the deadline"},
	{"decide.go", "!s.Active() || ev.Attempt != s.Attempt", "!s.Active()", "late harm aborts the next attempt"},
	{"decide.go", "s.HarmPausedAt == nil && !s.HarmWaived", "s.HarmPausedAt == nil", "harm that was waived pauses again"},
	{"decide.go", "if !m.spec.PauseOnHarm {", "if m.spec.PauseOnHarm {", "harm pauses where it should abort"},
	{"decide.go", "steps != s.Steps && s.Active()", "steps != s.Steps", "an edit of the steps ends an abort"},
	{"decide.go", "m.state.In.Canary, m.state.In.EndpointsKnown, m.state.In.Requests = 0, false, 0", "m.state.In.Requests = 0", "the endpoints of the version before count for the next"},
	{"decide.go", "s.Stage == Idle && a.Ready == 0", "false && a.Ready == 0", "rollback goes to a version without endpoints"},
	{"decide.go", "len(recent) - m.spec.FastWindow", "len(recent) - m.spec.FastWindow - 1", "the rollback window is one too wide"},
	{"decide.go", "if f.holds(m.now) {", "if false {", "promote goes on while frozen"},
	{"record.go", "s = s.atZero()\n\t\ts.Stage = Aborted", "s.Stage = Aborted", "an abort leaves the weight"},
	{"record.go", "s.Weight, s.Withheld = s.Allowed, false", "s.Weight, s.Withheld = Total, false", "a canary that comes back gets everything"},
	{"record.go", "s.HarmWaived = s.HarmWaived || s.HarmPausedAt != nil", "s.HarmWaived = false", "who waives harm is asked again"},
	{"record.go", "s.Attempt++", "s.Attempt += 0", "attempts cannot be told apart"},
	{"record.go", "return s.retire(old).idle()", "return s.idle()", "the old stable version is forgotten at once"},
	{"record.go", "return s.retire(s.Version)", "return s", "a canary that leaves is forgotten at once"},
	{"record.go", "s.Step, s.PausedAt = r.Step, nil", "s.Step = r.Step", "the next pause has begun already"},
	{"record.go", "if !before.Equal(s.Split()) {", "if before.Weight != s.Split().Weight {", "another route is no other division"},
	{"record.go", "case Settled:\n\t\ts.Retired = nil", "case Settled:\n\t\ts.Retired = s.Retired[1:]", "some versions are never forgotten"},
	{"state.go", "return f.Acked > 0 && f.Waiting == 0", "return f.Waiting == 0", "weights rise without an Envoy"},
	{"state.go", "f.Waiting == 0 &&", "f.Waiting >= 0 &&", "nobody is waited for"},
	{"state.go", "f.Rejected == 0 &&", "f.Rejected >= 0 &&", "a rejection holds nothing"},
	{"state.go", "&& f.Away == 0", "&& f.Away >= 0", "who is away is not waited for"},
	{"state.go", "if a.Stable != b.Stable {", "if false {", "a promotion is sent before it is stored"},
	{"state.go", "b.Weight <= a.Weight", "b.Weight >= a.Weight", "raises are sent before they are stored"},
	{"state.go", "if !s.Withheld {", "if true {", "managed routes lead to a canary without endpoints"},
	{"status.go", "case s.Stage == Aborted, s.Late:", "case s.Stage == Aborted:", "a late canary looks healthy"},
	{"status.go", `ws = append(ws, Wait{"UserPause", *s.UserPausedAt})`, "", "a pause by hand is not shown"},
	{"spec.go", "f.Until == nil || now.Before(*f.Until)", "f.Until == nil", "a freeze for a time holds nothing"},
	{"spec.go", `fmt.Fprintf(h, "p%d;", st.Pause.Duration)`, `fmt.Fprint(h, "p;")`, "another pause is no other step"},
}

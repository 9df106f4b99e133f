package control

import (
	"time"

	"github.com/serin-mesh/serin/store"
)

// seeMembers plans to store who is connected, if that has changed: after a
// restart they are waited for. What is stored is a moment behind; for those who
// are missed nothing counts as settled then.
func (l *loop) seeMembers() {
	if l.fleet.Members() != l.members && l.membersAt.IsZero() {
		l.membersAt = l.now.Add(membersEvery)
	}
}

// saveMembers stores who is connected now.
func (l *loop) saveMembers() {
	ids, changes := l.fleet.Present()
	l.members, l.membersAt = changes, time.Time{}
	envoys := store.Envoys{}
	for gateway, of := range ids {
		envoys[gateway.String()] = of
	}
	l.store.Write(store.Write{Envoys: envoys})
}

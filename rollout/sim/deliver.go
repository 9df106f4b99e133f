package sim

// connect opens an Envoy's stream.
func (w *world) connect(e *envoy) {
	if w.up && !e.connected {
		e.connect(w.ctl.published, w.ctl.settleAfter, w.mono)
	}
}

func (w *world) leave(e *envoy) {
	if e.connected {
		e.leave(w.mono)
	}
}

// send writes what is due of a kind, and says whether something was. Before
// Serin knows its Rollout, and has stored that it does, it accepts no Envoy.
func (w *world) send(e *envoy, k kind) bool {
	if !w.up || w.ctl.publishedGen == 0 || w.disk.state == nil {
		return false
	}
	r, due := e.due(k, w.ctl.published, len(w.publications)-1, w.mono)
	if due {
		e.inbox[k.queue()] = append(e.inbox[k.queue()], r)
	}
	return due
}

func (w *world) hear(e *envoy, q queue) {
	if w.up {
		e.hear(q)
	}
}

// exchange lets an Envoy take and answer everything that it is to have.
func (w *world) exchange(e *envoy) {
	for busy := true; busy; {
		busy = false
		for q := range e.inbox {
			for len(e.inbox[q])+len(e.outbox[q]) > 0 {
				e.take(queue(q), true)
				w.hear(e, queue(q))
				busy = true
			}
		}
		for _, k := range []kind{ofClusters, ofKeys, ofRoute} {
			busy = w.send(e, k) || busy
		}
		w.sweep()
	}
}

// everybody lets all connected Envoys have everything, and the store too.
func (w *world) everybody() {
	for _, e := range w.envoys {
		w.exchange(e)
	}
	w.look()
	w.endTurn()
	w.storeAll()
}

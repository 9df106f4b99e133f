package relay

import (
	"reflect"
	"time"

	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/xds"
)

// rollEvery is how often it is told at most who is connected.
const rollEvery = 100 * time.Millisecond

// Failures passes a batch on. Source: xds.Sink.
func (s *session) Failures(f stats.Failures) { s.send(&up{Failures: &f}) }

// Load passes a report on.
func (s *session) Load(l stats.Load) { s.send(&up{Load: &l}) }

// Metrics passes a flush on.
func (s *session) Metrics(m stats.Metrics) {
	m = finite(m)
	s.send(&up{Metrics: &m})
}

// watch tells the leader how far the Envoys are, and who they are, whenever that
// has changed.
func (s *session) watch() {
	server := s.node.server
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var called time.Time
	var members uint64
	first := true
	for s.ctx.Err() == nil {
		now, next := time.Now(), time.Hour
		if m := server.Members(); first || m != members {
			if wait := called.Add(rollEvery).Sub(now); first || wait <= 0 {
				connected, away := server.Roll()
				first, members, called = false, m, now
				s.send(&up{Roll: &roll{texts(connected), texts(away)}})
			} else {
				next = wait
			}
		}
		next = min(next, s.tell(now))
		timer.Reset(next)
		select {
		case <-server.Changed():
		case <-s.poke:
		case <-timer.C:
		case <-s.ctx.Done():
		}
	}
}

// tell sends the counts that have changed, and gives the time until one may change
// by itself.
func (s *session) tell(now time.Time) (next time.Duration) {
	var news []*up
	next = time.Hour
	s.mu.Lock()
	for id, t := range s.counts {
		p := s.node.server.Progress(t.Requirement, now)
		c := &count{ID: id, Progress: p}
		if !p.Next.IsZero() {
			c.Next = max(p.Next.Sub(now), time.Millisecond)
			next = min(next, c.Next)
		}
		c.Progress.Next = time.Time{}
		if p := c.Progress; t.known && reflect.DeepEqual(t.told, p) {
			continue
		}
		t.told, t.known = c.Progress, true
		news = append(news, &up{Count: c})
	}
	s.mu.Unlock()
	for _, m := range news {
		s.send(m)
	}
	return next
}

var _ xds.Sink = (*session)(nil)

package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// screen is where a demo is watched. Its methods may be called from any
// goroutine, and only before close.
type screen interface {
	say(text string)                      // a sentence that stays
	rollout(r *api.Rollout)               // a new state
	load(counts lab.Counts, at time.Time) // what the clients have seen
	close()
}

// newScreen gives a screen that redraws in place on a terminal, and lines
// elsewhere. A person at the terminal ends the demo through cancel.
func newScreen(in io.Reader, out io.Writer, cancel context.CancelCauseFunc) screen {
	if file, ok := in.(*os.File); ok && isTerminal(file) && isTerminal(out) {
		return newLiveScreen(in, out, cancel)
	}
	return &lines{out: out, began: time.Now()}
}

// lines is a screen that writes a line for each change.
type lines struct {
	out   io.Writer
	began time.Time
	last  string // the state written last; only the player shows states
	meter meter
	wrote time.Time // when the clients' counts were written last
}

// clientsEvery is how often the clients' counts get a line.
const clientsEvery = 2 * time.Second

func (l *lines) say(text string) {
	// One write a line, so that two goroutines' lines never mix.
	fmt.Fprintf(l.out, "%6.1fs  %s\n", time.Since(l.began).Seconds(), text)
}

func (l *lines) rollout(r *api.Rollout) {
	if line := changeLine(r); line != l.last {
		l.last = line
		l.say("  " + line)
	}
}

func (l *lines) load(counts lab.Counts, at time.Time) {
	l.meter.add(counts, at)
	if at.Sub(l.wrote) >= clientsEvery {
		l.wrote = at
		l.say("  clients: " + l.meter.text())
	}
}

func (l *lines) close() {}

// meterWindow is the time over which a meter gives rates.
const meterWindow = time.Second

// meter turns counts into rates over the last second.
type meter struct {
	seen []reading // in order of time; the first is the start of the window
}

type reading struct {
	counts lab.Counts
	at     time.Time
}

// add takes counts, and forgets those that the window does not need.
func (m *meter) add(counts lab.Counts, at time.Time) {
	m.seen = append(m.seen, reading{counts, at})
	for len(m.seen) > 2 && at.Sub(m.seen[1].at) >= meterWindow {
		m.seen = m.seen[1:]
	}
}

// text says how many requests came a second, who answered and what failed.
func (m *meter) text() string {
	if len(m.seen) < 2 {
		return "none yet"
	}
	first, last := m.seen[0], m.seen[len(m.seen)-1]
	window := last.counts.Sub(first.counts)
	parts := []string{fmt.Sprintf("%.0f requests/s", float64(window.Requests)/last.at.Sub(first.at).Seconds())}
	for _, version := range slices.Sorted(maps.Keys(window.ByVersion)) {
		parts = append(parts, fmt.Sprintf("%s %s", firstOf(version, "no version"), percentText(100*window.Share(version))))
	}
	parts = append(parts, fmt.Sprintf("failed %d of %d in all", last.counts.Failed, last.counts.Requests))
	return strings.Join(parts, ", ")
}

// liveScreen is a screen that redraws in place.
type liveScreen struct {
	program *tea.Program
	ended   chan struct{} // closed when the program has left the terminal
}

func newLiveScreen(in io.Reader, out io.Writer, cancel context.CancelCauseFunc) *liveScreen {
	s := &liveScreen{ended: make(chan struct{})}
	s.program = tea.NewProgram(stageView{live: live{width: defaultWidth}, meter: &meter{}},
		tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler())
	go func() {
		defer close(s.ended)
		_, err := s.program.Run()
		if err != nil {
			err = fmt.Errorf("drawing on the terminal: %w", err)
		}
		// After close this changes nothing: the demo is over then.
		cancel(err)
	}()
	return s
}

func (s *liveScreen) say(text string)        { s.program.Println(text) }
func (s *liveScreen) rollout(r *api.Rollout) { s.program.Send(liveRollout{r}) }

func (s *liveScreen) load(counts lab.Counts, at time.Time) {
	s.program.Send(reading{counts, at})
}

func (s *liveScreen) close() {
	s.program.Quit()
	<-s.ended
}

// stageView is the live view of a Rollout with its clients. Source: tea.Model.
type stageView struct {
	live
	meter *meter
}

// Update takes in news.
func (m stageView) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if r, ok := msg.(reading); ok {
		m.meter.add(r.counts, r.at)
		return m, nil
	}
	inner, cmd := m.live.Update(msg)
	m.live = inner.(live)
	return m, cmd
}

// View draws.
func (m stageView) View() tea.View {
	if m.rollout == nil {
		return tea.NewView("\nstarting; ctrl-C ends\n")
	}
	text := "\n" + renderRollout(m.rollout, m.width)
	text += fmt.Sprintf("\n%-8s %s\n", "Clients", m.meter.text())
	return tea.NewView(text + "\nctrl-C ends\n")
}

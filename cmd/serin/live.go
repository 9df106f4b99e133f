package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"

	"github.com/serin-mesh/serin/api"
)

// defaultWidth is that of an output that is no terminal, in columns.
const defaultWidth = 80

// isTerminal says whether somebody looks at what is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(f.Fd())
}

// widthOf gives the columns of an output.
func widthOf(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(f.Fd()); err == nil && columns > 0 {
			return columns
		}
	}
	return defaultWidth
}

// watchLive redraws a Rollout in place. What draws takes more options.
func watchLive(ctx context.Context, c *client, name string, w io.Writer, in io.Reader, more ...tea.ProgramOption) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options := append([]tea.ProgramOption{
		tea.WithContext(ctx), tea.WithOutput(w), tea.WithInput(in), tea.WithoutSignalHandler(),
	}, more...)
	program := tea.NewProgram(live{width: defaultWidth}, options...)
	ended := make(chan error, 1)
	go func() {
		ended <- c.follow(ctx, name,
			func(r *api.Rollout) { program.Send(liveRollout{r}) },
			func(text string) { program.Send(liveNote(text)) })
		program.Quit()
	}()
	_, err := program.Run()
	cancel()
	if followed := <-ended; followed != nil {
		return followed
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, tea.ErrInterrupted) {
		return fmt.Errorf("drawing on the terminal: %w", err)
	}
	return nil
}

// The news of a live view.
type (
	liveRollout struct{ *api.Rollout }
	liveNote    string
	liveTick    time.Time
)

// live is what the live view shows. Source: tea.Model.
type live struct {
	rollout *api.Rollout
	note    string
	width   int
}

// Init starts the clock that counts waits down.
func (m live) Init() tea.Cmd { return liveClock() }

// liveClock ticks once, in a second.
func liveClock() tea.Cmd {
	return tea.Tick(time.Second, func(t time.Time) tea.Msg { return liveTick(t) })
}

// Update takes in news.
func (m live) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case liveRollout:
		m.rollout, m.note = msg.Rollout, ""
	case liveNote:
		m.note = string(msg)
	case liveTick:
		return m, liveClock()
	case tea.WindowSizeMsg:
		m.width = msg.Width
	case tea.KeyPressMsg:
		if key := msg.String(); key == "ctrl+c" || key == "q" {
			return m, tea.Quit
		}
	}
	return m, nil
}

// View draws.
func (m live) View() tea.View {
	text := "waiting for the server\n"
	if m.rollout != nil {
		text = renderRollout(m.rollout, m.width)
	}
	if m.note != "" {
		text += "\n" + oneLine(m.note) + "\n"
	}
	return tea.NewView(text + "\nctrl-C ends\n")
}

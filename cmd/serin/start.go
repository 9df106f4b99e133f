package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/discovery"
	"github.com/serin-mesh/serin/server"
)

// readTokens reads a token file; an empty name means none.
func readTokens(name string) (server.Tokens, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the token file %q: %w", name, err)
	}
	tokens, err := server.ParseTokens(string(text))
	if err != nil {
		return nil, fmt.Errorf("reading the token file %q: %w", name, err)
	}
	return tokens, nil
}

// firstUpdate says what a server starts with: the folder, or, where that has
// errors, the objects that were accepted last.
func firstUpdate(read discovery.Result, saved map[string][]byte, log *slog.Logger) (control.Update, error) {
	if read.Objects != nil && (len(read.Files) > 0 || len(saved) == 0) {
		return control.Update{Objects: read.Objects, Files: read.Files, Findings: read.Findings}, nil
	}
	findings := read.Findings
	if read.Objects != nil {
		// An unmounted disk looks like this, and must not take traffic down.
		findings = append(findings, api.Finding{
			File: "--config", Code: api.CodeUnreadable, Message: "the folder holds no files, and it did before",
		})
	}
	if len(saved) == 0 {
		return control.Update{}, fmt.Errorf("the folder has errors, and no objects were accepted before:\n%s", listing(findings))
	}
	old := discovery.FromFiles(saved)
	if old.Objects == nil {
		return control.Update{}, fmt.Errorf("the folder has errors:\n%s\nand so have the objects that were accepted before:\n%s",
			listing(findings), listing(old.Findings))
	}
	log.Warn("the folder has errors: running on the objects that were accepted last", "files", len(saved))
	return control.Update{Objects: old.Objects, Findings: findings}, nil
}

// listing gives findings one a line.
func listing(findings []api.Finding) string {
	var lines []string
	for _, f := range findings {
		lines = append(lines, oneLine(f.String()))
	}
	return strings.Join(lines, "\n")
}

// listeners are the two that a server has.
type listeners struct {
	xds, http net.Listener

	// relieve has whoever answers on http end that; nil: nobody does.
	relieve func() error
}

// listenBoth binds both addresses, or none.
func listenBoth(ctx context.Context, o serveOptions) (*listeners, error) {
	l := &listeners{}
	var err error
	if l.xds, err = listen(ctx, "--xds-listen", o.XDSListen); err != nil {
		return nil, err
	}
	if l.http, err = listen(ctx, "--http-listen", o.HTTPListen); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// close closes what is open; a listener that was served is closed already.
func (l *listeners) close() {
	for _, lis := range []net.Listener{l.xds, l.http} {
		if lis != nil {
			_ = lis.Close()
		}
	}
}

// listen binds the address of a flag.
func listen(ctx context.Context, flag, address string) (net.Listener, error) {
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("the address %s of %s is in use; stop who uses it, or give another", address, flag)
	case err != nil:
		return nil, fmt.Errorf("listening on %q, the address of %s: %w", address, flag, err)
	}
	return lis, nil
}

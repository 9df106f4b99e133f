package admission

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// patience bounds each part of a request: the API server gives up after 30 s
	// at most.
	patience = 30 * time.Second
	// stopTimeout bounds how long Serve waits for answers under way.
	stopTimeout = time.Second
)

// Files name what the webhook proves itself with. The API server knows the
// authority from its own configuration.
type Files struct{ Cert, Key string }

// Check reads the files, so that what is missing is known at the start.
func (f Files) Check() error {
	_, err := f.read()
	return err
}

func (f Files) read() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("reading --webhook-cert %q and --webhook-key %q: %w", f.Cert, f.Key, err)
	}
	return &pair, nil
}

// Serve answers on a listener, which it closes, until the context ends.
func Serve(ctx context.Context, lis net.Listener, files Files, log *slog.Logger) error {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	server := &http.Server{
		Handler: Handler(log), ReadHeaderTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: 2 * time.Minute,
		TLSConfig: &tls.Config{
			MinVersion:     tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return files.read() },
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ServeTLS(lis, "", "") }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving the webhook on %s: %w", lis.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if server.Shutdown(last) != nil {
		_ = server.Close() // who still waits asks again
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the webhook on %s: %w", lis.Addr(), err)
	}
	return nil
}

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

// Serve answers on a listener, which it closes, until the context ends. Each
// connection has the certificate of its time; the API server knows the authority
// from its own configuration.
func Serve(ctx context.Context, lis net.Listener, own func() *tls.Certificate, log *slog.Logger) error {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	server := &http.Server{
		Handler: Handler(log), ReadHeaderTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: 2 * time.Minute,
		TLSConfig: &tls.Config{
			MinVersion:     tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own(), nil },
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

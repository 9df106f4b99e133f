package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/serin-mesh/serin/admission"
)

// webhookOptions say where the API server asks whether an object may be written.
// All three or none are given.
type webhookOptions struct {
	Listen    string // HOST:PORT
	Cert, Key string // files
}

func (o *webhookOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.Listen, "webhook-listen", "", "address where the API server asks whether an object may be written; without one, nowhere")
	f.StringVar(&o.Cert, "webhook-cert", "", "file of the certificate that the API server sees there")
	f.StringVar(&o.Key, "webhook-key", "", "file of its key")
}

// parse reads what the webhook proves itself with.
func (o webhookOptions) parse(texts [][]byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(texts[0], texts[1])
	if err != nil {
		return nil, fmt.Errorf("reading --webhook-cert %q and --webhook-key %q: %w", o.Cert, o.Key, err)
	}
	return &pair, nil
}

// beside runs what a server in a cluster does, and the webhook as long: one that
// waits to lead answers too.
func (o webhookOptions) beside(ctx context.Context, s serveOptions, run func(context.Context) error) error {
	if o == (webhookOptions{}) {
		return run(ctx)
	}
	if o.Listen == "" || o.Cert == "" || o.Key == "" {
		return errors.New("give --webhook-listen, --webhook-cert and --webhook-key together: the API server asks by TLS only")
	}
	own, err := renew("the webhook", s.Log, o.parse, o.Cert, o.Key)
	if err != nil {
		return err
	}
	lis, err := listen(ctx, "--webhook-listen", o.Listen)
	if err != nil {
		return err
	}
	s.Log.Info("answering the API server", "webhook", lis.Addr().String())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return admission.Serve(ctx, lis, own.now, s.Log) })
	g.Go(func() error {
		defer cancel()
		return run(ctx)
	})
	return g.Wait()
}

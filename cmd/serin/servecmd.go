package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"
)

// Where a server listens and keeps its state when not told otherwise.
const (
	defaultXDSListen  = "127.0.0.1:18000"
	defaultHTTPListen = "127.0.0.1:18080"
	defaultDataDir    = "serin-data"
)

// newServeCommand makes `serin serve`.
func newServeCommand() *cobra.Command {
	var o serveOptions
	var logs logOptions
	cmd := &cobra.Command{
		Use:   "serve (--config DIR | --kubernetes)",
		Short: "Run the server",
		Long: "Serve reads the objects of a folder, follows its changes, and serves the Envoys of their\n" +
			"Gateways. It keeps its state in the data folder and goes on there after a restart.\n\n" +
			"A folder with errors changes nothing; started with one, Serin runs on the objects that it\n" +
			"accepted last. On a loopback address anybody on this machine may act, unless there is a\n" +
			"token file: one line NAME:TOKEN for each who may.\n\n" +
			"With the three --xds-tls flags, which go together, Envoys are served by mutual TLS; the files\n" +
			"are looked at again for each connection; while they are not good, what was good last holds.\n\n" +
			"With --kubernetes the objects are those of a cluster, the state is kept in ConfigMaps of the\n" +
			"server's own namespace, and the pods of each Rollout are Serin's to scale. Of several servers\n" +
			"one leads; the others serve Envoys as it says, and wait to take its place.",
		PreRunE: func(cmd *cobra.Command, _ []string) error { return o.chosen() },
		Example: "  serin serve --config ./objects\n" +
			"  serin serve --config ./objects --data-dir /var/lib/serin --token-file /etc/serin/tokens \\\n" +
			"    --xds-listen 0.0.0.0:18000 --http-listen 0.0.0.0:18080\n" +
			"  serin serve --kubernetes --kubeconfig ~/.kube/config",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logs.logger(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			o.Log = log
			o.Ready = func(xds, http net.Addr) {
				fmt.Fprintf(cmd.ErrOrStderr(), "serin: ready, xDS on %s, HTTP on http://%s\n", xds, http)
			}
			return serve(cmd.Context(), o)
		},
	}
	o.addFlags(cmd)
	logs.addFlags(cmd)
	return cmd
}

// addFlags adds the flags that fill the options.
func (o *serveOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.Config, "config", "", "folder of objects (YAML and JSON, with subfolders)")
	f.StringVar(&o.DataDir, "data-dir", defaultDataDir, "folder for the state, created where absent")
	f.StringVar(&o.XDSListen, "xds-listen", defaultXDSListen, "address for Envoys")
	f.StringVar(&o.HTTPListen, "http-listen", defaultHTTPListen, "address for people, scripts and Prometheus")
	f.StringVar(&o.TokenFile, "token-file", "", "file of the tokens that may act, lines NAME:TOKEN")
	f.StringVar(&o.XDSTLS.Cert, "xds-tls-cert", "", "file of the certificate that Envoys see")
	f.StringVar(&o.XDSTLS.Key, "xds-tls-key", "", "file of its key")
	f.StringVar(&o.XDSTLS.CA, "xds-tls-ca", "", "file of the authority that vouches for Envoys")
	f.StringVar(&o.Prometheus, "prometheus", "", "address of the Prometheus server for metrics that name none")
	f.BoolVar(&o.Commands, "allow-commands", false, "let metrics of job run commands on this machine, as the user that Serin runs as")
	f.DurationVar(&o.AckTimeout, "ack-timeout", 10*time.Second, "how long an Envoy that does not acknowledge is waited for")
	f.DurationVar(&o.AwayTimeout, "away-timeout", 15*time.Second, "how long an Envoy that disconnected is waited for")
	o.Cluster.addFlags(f)
	f.DurationVar(&o.Drain, "drain", 15*time.Second, "how long an Envoy keeps a cluster after its last route is gone")
	cmd.MarkFlagsMutuallyExclusive("config", "kubernetes")
}

// chosen says what is missing where the objects come from nowhere.
func (o *serveOptions) chosen() error {
	if o.Config == "" && !o.Cluster.Enabled {
		return errors.New("where are the objects? give --config DIR, a folder, or --kubernetes, a cluster")
	}
	return nil
}

// logOptions say what is logged, and how.
type logOptions struct{ format, level string }

// addFlags adds the flags that fill the options.
func (l *logOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.format, "log-format", "text", "text or json, to stderr")
	cmd.Flags().StringVar(&l.level, "log-level", "info", "debug, info, warn or error")
}

// logger makes the logger that the options describe.
func (l *logOptions) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.level)); err != nil {
		return nil, fmt.Errorf("reading --log-level %q: want debug, info, warn or error", l.level)
	}
	opts := &slog.HandlerOptions{Level: level}
	switch l.format {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return nil, fmt.Errorf("reading --log-format %q: want text or json", l.format)
}

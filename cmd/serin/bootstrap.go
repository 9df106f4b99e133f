package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
)

// newBootstrapCommand makes `serin bootstrap`.
func newBootstrapCommand() *cobra.Command {
	var o snapshot.BootstrapOptions
	var gateway string
	cmd := &cobra.Command{
		Use:   "bootstrap --gateway NAME --node-id ID",
		Short: "Print the file that an Envoy starts with",
		Long: "Bootstrap prints an Envoy's configuration (YAML): where Serin is, which Gateway the Envoy\n" +
			"serves, and what it reports. The rest comes from Serin. Each Envoy needs a node id of its\n" +
			"own. There is no admin listener unless asked for, so that several fit on one machine.",
		Example: "  serin bootstrap --gateway edge --node-id edge-1 > envoy.yaml\n" +
			"  envoy -c envoy.yaml --use-dynamic-base-id\n\n" +
			"  serin bootstrap --gateway prod/edge --node-id edge-2 --xds serin.example:18000 --admin 127.0.0.1:9901",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := readKey("gateway", gateway)
			if err != nil {
				return err
			}
			o.Gateway = key
			text, err := snapshot.Bootstrap(o)
			if err != nil {
				return err
			}
			return write(cmd.OutOrStdout(), text)
		},
	}
	f := cmd.Flags()
	f.StringVar(&gateway, "gateway", "", "the Gateway that the Envoy serves, NAME or NAMESPACE/NAME")
	f.StringVar(&o.NodeID, "node-id", "", "name of the Envoy, unique in the fleet")
	f.StringVar(&o.XDS, "xds", defaultXDSListen, "address of Serin's xDS server, HOST:PORT")
	f.StringVar(&o.Admin, "admin", "", "address of Envoy's admin listener, HOST:PORT; default: none")
	f.StringVar(&o.TLSCA, "tls-ca", "", "file on the Envoy's machine: what signs Serin's certificate")
	f.StringVar(&o.TLSCert, "tls-cert", "", "file on the Envoy's machine: its certificate")
	f.StringVar(&o.TLSKey, "tls-key", "", "file on the Envoy's machine: its key")
	// The flags exist, so marking them cannot fail.
	_ = cmd.MarkFlagRequired("gateway")
	_ = cmd.MarkFlagRequired("node-id")
	return cmd
}

// readKey reads NAME or NAMESPACE/NAME; what says of what.
func readKey(what, text string) (api.Key, error) {
	namespace, name, found := strings.Cut(text, "/")
	if !found {
		namespace, name = api.DefaultNamespace, text
	}
	if namespace == "" || name == "" || strings.Contains(name, "/") {
		return api.Key{}, fmt.Errorf("reading the %s %q: want NAME or NAMESPACE/NAME", what, text)
	}
	return api.Key{Namespace: namespace, Name: name}, nil
}

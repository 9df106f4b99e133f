package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/discovery"
	"github.com/serin-mesh/serin/snapshot"
)

// newTranslateCommand makes `serin translate`.
func newTranslateCommand() *cobra.Command {
	var name string
	var m moment
	var static bool
	out := choice{word: "yaml", words: []string{"yaml", "json"}}
	cmd := &cobra.Command{
		Use:   "translate -f FILE|DIR",
		Short: "Print the Envoy resources of objects, without a server",
		Long: "Translate prints what the Envoys of each Gateway get of the objects of a file or a folder:\n" +
			"by Gateway, type and name, each resource with its version.\n\n" +
			"Without --at-step every Rollout is stable on the version of its template, as on a server's\n" +
			"first start. With --at-step N every Rollout is on its way to that version, at the weight in\n" +
			"force at step N (the first is 0; the number of steps means that all are over), and the\n" +
			"stable version is the one other version that the Service has EndpointSlices of. Where there\n" +
			"are several, --stable says which. A Service without another version stays as it is, and so\n" +
			"do the Rollouts that --rollout does not name.\n\n" +
			"It exits with 0, with 1 where it cannot read, and with 2 where the objects have errors.",
		Example: "  serin translate -f ./objects\n" +
			"  serin translate -f ./objects --at-step 0 --rollout shop --stable v1\n" +
			"  serin translate -f ./objects --at-step 2 -o json | jq '.[].runtime'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m.given = cmd.Flags().Changed("at-step")
			objects, err := readObjects(name, exitRefused)
			if err != nil {
				return err
			}
			splits, err := m.splits(objects)
			if err != nil {
				return err
			}
			translated, err := translate(objects, splits, static)
			if err != nil {
				return err
			}
			form := format(out.word)
			return form.printValue(cmd.OutOrStdout(), translated, nil)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&name, "filename", "f", "", "file or folder of objects")
	f.IntVar(&m.step, "at-step", 0, "the step that Rollouts are at; default: no canary is under way")
	f.StringVar(&m.rollout, "rollout", "", "with --at-step: the only Rollout that is under way, NAME or NAMESPACE/NAME")
	f.StringVar(&m.stable, "stable", "", "the stable version of each Rollout, or of the one that --rollout names")
	f.BoolVar(&static, "static", false, "as for clients without the runtime layer: the weights are in the routes")
	out.addFlag(cmd, "output", "o", "yaml or json")
	// The flag exists, so marking it cannot fail.
	_ = cmd.MarkFlagRequired("filename")
	return cmd
}

// readObjects reads a file or a folder; objects with errors are an error that
// lists them, with the exit code given.
func readObjects(name string, code int) (*api.Objects, error) {
	result, err := discovery.Read(name)
	if err != nil {
		return nil, err
	}
	if n := countErrors(result.Findings); n > 0 {
		return nil, &exitError{code: code, err: fmt.Errorf("%s: %s:\n%s", name, plural(n, "error"), listing(result.Findings))}
	}
	return result.Objects, nil
}

// resource is one Envoy resource for people.
type resource struct {
	Name     string          `json:"name"`
	Version  string          `json:"version"`
	Resource json.RawMessage `json:"resource"`
}

// translate gives the resources by Gateway and type, in the order of their
// names.
func translate(objects *api.Objects, splits map[api.Key]*snapshot.Split, static bool) (map[string]map[string][]resource, error) {
	b := snapshot.NewBuilder(snapshot.Options{})
	b.SetObjects(objects)
	for service, split := range splits {
		b.SetSplit(service, split)
	}
	for _, r := range objects.Rollouts {
		b.SetObjective(r.StableService(), control.Objective(r))
	}
	out := map[string]map[string][]resource{}
	for _, key := range slices.SortedFunc(maps.Keys(objects.Gateways), api.Key.Compare) {
		types := map[string][]resource{}
		for _, r := range b.Resources(key) {
			if static && r.Static != nil {
				r = r.Static()
			}
			text, err := snapshot.Describe(r)
			if err != nil {
				return nil, err
			}
			types[r.Type.String()] = append(types[r.Type.String()], resource{r.Name, r.Version, text})
		}
		out[key.String()] = types
	}
	return out, nil
}

package main

import (
	"fmt"
	"strings"

	"github.com/serin-mesh/serin/internal/lab"
)

// hostsAFile is how many applications a file of a mesh holds.
const hostsAFile = 500

// putMesh fills the folder up to n hosts on the one listener, the application
// shop among them. Each of the others has a Service, a route and an endpoint of
// its own, and no Rollout.
func (r *rig) putMesh(n int) error {
	var text strings.Builder
	for i := 1; i < n; i++ {
		name := fmt.Sprintf("s%05d", i)
		app := lab.App{Name: name, Host: name + ".example", Gateways: []string{gatewayName},
			Versions: map[string][]string{"v1": {r.origins["v1"].address}}}
		objects, err := app.YAML()
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "---\n%s", objects)
		if i%hostsAFile != 0 && i != n-1 {
			continue
		}
		if err := r.folder.Put(fmt.Sprintf("mesh-%05d.yaml", i), text.String()); err != nil {
			return err
		}
		text.Reset()
	}
	return nil
}

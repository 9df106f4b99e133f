package stats

import (
	"strconv"
	"strings"

	"github.com/serin-mesh/serin/api"
)

// Target is what the cluster of one version of a Service serves.
type Target struct {
	Namespace, Service string
	Port               int // the Service's port, 1 to 65535
	Version            string
}

// ParseCluster reads a cluster name NAMESPACE/SERVICE/PORT/VERSION. Any other
// name, that of a Service without a Rollout included, is not a Target. A
// version may hold anything, slashes too: whoever asked for it compares it with
// the versions that run. So what was sent to a version on purpose, VERSION/direct,
// is none of them, and in no count.
func ParseCluster(name string) (Target, bool) {
	namespace, rest, _ := strings.Cut(name, "/")
	service, rest, _ := strings.Cut(rest, "/")
	number, version, _ := strings.Cut(rest, "/")
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil || port == 0 || namespace == "" || service == "" || version == "" {
		return Target{}, false
	}
	return Target{Namespace: namespace, Service: service, Port: int(port), Version: version}, true
}

// Key gives the key of the Service.
func (t Target) Key() api.Key { return api.Key{Namespace: t.Namespace, Name: t.Service} }

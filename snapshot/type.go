package snapshot

import (
	"strconv"

	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
)

// types holds, at the place of each Type, its type URL and its plural name.
var types = [NumTypes]struct{ url, name string }{
	Runtime:  {resourcev3.RuntimeType, "runtime"},
	Cluster:  {resourcev3.ClusterType, "clusters"},
	Endpoint: {resourcev3.EndpointType, "endpoints"},
	Listener: {resourcev3.ListenerType, "listeners"},
	Route:    {resourcev3.RouteType, "routes"},
}

// URL gives the type URL of the xDS protocol, such as
// type.googleapis.com/envoy.config.cluster.v3.Cluster; empty for a value that
// is not one of the types.
func (t Type) URL() string {
	if t >= NumTypes {
		return ""
	}
	return types[t].url
}

// String gives the word for the type in the CLI, the API and metrics: runtime,
// clusters, endpoints, listeners or routes.
func (t Type) String() string {
	if t >= NumTypes {
		return "type " + strconv.Itoa(int(t))
	}
	return types[t].name
}

// TypeOf finds the Type of a type URL; false when Serin does not serve it.
func TypeOf(url string) (Type, bool) {
	for t, n := range types {
		if n.url == url {
			return Type(t), true
		}
	}
	return 0, false
}

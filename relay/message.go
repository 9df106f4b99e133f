package relay

import (
	"time"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/xds"
)

// Term is a time during which one process leads, as the lease says it.
type Term struct {
	Holder string // identity of the leader; empty: nobody leads
	Number int    // how often the lease has changed hands
}

// down is a message to a follower. One of its fields is set.
type down struct {
	Welcome   *welcome            `json:"welcome,omitempty"`
	Change    *change             `json:"change,omitempty"`
	Whole     bool                `json:"whole,omitempty"` // the changes since the welcome are the whole target
	Require   *requirement        `json:"require,omitempty"`
	Release   uint64              `json:"release,omitempty"`
	Elsewhere map[string][]string `json:"elsewhere,omitempty"`
	Show      uint64              `json:"show,omitempty"`
}

// welcome is the first message to a follower.
type welcome struct {
	Term Term
	HTTP string // where the leader's API is
}

// change is a snapshot.Change of a Gateway.
type change struct {
	Gateway api.Key
	Set     []resource
	Removed []snapshot.Ref
}

// resource is a snapshot.Resource. Its static form is made by who gets it.
type resource struct {
	Type     snapshot.Type
	Name     string
	Version  string
	URL      string `json:",omitempty"`
	Body     []byte `json:",omitempty"` // nil: as before, for the version is
	Clusters []string
	Keys     []string
	Weights  []uint32
	Static   bool
}

// encode gives a resource as a message has it; same says that the follower has the
// body already.
func encode(r *snapshot.Resource, same bool) resource {
	out := resource{Type: r.Type, Name: r.Name, Version: r.Version, Clusters: r.Clusters, Keys: r.Keys, Weights: r.Weights, Static: r.Static != nil}
	if !same {
		out.URL, out.Body = r.Body.GetTypeUrl(), r.Body.GetValue()
		if out.Body == nil {
			out.Body = []byte{}
		}
	}
	return out
}

// decode gives the resource of a message; before is what there was of its name.
func (r resource) decode(before *snapshot.Resource) *snapshot.Resource {
	out := &snapshot.Resource{Type: r.Type, Name: r.Name, Version: r.Version, Clusters: r.Clusters, Keys: r.Keys, Weights: r.Weights}
	if r.URL == "" && before != nil {
		out.Body = before.Body
	} else {
		out.Body = &anypb.Any{TypeUrl: r.URL, Value: r.Body}
	}
	return out
}

// requirement is what the follower is to count: an xds.Requirement.
type requirement struct {
	ID   uint64
	Uses map[string][]snapshot.Ref
}

// up is a message to the leader. One of its fields is set.
type up struct {
	Hello    *hello          `json:"hello,omitempty"`
	Roll     *roll           `json:"roll,omitempty"`
	Count    *count          `json:"count,omitempty"`
	Failures *stats.Failures `json:"failures,omitempty"`
	Load     *stats.Load     `json:"load,omitempty"`
	Metrics  *stats.Metrics  `json:"metrics,omitempty"`
	Shown    *shown          `json:"shown,omitempty"`
}

// hello is the first message to the leader: whom the follower takes it for.
type hello struct{ Term Term }

// roll is who is connected to the follower, and who has left of late, by Gateway.
type roll struct{ Connected, Away map[string][]string }

// count is how far the follower's Envoys are with a Requirement.
type count struct {
	ID       uint64
	Progress xds.Progress
	Next     time.Duration // from now; 0: none. Clocks differ, so Progress has none
}

// shown is the follower's part of the fleet table.
type shown struct {
	ID     uint64
	Envoys []api.Envoy
}

// texts has Gateways as messages have them.
func texts[V any](of map[api.Key]V) map[string]V {
	out := make(map[string]V, len(of))
	for key, v := range of {
		out[key.String()] = v
	}
	return out
}

// keys is the way back. What names no Gateway is left out.
func keys[V any](of map[string]V) map[api.Key]V {
	out := make(map[api.Key]V, len(of))
	for text, v := range of {
		if key, ok := parseKey(text); ok {
			out[key] = v
		}
	}
	return out
}

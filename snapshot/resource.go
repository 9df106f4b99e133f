package snapshot

import (
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/serin-mesh/serin/api"
)

// Type is one of the xDS resource types that Serin serves.
type Type uint8

// The types, in the order in which a fresh Envoy asks for them.
const (
	Runtime  Type = iota // RTDS: the layer with the weights of running rollouts
	Cluster              // CDS
	Endpoint             // EDS
	Listener             // LDS
	Route                // RDS
	NumTypes             // how many there are
)

// RuntimeLayer is the name of the RTDS layer, in every bootstrap and as the
// name of each Gateway's Runtime resource.
const RuntimeLayer = "serin"

// Total is the sum of the weights of every weighted route, and of the runtime
// keys that it reads: one scale for both, in millionths of the traffic.
const Total = 1_000_000

// Resource is one xDS resource, marshalled once and shared by every Envoy that
// gets it. It is immutable.
type Resource struct {
	Type    Type
	Name    string
	Version string     // hash of the content, hexadecimal
	Body    *anypb.Any // the encoded message

	// Clusters are the clusters that a Route names, sorted.
	Clusters []string
	// Keys are runtime keys, sorted: those a Route reads, or those a Runtime
	// resource sets. A Route may be sent to an Envoy with the layer only when
	// the Envoy has accepted a Runtime resource that sets all of them to what
	// the newest one says.
	Keys []string
	// Weights are what a Runtime resource sets its Keys to, one for each.
	Weights []uint32
	// Static gives, for a Route with weights of running rollouts, the same
	// route with the weights now wanted written into it, for a client without
	// the runtime layer. Nil where the route is the same for everybody. It is
	// computed when first called, and safe for concurrent use.
	Static func() *Resource
}

// Change says how the resources of one Gateway differ from before.
type Change struct {
	Set     []*Resource // new or changed, sorted by type and name
	Removed []Ref       // gone, sorted by type and name
}

// Ref names a resource of a Gateway.
type Ref struct {
	Type Type
	Name string
}

// Split says how the traffic of one Service that has a Rollout is divided.
type Split struct {
	Stable string // version that takes what the others do not
	Canary string // version being rolled out; empty where there is none
	Weight uint32 // the canary's, in millionths; 0 when Canary is empty
	// Beside are versions with traffic of their own beside the canary. Without a
	// canary there are none.
	Beside []Part
	// Retired are the versions that were stable or canary before and that some
	// Envoy may still have a route to. Their clusters stay, and the runtime keys
	// that such a route reads sum to Total.
	Retired []string
	// Former are the mixes of earlier weighted routes with versions beside the
	// canary that some Envoy may still have: they have runtime keys of their own.
	Former []Mix
	// Managed are the routes that the Rollout's steps made, in order of
	// precedence: the first that matches wins. Without a canary there are none.
	Managed []ManagedRoute
	// Told are the answers that the error stream tells of beside the failing ones
	// while a canary runs.
	Told Told
}

// Told lists answers of a Service's versions.
type Told struct {
	Statuses []int // HTTP statuses from 400 on; 4 and 5 stand for their class
	GRPC     []int // codes of gRPC
	Calls    bool  // gRPC calls that run for long, where the listener tells of such requests
}

// Service is the key of the Service that a Split divides, and of its Rollout's
// place in routes.
type Service = api.Key

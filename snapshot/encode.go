package snapshot

import (
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// encode marshals a message once, deterministically, and names its content by
// a hash. It panics on a message that cannot be marshalled: only invalid UTF-8
// can cause that, which decoding of the objects has ruled out.
func encode(t Type, name string, m proto.Message) *Resource {
	body := mustAny(m)
	return &Resource{
		Type:    t,
		Name:    name,
		Version: strconv.FormatUint(xxhash.Sum64(body.GetValue()), 16),
		Body:    body,
	}
}

// mustAny packs a message into an Any, with map entries in key order.
func mustAny(m proto.Message) *anypb.Any {
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("snapshot: marshalling %s: %v", m.ProtoReflect().Descriptor().FullName(), err))
	}
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + string(m.ProtoReflect().Descriptor().FullName()), Value: value}
}

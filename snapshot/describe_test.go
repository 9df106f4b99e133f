package snapshot

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
)

// TestDescribe proves of every kind of resource that its text 1. is the whole
// of it: read again, it gives the same message, 2. has no field in another
// place than its name says, 3. is the same each time.
func TestDescribe(t *testing.T) {
	b := build(t, shopYAML+sliceYAMLForDescribe)
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2", Weight: Total / 5})
	seen := map[Type]bool{}
	for _, r := range b.Resources(edge) {
		seen[r.Type] = true
		text, err := Describe(r)
		if err != nil {
			t.Fatal(err)
		}
		back := &anypb.Any{}
		if err := protojson.Unmarshal(text, back); err != nil {
			t.Fatalf("%v %q: %v", r.Type, r.Name, err)
		}
		if diff := cmp.Diff(unpack(t, r.Body), unpack(t, back), protocmp.Transform()); diff != "" {
			t.Errorf("%v %q, -is +described:\n%s", r.Type, r.Name, diff)
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		if sorted, _ := json.Marshal(v); string(sorted) != string(text) {
			t.Errorf("%v %q is not sorted: %s", r.Type, r.Name, text)
		}
		if again, err := Describe(r); err != nil || string(again) != string(text) {
			t.Errorf("%v %q: got %s then %s, %v", r.Type, r.Name, text, again, err)
		}
	}
	if len(seen) != int(NumTypes) {
		t.Errorf("only %v were described", seen)
	}
}

// sliceYAMLForDescribe gives both versions of shop an address, so that there is
// something of every type.
const sliceYAMLForDescribe = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: shop-v1, labels: {kubernetes.io/service-name: shop, app.kubernetes.io/version: v1}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1]}]
ports: [{port: 9001}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: shop-v2, labels: {kubernetes.io/service-name: shop, app.kubernetes.io/version: v2}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1]}]
ports: [{port: 9002}]
`

// unpack gives the message in an Any.
func unpack(t *testing.T, a *anypb.Any) proto.Message {
	t.Helper()
	m, err := a.UnmarshalNew()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDescribeForeign proves that what cannot be read is named.
func TestDescribeForeign(t *testing.T) {
	for name, body := range map[string]*anypb.Any{
		"an unknown type": {TypeUrl: "type.googleapis.com/nobody.Knows"},
		"a broken body":   {TypeUrl: Cluster.URL(), Value: []byte{0xff}},
	} {
		_, err := Describe(&Resource{Type: Cluster, Name: "x/y/80", Body: body})
		if err == nil || !strings.Contains(err.Error(), `describing clusters "x/y/80"`) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

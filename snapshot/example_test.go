package snapshot_test

import (
	"fmt"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
)

const objects = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: serin, listeners: [{name: http, protocol: HTTP, port: 10000}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: shop, port: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {ports: [{port: 80}]}
`

// A canary starts, and then its weight changes: the second change is the keys,
// and the route again for clients that do not read keys.
func ExampleBuilder() {
	docs, _ := api.Decode("objects.yaml", []byte(objects))
	b := snapshot.NewBuilder(snapshot.Options{})
	b.SetObjects(api.Collect(docs, nil))
	edge, shop := api.Key{Namespace: "default", Name: "edge"}, api.Key{Namespace: "default", Name: "shop"}

	b.SetSplit(shop, &snapshot.Split{Stable: "v1", Canary: "v2"})
	for _, r := range b.Flush()[edge].Set {
		fmt.Println(r.Type, r.Name)
	}
	fmt.Println("then")
	b.SetSplit(shop, &snapshot.Split{Stable: "v1", Canary: "v2", Weight: 200_000})
	for _, r := range b.Flush()[edge].Set {
		fmt.Println(r.Type, r.Name)
	}
	// Output:
	// runtime serin
	// clusters default/shop/80/v1
	// clusters default/shop/80/v2
	// endpoints default/shop/80/v1
	// endpoints default/shop/80/v2
	// listeners default/edge/10000
	// routes default/edge/10000
	// then
	// runtime serin
	// routes default/edge/10000
}

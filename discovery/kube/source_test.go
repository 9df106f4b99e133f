package kube

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"
)

// TestLoadAndRun: Load gives everything at once, Run each change.
func TestLoadAndRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, Options{}, service("cart")+"---\n"+rollout("serin.dev", "cart", "cart:1", "")+"---\n"+
			podOfVersion("p1", "aa")+"---\n"+sliceOf("cart-x", "cart", "p1"))
		c.run()
		defer c.close()
		expect(t, "first", refs(c.first.Changed), "EndpointSlice shop/cart-x@aa, Rollout shop/cart, Service shop/cart")
		c.create(podOfVersion("p2", "bb"))
		expect(t, "an unrelated pod", c.next(), "")
		c.update("2", sliceOf("cart-x", "cart", "p1", "p2"))
		expect(t, "a slice", c.next(), "EndpointSlice shop/cart-x@bb")
		c.update("3", rollout("serin.dev", "cart", "cart:1", "")+"status: {phase: Healthy}\n")
		expect(t, "a status", c.next(), "")
		c.remove(service("cart"))
		expect(t, "a Service that went", c.next(), " - Service shop/cart")
	})
}

// TestKindsAppear: kinds that are not served hold up nothing, and are read when
// they are.
func TestKindsAppear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, Options{AdoptArgo: true}, service("cart")+"---\n"+rollout("argoproj.io", "cart", "cart:1", ""))
		c.served.groups = map[string][]string{}
		c.run()
		defer c.close()
		expect(t, "first", refs(c.first.Changed), "Service shop/cart")
		c.served.serve("argoproj.io/v1alpha1", "rollouts")
		time.Sleep(29 * time.Second)
		expect(t, "before the look", c.next(), "")
		time.Sleep(time.Second)
		expect(t, "after it", c.next(), "Rollout shop/cart")
		c.served.fail(errors.New("away"))
		time.Sleep(time.Minute)
		expect(t, "an API server that is away", c.next(), "")
		c.served.fail(nil)
		c.served.serve("gateway.networking.k8s.io/v1beta1", "gateways", "httproutes")
		c.create(replaceOnce(route("web", "cart"), "/v1\n", "/v1beta1\n"))
		time.Sleep(30 * time.Second)
		expect(t, "an older version", c.next(), "HTTPRoute shop/web")
	})
}

// TestAwayAtTheStart: an API server that does not say what it serves is waited
// for; its kinds are not taken for missing.
func TestAwayAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, Options{}, rollout("serin.dev", "cart", "cart:1", ""))
		c.served.fail(errors.New("away"))
		time.AfterFunc(time.Minute, func() { c.served.fail(nil) })
		c.run()
		defer c.close()
		expect(t, "first", refs(c.first.Changed), "Rollout shop/cart")
	})
}

// TestNotReadyAtTheStart: neither is one that says that it is not ready.
func TestNotReadyAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, Options{}, "")
		begun := time.Now()
		c.source.clients.ready = func(context.Context) error {
			if time.Since(begun) < time.Minute {
				return apierrors.NewServiceUnavailable("starting")
			}
			return nil
		}
		c.run()
		defer c.close()
		if time.Since(begun) < time.Minute {
			t.Error("the first set was given before the API server was ready")
		}
	})
}

// TestOldWatchIsNotHeard: what the watch of a name says that is no longer
// watched, or is watched anew, does not count.
func TestOldWatchIsNotHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, Options{}, reference("cart", "d")+"---\n"+deployment("d", "cart:1"))
		c.run()
		defer c.close()
		d := name{groupApps, "Deployment", key("d")}
		old := c.source.watch(found{single["Deployment"], "v1"}, "shop")
		old.single = "d"
		c.source.inbox.put(old, event{from: old, name: d})
		expect(t, "an old watch", c.next(), "")
	})
}

// TestArgoOnlyWhenAsked: without AdoptArgo objects of argoproj.io are not read.
func TestArgoOnlyWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, Options{}, rollout("argoproj.io", "cart", "cart:1", ""))
		c.served.serve("argoproj.io/v1alpha1", "rollouts")
		c.run()
		defer c.close()
		expect(t, "first", refs(c.first.Changed), "")
	})
}

// TestNamedIsReadBeforeTheFirstSet: a Rollout of a Deployment is whole in the
// first set, and Deployments that nobody names are not read.
func TestNamedIsReadBeforeTheFirstSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, Options{}, reference("cart", "d")+"---\n"+deployment("d", "cart:1")+"---\n"+deployment("e", "e:1"))
		c.run()
		defer c.close()
		r := c.first.Objects.Rollouts[key("cart")]
		if r == nil || len(r.Spec.Template.Spec) == 0 {
			t.Fatalf("the first set has %v; found %s", r, told(c.first))
		}
		c.update("2", deployment("d", "cart:2"))
		expect(t, "a Deployment", c.next(), "Rollout shop/cart")
		c.update("3", deployment("e", "e:2"))
		expect(t, "another Deployment", c.next(), "")
		c.update("4", reference("cart", "e"))
		expect(t, "another name", c.next(), "Rollout shop/cart")
		if n := len(c.source.named); n != 1 {
			t.Errorf("%d objects are watched by name", n)
		}
	})
}

// TestOutageRemovesNothing: watches that end and lists that fail change nothing;
// then only what differs is told.
func TestOutageRemovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, Options{}, service("cart")+"---\n"+service("pay")+"---\n"+service("old"))
		var away sync.Mutex
		down := false
		refuse := func(clienttesting.Action) (bool, runtime.Object, error) {
			away.Lock()
			defer away.Unlock()
			return down, nil, apierrors.NewServiceUnavailable("starting")
		}
		c.dynamic.PrependReactor("list", "*", refuse)
		c.run()
		defer c.close()
		away.Lock()
		down = true
		away.Unlock()
		w := c.watchOf("services")
		list := []any{}
		for _, u := range objects(t, service("cart")+"---\n"+service("pay")) {
			u.SetResourceVersion("1")
			list = append(list, u)
		}
		time.Sleep(time.Hour)
		expect(t, "an hour of it", c.next(), "")
		c.must(w.Replace(list, "9"))
		expect(t, "a list after it", c.next(), " - Service shop/old")
	})
}

// watchOf gives a watch like that of a kind, which knows what that has told.
func (c *cluster) watchOf(plural string) *watch {
	w := c.source.watch(found{core[0], "v1"}, "")
	for k := range c.first.Objects.Services {
		w.known[k] = "1"
	}
	return w
}

// TestLoadSaysWhatIsMissing: a Load that is ended says what it waited for, and
// leaves nothing behind.
func TestLoadSaysWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, Options{}, "")
		c.dynamic.PrependReactor("list", "services", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "services"}, "", nil)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.source.Load(ctx)
		if err == nil || !strings.HasSuffix(err.Error(), "still waiting for services") {
			t.Errorf("error %v", err)
		}
	})
}

// TestForbiddenSecret: a Secret that Serin may not read holds up nothing.
func TestForbiddenSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, Options{}, reference("cart", "d"))
		c.dynamic.PrependReactor("list", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "deployments"}, "d", nil)
		})
		c.run()
		defer c.close()
		if len(c.first.Objects.Rollouts) > 0 || len(c.first.Findings) == 0 {
			t.Errorf("set %v, found %s", c.first.Objects.Rollouts, told(c.first))
		}
	})
}

package workload

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apps "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/serin-mesh/serin/rollout"
)

// TestReconcile: the version is named once its ReplicaSet is there, pods are asked
// for and reported, and nothing is done or told twice.
func TestReconcile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		v1 := w.began(shop(t, ""))
		if r := w.last(); r.Version != v1 || r.Revision != "1" || r.AvailableReplicas != 4 || r.HPAReplicas != 4 || r.UpdatedReplicas != 4 || r.Selector != "app=shop" || r.Generation != 3 || r.Err != "" {
			t.Errorf("the first version is reported as %+v", r)
		}
		r2 := image(t, "shop:2", "")
		v2 := w.version(r2, Wanted{Stable: v1, Version: v1})
		half := canary(v2, share50)
		w.want(Wanted{Rollout: r2, Stable: v1, Version: v2, Canary: half})
		if p := w.last().Pods; p.Met || p.Need != half {
			t.Errorf("before there are pods they are said to be %+v", p)
		}
		w.follow(v2)
		if p := w.last().Pods; !p.Met || p.Need != half {
			t.Errorf("with the pods they are said to be %+v", p)
		}
		if n := *w.set(v1).Spec.Replicas; n != 4 {
			t.Errorf("the stable version has %d", n)
		}
		told, asked := len(w.reports), len(w.requests)
		w.want(Wanted{Rollout: r2, Stable: v1, Version: v2, Canary: half})
		w.put(w.set(v2))
		if len(w.reports) != told || len(w.requests) != asked {
			t.Errorf("nothing changed, and there are %v and %v", w.reports[told:], w.requests[asked:])
		}
		want := []string{"create replicasets ", "patch replicasets ", "create replicasets ", "create replicasets ", "patch replicasets "}
		if !slices.Equal(w.requests, want) {
			t.Errorf("it took %q", w.requests)
		}
	})
}

// TestDelay: after a promotion, an unused version goes when its delay is over, to
// the second.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		v1 := w.began(shop(t, ""))
		r2 := image(t, "shop:2", `"scaleDownDelaySeconds": 30`)
		v2 := w.version(r2, Wanted{Stable: v1, Version: v1})
		now := time.Now()
		w.want(Wanted{Rollout: r2, Stable: v2, Version: v2, Promoted: &now})
		time.Sleep(30*time.Second - time.Millisecond)
		synctest.Wait()
		if n := *w.set(v1).Spec.Replicas; n != 4 {
			t.Errorf("before its time it has %d", n)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if n := *w.set(v1).Spec.Replicas; n != 0 {
			t.Errorf("after its time it has %d", n)
		}
	})
}

// TestRefusedVersion: a version that cannot be made is said to be so, and meanwhile
// the canary that is out goes and the stable version is scaled.
func TestRefusedVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		v1 := w.began(shop(t, ""))
		r2 := image(t, "shop:2", "")
		v2 := w.version(r2, Wanted{Stable: v1, Version: v1})
		w.want(Wanted{Rollout: r2, Stable: v1, Version: v2, Canary: canary(v2, share50), Busy: []string{v1, v2}})
		w.follow(v2)

		var refuse atomic.Bool
		refuse.Store(true)
		w.client.PrependReactor("create", "replicasets", func(clienttesting.Action) (bool, runtime.Object, error) {
			return refuse.Load(), nil, errors.New("exceeded quota")
		})
		r3 := image(t, "shop:3", "")
		r3.Spec.Replicas = new(int32(6))
		w.Want(Wanted{Rollout: r3, Stable: v1, Version: v2, Aborted: new(time.Now()), Busy: []string{v1}})
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if r := w.last(); !strings.Contains(r.Err, "exceeded quota") || r.Version != "" {
			t.Errorf("it is reported as %+v", r)
		}
		if stable, out := *w.set(v1).Spec.Replicas, *w.set(v2).Spec.Replicas; stable != 6 || out != 0 {
			t.Errorf("the stable version has %d, the aborted one %d", stable, out)
		}
		refuse.Store(false)
		time.Sleep(time.Minute) // it is tried again
		synctest.Wait()
		if r := w.last(); r.Err != "" || r.Version == "" || r.Version == v2 {
			t.Errorf("later it is reported as %+v", r)
		}
	})
}

// TestOthersWrite: a write that is stale is followed where it still is right, and
// is decided anew where somebody else scaled.
func TestOthersWrite(t *testing.T) {
	for name, theirs := range map[string]func(*apps.ReplicaSet){
		"something else": func(s *apps.ReplicaSet) { s.Labels["theirs"] = "x" },
		"the replicas":   func(s *apps.ReplicaSet) { s.Spec.Replicas = new(int32(9)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.close()
				v1 := w.began(shop(t, ""))
				meddled := false
				w.client.PrependReactor("patch", "replicasets", func(clienttesting.Action) (bool, runtime.Object, error) {
					if !meddled { // just before ours
						meddled = true
						s := w.set(v1)
						theirs(s)
						s.ResourceVersion = w.next()
						if err := w.client.Tracker().Update(apps.SchemeGroupVersion.WithResource("replicasets"), s, "prod"); err != nil {
							t.Error(err)
						}
					}
					return false, nil, nil
				})
				r := shop(t, "")
				r.Spec.Replicas = new(int32(7))
				w.Want(Wanted{Rollout: r, Stable: v1, Version: v1})
				time.Sleep(time.Second)
				synctest.Wait()
				s := w.set(v1)
				if *s.Spec.Replicas != 7 || !meddled || name == "something else" && s.Labels["theirs"] != "x" {
					t.Errorf("it ends as %v", s)
				}
				if decided := strings.Contains(w.log.String(), "somebody else scaled it to 9"); decided != (name == "the replicas") {
					t.Errorf("decided anew: %v; the log says %s", decided, w.log.String())
				}
			})
		})
	}
}

// TestWantNeverBlocks: also while the server does not answer; the last Want counts.
func TestWantNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		answer := make(chan struct{})
		w.client.PrependReactor("create", "replicasets", func(clienttesting.Action) (bool, runtime.Object, error) {
			<-answer
			return false, nil, nil
		})
		r := shop(t, "")
		w.want(Wanted{Rollout: r})
		for range 10 {
			w.Want(Wanted{Rollout: r})
		}
		r = shop(t, "")
		r.Generation = 99
		w.Want(Wanted{Rollout: r})
		close(answer)
		synctest.Wait()
		if got := w.last(); got.Generation != 99 || got.Version == "" {
			t.Errorf("the last report is %+v", got)
		}
	})
}

// TestForget: nobody looks after it any more, and nothing is taken from it.
func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		r := shop(t, "")
		v1 := w.began(r)
		w.Forget(r.Key())
		synctest.Wait()
		told := len(w.reports)
		s := w.set(v1)
		*s.Spec.Replicas = 1
		w.put(s)
		if n := *w.set(v1).Spec.Replicas; n != 1 || len(w.reports) != told {
			t.Errorf("it has %d, and %d reports were made", n, len(w.reports)-told)
		}
	})
}

// TestStableGone: a stable version that somebody deleted is named.
func TestStableGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		v1 := w.began(shop(t, ""))
		r2 := image(t, "shop:2", "")
		v2 := w.version(r2, Wanted{Stable: v1, Version: v1})
		if err := w.client.Tracker().Delete(apps.SchemeGroupVersion.WithResource("replicasets"), "prod", "shop-"+v1); err != nil {
			t.Fatal(err)
		}
		w.want(Wanted{Rollout: r2, Stable: v1, Version: v2, Canary: rollout.Need{Version: v2}})
		if r := w.last(); !strings.Contains(r.Err, v1+" is gone") {
			t.Errorf("it is reported as %+v", r)
		}
	})
}

// TestNamesake: a Rollout that is made anew waits for the ReplicaSets of the one before
// to be gone, and has their names then; another name would be another version.
func TestNamesake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		v1 := w.began(shop(t, ""))
		r := shop(t, "")
		r.UID = "another"
		w.want(Wanted{Rollout: r})
		if got := w.last(); !strings.Contains(got.Err, "is still there") || got.CollisionCount != nil {
			t.Errorf("it is reported as %+v", got)
		}
		if err := w.client.Tracker().Delete(apps.SchemeGroupVersion.WithResource("replicasets"), "prod", "shop-"+v1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := w.last(); got.Version != v1 || got.Err != "" {
			t.Errorf("it is reported as %+v, want %s", got, v1)
		}
	})
}

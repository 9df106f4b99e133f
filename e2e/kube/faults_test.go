//go:build kube

package kube_test

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	core "k8s.io/api/core/v1"

	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/internal/stage"
)

// atTwenty brings a canary to its pause at 20%.
func (s *scene) atTwenty(image string) {
	s.Helper()
	s.setImage(image)
	s.until(image+" pauses at 20%", func() bool {
		return s.status("{.status.phase} {.status.canary.weights.canary.weight}") == "Paused 20" && s.pods(image) == 1
	})
}

// promoted waits for the end of a rollout, and for its pods alone.
func (s *scene) promoted(image string) {
	s.Helper()
	s.until(image+" is promoted", func() bool {
		return s.status("{.status.phase}") == "Healthy" && s.status("{.status.stableRS}") == s.status("{.status.currentPodHash}")
	})
	s.until("only its pods are left", func() bool { return s.pods(image) == 5 && s.others(image) == 0 })
}

// others counts the pods of other images that are not going away.
func (s *scene) others(image string) int {
	s.Helper()
	out := s.kubectl("get", "pods", "-o", `jsonpath={range .items[*]}{.spec.containers[0].image} {.metadata.deletionTimestamp}{"\n"}{end}`)
	n := 0
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) == 1 && f[0] != image {
			n++
		}
	}
	return n
}

const pausing = `[{setWeight: 20}, {pause: {}}, {setWeight: 60}, {pause: {duration: 1s}}]`

// TestThirdVersion: a third version half way; the second leaves traffic, then its
// pods go, and no request is lost.
func TestThirdVersion(t *testing.T) {
	s := newScene(t, pausing)
	before := s.load.Counts()
	s.atTwenty("shop:2")
	s.atTwenty("shop:3")
	s.until("the second version's pods go", func() bool { return s.pods("shop:2") == 0 })
	if n := s.pods("shop:1"); n != 5 {
		t.Errorf("%d pods of stable, want 5", n)
	}
	s.act("promote", "shop")
	s.promoted("shop:3")
	s.noneFailed(before)
}

// TestAbortWhileStableIsUnready: traffic goes back at once, whatever the pods of
// stable are; a change of replicas delays nothing either.
func TestAbortWhileStableIsUnready(t *testing.T) {
	s := newScene(t, pausing)
	s.atTwenty("shop:2")
	held := ""
	s.kubelet.Hold(func(p *core.Pod) bool {
		if p.Spec.Containers[0].Image == "shop:1" && (held == "" || held == p.Name) {
			held = p.Name
			return true
		}
		return false
	})
	s.until("a pod of stable is unready", func() bool {
		return strings.Contains(s.kubectl("get", "pods", "-o", "jsonpath={.items[*].status.conditions[?(@.type==\"Ready\")].status}"), "False")
	})
	s.kubectl("scale", "rollouts.serin.dev/shop", "--replicas=7")
	before := s.load.Counts()
	s.act("abort", "shop", "--reason", "to see")
	if got := s.status("{.status.canary.weights.canary.weight}"); got != "0" && got != "" {
		s.until("the weight is 0", func() bool { return s.status("{.status.canary.weights.canary.weight}") == "0" })
	}
	s.kubelet.Hold(nil)
	s.until("the canary's pods go and stable has seven", func() bool { return s.pods("shop:2") == 0 && s.pods("shop:1") == 7 })
	s.noneFailed(before)
}

// TestScaleDuringRollout: the scale subresource, as an autoscaler uses it, half way.
func TestScaleDuringRollout(t *testing.T) {
	s := newScene(t, pausing)
	before := s.load.Counts()
	s.atTwenty("shop:2")
	s.kubectl("scale", "rollouts.serin.dev/shop", "--replicas=10")
	s.until("both versions have grown", func() bool { return s.pods("shop:1") == 10 && s.pods("shop:2") == 2 })
	s.kubectl("scale", "rollouts.serin.dev/shop", "--replicas=5")
	s.until("and shrunk", func() bool { return s.pods("shop:1") == 5 })
	s.act("promote", "shop")
	s.promoted("shop:2")
	s.noneFailed(before)
}

// TestNodeGone: a node that fails takes its pods; the rollout waits or goes on, and
// ends when the node is back.
func TestNodeGone(t *testing.T) {
	s := newScene(t, pausing)
	s.atTwenty("shop:2")
	s.must(s.kubelet.FailNode(s.ctx, "node-2"))
	s.must(s.kubelet.RecoverNode(s.ctx, "node-2"))
	s.until("all pods are ready again", func() bool {
		return s.status("{.status.readyReplicas}") == "6"
	})
	s.act("promote", "shop")
	s.promoted("shop:2")
}

// TestAPIServerRestarted: an API server that is away in the middle stops nobody's
// traffic; an abort that is said meanwhile takes traffic back at once, and the
// rollout goes on from there.
func TestAPIServerRestarted(t *testing.T) {
	s := newScene(t, pausing)
	before := s.load.Counts()
	s.atTwenty("shop:2")
	s.must(s.cluster.StopAPIServer())
	at := s.load.Counts()
	s.until("requests go on", func() bool { return s.load.Counts().Sub(at).Requests > 100 })
	s.must(s.cluster.StartAPIServer(s.ctx))
	if got := s.status("{.status.phase}"); got != "Paused" {
		t.Errorf("after the restart it is %s, want Paused", got)
	}
	s.act("promote", "shop")
	s.promoted("shop:2")
	s.noneFailed(before)
}

// TestServerKilled: a server that is killed in the middle goes on where it was.
func TestServerKilled(t *testing.T) {
	s := newScene(t, pausing)
	before := s.load.Counts()
	s.atTwenty("shop:2")
	_ = s.serin.End(syscall.SIGKILL)
	s.start()
	s.until("it still pauses at 20%", func() bool {
		return s.status("{.status.phase} {.status.canary.weights.canary.weight}") == "Paused 20"
	})
	s.act("promote", "shop")
	s.promoted("shop:2")
	s.noneFailed(before)
}

// TestLeaderKilled: of two servers one waits; when the leader is killed in the
// middle, the other goes on within seconds and nothing is lost.
func TestLeaderKilled(t *testing.T) {
	s := newScene(t, pausing)
	before := s.load.Counts()
	s.atTwenty("shop:2")
	first := s.serin
	second := s.second()
	_ = first.End(syscall.SIGKILL)
	s.serin = second
	s.until("the other one leads", func() bool { return strings.Contains(s.ask("get", "rollout", "shop", "-o", "json"), `"Paused"`) })
	s.act("promote", "shop")
	s.promoted("shop:2")
	s.noneFailed(before)
}

// second starts another Serin beside the one that leads. It takes the addresses of
// the first when that is gone, as a Service would send Envoys there.
func (s *scene) second() *stage.Serin {
	s.Helper()
	ports, err := lab.FreePorts(1)
	s.must(err)
	s.http = fmt.Sprintf("127.0.0.1:%d", ports[0])
	second := s.run()
	return second
}

// ask has Serin answer, or gives nothing where it does not.
func (s *scene) ask(args ...string) string {
	out, err := exec.CommandContext(s.ctx, program, append(args, "--server", s.http)...).Output()
	if err != nil {
		return ""
	}
	return string(out)
}

// TestConflictingWriters: somebody who scales the ReplicaSets by hand, and somebody
// who writes the Rollout's metadata all the time, change nothing for good.
func TestConflictingWriters(t *testing.T) {
	s := newScene(t, pausing)
	before := s.load.Counts()
	s.atTwenty("shop:2")
	for i := range 5 {
		s.kubectl("annotate", "--overwrite", "rollouts.serin.dev/shop", fmt.Sprintf("team/touched=%d", i))
	}
	stable := s.status("{.status.stableRS}")
	s.kubectl("scale", "replicaset", "shop-"+stable, "--replicas=6")
	s.until("the size is as the Rollout says", func() bool { return s.pods("shop:1") == 5 })
	s.act("promote", "shop")
	s.promoted("shop:2")
	s.noneFailed(before)
}

// TestTwoControllers: a server that does not ask for the lease and writes states of
// its own ends the one before, rather than both deciding.
func TestTwoControllers(t *testing.T) {
	s := newScene(t, pausing, "--leader-elect=false")
	s.atTwenty("shop:2")
	first, http := s.serin, s.http
	ports, err := lab.FreePorts(2)
	s.must(err)
	s.xds, s.http = fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1])
	s.start()
	s.act("abort", "shop", "--reason", "by the second")
	// What the first one decides now, it cannot store: it stops.
	_ = exec.CommandContext(s.ctx, program, "promote", "shop", "--server", http).Run()
	select {
	case <-first.Ended():
		if first.Err() == nil {
			t.Error("the first one ended as if all were well")
		}
	case <-s.ctx.Done():
		t.Fatal("the first one goes on")
	}
	s.until("the second one's word stands", func() bool {
		return s.status("{.status.phase} {.status.canary.weights.canary.weight}") == "Degraded 0"
	})
}

// TestDefinitionsUpgraded: the definitions are applied anew in the middle.
func TestDefinitionsUpgraded(t *testing.T) {
	s := newScene(t, pausing)
	before := s.load.Counts()
	s.atTwenty("shop:2")
	s.kubectl("annotate", "crd", "rollouts.serin.dev", "upgraded=yes")
	s.must(s.cluster.ApplyFolder(s.ctx, "../../deploy/crds"))
	s.act("promote", "shop")
	s.promoted("shop:2")
	s.noneFailed(before)
}

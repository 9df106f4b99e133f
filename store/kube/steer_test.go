package kube

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// TestActions: what the plugin of Argo Rollouts writes means what it does there.
func TestActions(t *testing.T) {
	const paused = "currentStepIndex: 1, pauseConditions: [{reason: CanaryPauseStep}], controllerPause: true"
	for name, c := range map[string]struct{ before, after, want string }{
		"nothing":                   {paused, paused + ", message: x", ""},
		"promote of a pause":        {paused, "currentStepIndex: 1, controllerPause: true", "promote"},
		"promote of an analysis":    {"currentStepIndex: 1", "currentStepIndex: 2", "promote"},
		"promote, inconclusive":     {paused, "currentStepIndex: 2, controllerPause: false", "promote"},
		"promote of the last step":  {"currentStepIndex: 3", "currentStepIndex: 4", "promote"},
		"promote of a user's pause": {"pauseConditions: [{reason: UserPause}]", "", "resume"},
		"promote of both":           {"pauseConditions: [{reason: UserPause}, {reason: CanaryPauseStep}]", "pauseConditions: []", "resume promote"},
		"one of two":                {"pauseConditions: [{reason: UserPause}, {reason: CanaryPauseStep}]", "pauseConditions: [{reason: UserPause}]", "promote"},
		"skip all":                  {paused, "currentStepIndex: 4, pauseConditions: [{reason: CanaryPauseStep}]", "promote full"},
		"full":                      {paused, paused + ", promoteFull: true", "promote full"},
		"abort":                     {paused, paused + ", abort: true", "abort"},
		"abort wins":                {paused, "currentStepIndex: 2, abort: true, promoteFull: true", "abort"},
		"retry":                     {"abort: true", "abort: false", "retry"},
		"out, and stays":            {"abort: true, currentStepIndex: 0", "abort: true, currentStepIndex: 1", ""},
		"a step back":               {"currentStepIndex: 2", "currentStepIndex: 1", ""},
		"a leap":                    {"currentStepIndex: 0", "currentStepIndex: 2", ""},
		"another pause":             {"currentStepIndex: 1", paused, ""},
	} {
		var got []string
		for _, a := range saying(t, c.before).actions(*saying(t, c.after), 4) {
			got = append(got, a.Verb)
			if a.Full {
				got = append(got, "full")
			}
			if !strings.HasPrefix(a.Reason, "status.") {
				t.Errorf("%s: the reason is %q", name, a.Reason)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// saying reads the fields of a status.
func saying(t *testing.T, fields string) *said {
	t.Helper()
	text, err := yaml.YAMLToJSON([]byte("{" + fields + "}"))
	if err != nil {
		t.Fatal(err)
	}
	return saidOf(string(text))
}

// cluster plays an API server that holds one Rollout, and the control loop.
type cluster struct {
	*testing.T
	statuses *Statuses
	news     chan []api.Event

	mu      sync.Mutex // guards what follows
	object  *unstructured.Unstructured
	version int
	acts    []string
	refuse  error
	patches int
	lose    bool // the answer to the next patch
}

// inCluster runs a test beside the writer of statuses.
func inCluster(t *testing.T, test func(c *cluster)) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{T: t, news: make(chan []api.Event), object: &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
			"metadata": map[string]any{"namespace": "default", "name": "shop", "uid": "u"},
			"spec":     map[string]any{"strategy": map[string]any{"canary": map[string]any{"steps": []any{map[string]any{}, map[string]any{}}}}}}}}
		client := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
			map[schema.GroupVersionResource]string{{Group: groupArgo, Version: "v1alpha1", Resource: "rollouts"}: "RolloutList"})
		client.PrependReactor("patch", "rollouts", c.patch)
		c.statuses = NewStatuses(client, c.act, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- c.statuses.Run(ctx, func(ctx context.Context) ([]api.Event, error) {
				select {
				case e := <-c.news:
					return e, nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			})
		}()
		test(c)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// patch is the API server's.
func (c *cluster) patch(a clienttesting.Action) (bool, runtime.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ops []struct {
		Path  string
		Value any
	}
	if err := json.Unmarshal(a.(clienttesting.PatchAction).GetPatch(), &ops); err != nil {
		return true, nil, err
	}
	if len(ops) != 2 || ops[1].Value != c.object.GetResourceVersion() {
		return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "rollouts"}, "shop", errors.New("it is another now"))
	}
	c.patches++
	c.put(ops[0].Value, fieldManager)
	if c.lose {
		c.lose = false
		return true, nil, errors.New("the connection is lost")
	}
	return true, c.object.DeepCopy(), nil
}

// put has the object hold a status.
func (c *cluster) put(status any, manager string) {
	c.version++
	c.object.SetResourceVersion(strconv.Itoa(c.version))
	c.object.Object["status"] = status
	c.object.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: manager, Subresource: "status"}})
}

// writes has somebody write a status; it is seen only with see.
func (c *cluster) writes(who, fields string) *unstructured.Unstructured {
	c.Helper()
	text, err := yaml.YAMLToJSON([]byte("{" + fields + "}"))
	var status any
	if err := errors.Join(err, json.Unmarshal(text, &status)); err != nil {
		c.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(status, who)
	return c.object.DeepCopy()
}

// see has the watch tell of the object, as it is or was.
func (c *cluster) see(u *unstructured.Unstructured) {
	c.statuses.See(u, false)
	synctest.Wait()
}

// now is the object as it is.
func (c *cluster) now() *unstructured.Unstructured {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.object.DeepCopy()
}

func (c *cluster) act(_ context.Context, key api.Key, a api.Action) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acts = append(c.acts, a.Verb+" by "+a.Actor)
	return c.refuse
}

// tell has the control loop tell of a status.
func (c *cluster) tell(message string, s api.RolloutStatus) {
	s.Message = message
	c.news <- []api.Event{{Type: "rollout", Rollout: &api.Rollout{
		TypeMeta:   metav1.TypeMeta{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop", UID: "u"}, Status: s}}}
	synctest.Wait()
}

// expect checks what was asked for so far, and what the object says.
func (c *cluster) expect(what, acts, message string) {
	c.Helper()
	u := c.now()
	got, _, _ := unstructured.NestedString(u.Object, "status", "message")
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.Join(c.acts, ", ") != acts || got != message {
		c.Errorf("%s: asked for is %q and the status says %q, want %q and %q", what, c.acts, got, acts, message)
	}
}

// TestWhoSteers: what others write into a status is heard once, whenever it is
// seen, and then overwritten; what we wrote, and what is old, is not.
func TestWhoSteers(t *testing.T) {
	const plugin = "kubectl-argo-rollouts"
	paused := api.RolloutStatus{CurrentStepIndex: 1, ControllerPause: true, PauseConditions: []api.PauseCondition{{Reason: "CanaryPauseStep"}}}
	inCluster(t, func(c *cluster) {
		old := c.writes(argoController, "abort: true, message: of before")
		c.see(old)
		c.expect("how it stood before", "", "of before")
		c.tell("paused", paused)
		c.expect("the first status", "", "paused")
		c.see(c.now())
		c.see(old)
		c.expect("an echo", "", "paused")

		said := c.writes(plugin, "abort: true, currentStepIndex: 1, message: said")
		c.tell("still paused", paused)
		c.expect("what is not heard yet is not overwritten", "", "said")
		c.see(said)
		c.expect("an abort", "abort by "+plugin, "still paused")
		c.see(said)
		c.see(c.now())
		c.expect("the same again", "abort by "+plugin, "still paused")

		c.refuse = rollout.ErrNotApplicable
		c.see(c.writes(plugin, "currentStepIndex: 1, message: promoted"))
		time.Sleep(2 * statusesAt)
		c.expect("a promote that is refused", "abort by "+plugin+", promote by "+plugin, "still paused")
		c.see(c.now())

		c.acts = nil
		c.see(c.writes(argoController, "abort: true, message: of Argo"))
		time.Sleep(2 * statusesAt)
		c.expect("Argo's controller", "", "still paused")
		c.see(c.now())

		c.lose = true
		c.tell("lost", api.RolloutStatus{CurrentStepIndex: 2})
		c.see(c.now())
		time.Sleep(2 * statusesAt)
		c.expect("a write of ours whose answer is lost", "", "lost")

		other := c.writes(plugin, "abort: true, message: of another")
		other.SetUID("v")
		c.see(other)
		c.tell("of the first", paused)
		c.expect("another object of the name", "", "of another")
	})
}

// TestQuiet: nothing is written while nothing changes.
func TestQuiet(t *testing.T) {
	inCluster(t, func(c *cluster) {
		c.see(c.writes(argoController, "message: of before"))
		c.tell("ours", api.RolloutStatus{})
		for range 3 {
			c.see(c.now())
			time.Sleep(time.Minute)
		}
		if c.patches != 1 {
			t.Errorf("%d patches, want one", c.patches)
		}
	})
}

package api_test

import (
	"encoding/json"
	"testing"

	"github.com/serin-mesh/serin/api"
)

// TestPodTemplateHash compares with what argo-rollouts 1.10's own function gave
// for the same templates, with k8s.io/api 0.34.5: without a collision count,
// with 0, and with 2.
func TestPodTemplateHash(t *testing.T) {
	for _, c := range []struct{ template, none, zero, two string }{
		{`{}`, "658c46c486", "6f9d9db974", "856466dfb4"},
		{`{"metadata":{"labels":{"app":"shop"}},"spec":{"containers":[{"name":"shop","image":"shop:1"}]}}`,
			"6757d59c7c", "5b677b4c6f", "8b5c5d6ff"},
		// Empty values, the order of keys and unknown fields do not count.
		{`{"metadata":{"creationTimestamp":null,"labels":{"app":"shop"}},"spec":{"containers":[{"image":"shop:1","name":"shop","resources":{}}]}}`,
			"6757d59c7c", "5b677b4c6f", "8b5c5d6ff"},
		{`{"metadata":{"labels":{"app":"shop"}},"spec":{"containers":[{"name":"shop","image":"shop:1","surprise":true}]}}`,
			"6757d59c7c", "5b677b4c6f", "8b5c5d6ff"},
		// Quantities are written in their canonical form, and <, > and & escaped.
		{largeTemplate, "57f499d8df", "7c8b94b997", "69d8db8567"},
	} {
		var template api.Template
		if err := json.Unmarshal([]byte(c.template), &template); err != nil {
			t.Fatal(err)
		}
		zero, two := int32(0), int32(2)
		for count, want := range map[*int32]string{nil: c.none, &zero: c.zero, &two: c.two} {
			if got, err := api.PodTemplateHash(template, count); err != nil || got != want {
				t.Errorf("%s: hash %s, %v; want %s", c.template, got, err, want)
			}
		}
	}
}

const largeTemplate = `{"metadata":{"labels":{"app":"shop","app.kubernetes.io/version":"v2"},"annotations":{"a/b":"c"}},"spec":{"serviceAccountName":"shop","terminationGracePeriodSeconds":5,"containers":[{"name":"shop","image":"shop:2","imagePullPolicy":"IfNotPresent","ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],"resources":{"requests":{"cpu":"0.5","memory":"1024Mi"},"limits":{"cpu":"1000m"}},"readinessProbe":{"httpGet":{"path":"/","port":"http"},"periodSeconds":3},"env":[{"name":"A","value":"<&>"}],"lifecycle":{"preStop":{"sleep":{"seconds":2}}}}],"volumes":[{"name":"x","emptyDir":{"sizeLimit":"1Gi"}},{"name":"c","persistentVolumeClaim":{"claimName":"q"}},{"name":"e","ephemeral":{"volumeClaimTemplate":{"metadata":{"labels":{"x":"y"}},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}}}],"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}]}}`

// TestNoPodTemplateHash: what is no pod template has no hash.
func TestNoPodTemplateHash(t *testing.T) {
	if got, err := api.PodTemplateHash(api.Template{Spec: json.RawMessage(`{"containers":7}`)}, nil); err == nil {
		t.Errorf("hash %s", got)
	}
}

// TestVersionInACluster: the revision is the version, and the label is shown.
func TestVersionInACluster(t *testing.T) {
	r := &api.Rollout{}
	r.Spec.Template.Labels = map[string]string{api.LabelVersion: "v1"}
	inCluster := r.WithRevision("6757d59c7c")
	if r.Version() != "v1" || inCluster.Version() != "6757d59c7c" || inCluster.DisplayVersion() != "v1" {
		t.Errorf("versions %s, %s, shown %s", r.Version(), inCluster.Version(), inCluster.DisplayVersion())
	}
	if bare := (&api.Rollout{}).WithRevision("x"); bare.DisplayVersion() != "x" {
		t.Errorf("shown %s", bare.DisplayVersion())
	}
	if data, err := json.Marshal(inCluster); err != nil || len(data) == 0 || contains(string(data), "6757d59c7c") {
		t.Errorf("written %s, %v", data, err)
	}
}

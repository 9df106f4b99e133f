package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const secretText = `apiVersion: v1
kind: Secret
metadata:
  name: web
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"stringData":{"token":"hush"}}'}
data: {token: b2xk, other: aHVzaA==}
stringData: {token: hush}
`

// TestSecretDecodes proves that stringData is merged into data, and wins.
func TestSecretDecodes(t *testing.T) {
	docs, findings := Decode("f.yaml", []byte(secretText))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	s := docs[0].Object.(*Secret)
	want := map[string][]byte{"token": []byte("hush"), "other": []byte("hush")}
	if diff := cmp.Diff(want, s.Data); diff != "" || s.StringData != nil || s.Type != "Opaque" {
		t.Errorf("%s, stringData %v, type %s", diff, s.StringData, s.Type)
	}
	if set := Collect(docs, nil); set.Secrets[Key{"default", "web"}] != s {
		t.Errorf("the set has %v", set.Secrets)
	}
}

// TestSecretNotPrinted proves that no finding shows a value of a Secret, however
// wrong its form is.
func TestSecretNotPrinted(t *testing.T) {
	const head = "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\n"
	for _, body := range []string{
		"data: {a: 'hush!'}\n", "data: {a: 12345}\n", "data: {a: [hush]}\n", "data: hush\n", "data: [hush]\n",
		"stringData: {a: 12345}\n", "stringData: {a: {hush: hush}}\n", "stringData: 12345\n",
	} {
		docs, findings := Decode("f.yaml", []byte(head+body))
		if !HasErrors(findings) || docs[0].Object != nil {
			t.Errorf("%q is taken: %v", body, findings)
		}
		for _, f := range findings {
			if strings.Contains(f.String(), "hush") || strings.Contains(f.String(), "12345") {
				t.Errorf("%q: %s", body, f)
			}
		}
	}
}

// TestWithoutSecrets proves that what is kept of a file has the other objects as
// they are written, and of Secrets the names.
func TestWithoutSecrets(t *testing.T) {
	const other = "---\n# kept\napiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
	const name = `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"web"}}` + "\n"
	const list = `{"kind": "List", "items": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "stringData": {"a": "hush"}},` +
		`{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b"}}]}`
	tests := map[string]struct{ text, want string }{
		"none":   {other, other},
		"alone":  {secretText, "---\n" + name},
		"first":  {secretText + other, "---\n" + name + other},
		"last":   {other + "---\n" + secretText, other + "---\n" + name},
		"listed": {list, "---\n" + name + "---\n" + `{"apiVersion":"v1","kind":"Service","metadata":{"name":"b"}}` + "\n"},
	}
	for what, test := range tests {
		f := DecodeFile("f.yaml", []byte(test.text), nil)
		got := f.WithoutSecrets([]byte(test.text))
		if diff := cmp.Diff(test.want, string(got)); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
		again := DecodeFile("f.yaml", got, nil)
		if len(again.Docs) != len(f.Docs) || len(again.Findings) > 0 {
			t.Errorf("%s: %d objects became %d, with %v", what, len(f.Docs), len(again.Docs), again.Findings)
		}
	}
}

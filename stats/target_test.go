package stats

import (
	"fmt"
	"testing"

	"github.com/serin-mesh/serin/api"
)

func TestParseCluster(t *testing.T) {
	for _, c := range []struct {
		name string
		want Target
		ok   bool
	}{
		{"default/shop/80/v1", Target{"default", "shop", 80, "v1"}, true},
		{"a/b/65535/5f7c9d", Target{"a", "b", 65535, "5f7c9d"}, true},
		{"a/b/1/feature/x.y", Target{"a", "b", 1, "feature/x.y"}, true},
		{"default/shop/80", Target{}, false},
		{"default/shop/80/", Target{}, false},
		{"default/shop/http/v1", Target{}, false},
		{"default/shop/0/v1", Target{}, false},
		{"default/shop/65536/v1", Target{}, false},
		{"default/shop/-1/v1", Target{}, false},
		{"/shop/80/v1", Target{}, false},
		{"default//80/v1", Target{}, false},
		{"serin", Target{}, false},
		{"", Target{}, false},
	} {
		got, ok := ParseCluster(c.name)
		if got != c.want || ok != c.ok {
			t.Errorf("%q: %+v %t, want %+v %t", c.name, got, ok, c.want, c.ok)
		}
	}
	target, _ := ParseCluster("default/shop/80/v1")
	if want := (api.Key{Namespace: "default", Name: "shop"}); target.Key() != want {
		t.Errorf("key %v, want %v", target.Key(), want)
	}
}

// FuzzParseCluster: what parses is written as the same name again, but for the
// ways to write a number.
func FuzzParseCluster(f *testing.F) {
	for _, name := range []string{"default/shop/80/v1", "a/b/007/v", "a/b/c/d", "///", "", "a/b/80/c/d"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		target, ok := ParseCluster(name)
		if !ok {
			if target != (Target{}) {
				t.Errorf("%q is no target, and gives %+v", name, target)
			}
			return
		}
		again, ok := ParseCluster(fmt.Sprintf("%s/%s/%d/%s", target.Namespace, target.Service, target.Port, target.Version))
		if !ok || again != target {
			t.Errorf("%q parses as %+v and then as %+v", name, target, again)
		}
	})
}

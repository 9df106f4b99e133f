package analysis

import (
	"testing"

	"pgregory.net/rapid"
)

func TestHosts(t *testing.T) {
	for _, c := range []struct {
		name  string
		count int
		hosts []string // of each failure in turn
		after uint64
		want  bool
	}{
		{"one host of one", 1, []string{"a"}, 0, true},
		{"number unknown", 0, []string{"a"}, 0, true},
		{"one host of two", 2, []string{"a", "a", "a"}, 0, false},
		{"two hosts", 2, []string{"a", "a", "b"}, 0, true},
		{"two hosts, one before", 2, []string{"b", "a", "a"}, 1, false},
		{"back to the first", 3, []string{"a", "b", "a"}, 0, true},
		{"back to the first, both since", 3, []string{"a", "b", "a"}, 1, true},
		{"no host reached", 2, []string{""}, 0, true},
		{"no host reached, before", 2, []string{"", "a"}, 1, false},
		{"no failure", 2, nil, 0, false},
	} {
		h := hosts{count: c.count}
		for i, host := range c.hosts {
			h.failed(host, uint64(i+1))
		}
		if got := h.enough(c.after); got != c.want {
			t.Errorf("%s: enough %t, want %t", c.name, got, c.want)
		}
	}
}

// Two marks know as much as the whole list of failures does.
func TestHostsMatchList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.SampledFrom([]string{"a", "b", "c", ""})).Draw(t, "hosts")
		h := hosts{count: 2}
		for i, host := range list {
			h.failed(host, uint64(i+1))
		}
		for after := range len(list) + 1 {
			distinct, none := map[string]bool{}, false
			for _, host := range list[after:] {
				distinct[host] = true
				none = none || host == ""
			}
			want := len(distinct) > 1 || none
			if got := h.enough(uint64(after)); got != want {
				t.Fatalf("%q after %d: enough %t, want %t", list, after, got, want)
			}
		}
	})
}

func TestFlags(t *testing.T) {
	var f flags
	if got := f.note(); got != "" {
		t.Errorf("note %q without flags, want none", got)
	}
	for _, flag := range []string{"", "UF", "UH", "UH", ""} {
		f.add(flag)
	}
	if got, want := f.note(), "; Envoy gave UH for 2 of the canary's failures"; got != want {
		t.Errorf("note %q, want %q", got, want)
	}
	for _, flag := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		f.add(flag)
	}
	if got := f.commonest(); got != (flagCount{"UH", 2}) {
		t.Errorf("commonest %+v after more flags than there is room for, want UH twice", got)
	}
}

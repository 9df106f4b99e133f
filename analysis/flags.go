package analysis

import "fmt"

// flags counts the canary's failures by the reason that Envoy gave. There are
// few reasons, and a linear search keeps the guard free of allocations; reasons
// beyond the room are not told apart.
type flags [8]flagCount

// flagCount is one reason and how often it was given.
type flagCount struct {
	Flag  string `json:"flag"`
	Count uint64 `json:"count"`
}

// add counts one failure. An empty flag means that the version itself answered.
func (f *flags) add(flag string) {
	if flag == "" {
		return
	}
	for i := range f {
		if f[i].Flag == "" {
			f[i].Flag = flag
		}
		if f[i].Flag == flag {
			f[i].Count++
			return
		}
	}
}

// commonest gives the reason given most often, or an empty one.
func (f *flags) commonest() flagCount {
	var most flagCount
	for _, c := range f {
		if c.Count > most.Count {
			most = c
		}
	}
	return most
}

// note gives a half sentence that names the commonest reason, for a message.
func (f *flags) note() string {
	c := f.commonest()
	if c.Count == 0 {
		return ""
	}
	return fmt.Sprintf("; Envoy gave %s for %d of the canary's failures", c.Flag, c.Count)
}

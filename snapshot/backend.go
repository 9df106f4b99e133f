package snapshot

// backendState holds the Clusters and Endpoints of one Service port, shared by
// every Gateway that routes to it.
type backendState struct {
	key       backendKey
	users     map[*gateway]bool
	resources map[Ref]*Resource
}

// useBackends gives a Gateway the clusters that its tables now need, and takes
// those away that none needs.
func (b *Builder) useBackends(g *gateway) {
	now := map[backendKey]bool{}
	for _, t := range g.tables {
		for key := range t.rendering.backends {
			now[key] = true
		}
	}
	for key := range g.backends {
		if !now[key] {
			b.leave(g, key)
		}
	}
	for key := range now {
		if !g.backends[key] {
			b.join(g, key)
		}
	}
	g.backends = now
	b.dirty.flush[g] = true
}

// release takes every cluster from a Gateway.
func (b *Builder) release(g *gateway) {
	for key := range g.backends {
		b.leave(g, key)
	}
	g.backends = map[backendKey]bool{}
}

// join gives a Gateway the clusters of a Service port.
func (b *Builder) join(g *gateway, key backendKey) {
	s := b.backends[key]
	if s == nil {
		s = &backendState{key: key, users: map[*gateway]bool{}}
		b.backends[key] = s
		b.remake(s)
	}
	s.users[g] = true
	for _, r := range s.resources {
		g.put(r)
	}
}

// leave takes the clusters of a Service port from a Gateway.
func (b *Builder) leave(g *gateway, key backendKey) {
	s := b.backends[key]
	for ref := range s.resources {
		g.drop(ref)
	}
	delete(s.users, g)
	if len(s.users) == 0 {
		delete(b.backends, key)
	}
}

// remake makes the clusters of a Service port and their endpoints anew, and
// hands on what came out otherwise.
func (b *Builder) remake(s *backendState) {
	split := b.splits[s.key.Service]
	port := b.services.port(s.key)
	sources := b.services.sources(s.key, split)
	next := map[Ref]*Resource{}
	add := func(name, version string) {
		for _, r := range []*Resource{cluster(name, port), loadAssignment(name, b.slices.endpoints(sources, version))} {
			ref := Ref{r.Type, r.Name}
			if old := s.resources[ref]; old != nil && old.Version == r.Version {
				r = old
			}
			next[ref] = r
		}
	}
	for _, v := range split.versions() {
		add(clusterName(s.key, v), v)
	}
	for _, v := range b.direct(s.key, split) {
		add(directName(s.key, v), v)
	}
	for g := range s.users {
		for ref := range s.resources {
			if next[ref] == nil {
				g.drop(ref)
			}
		}
		for _, r := range next {
			g.put(r)
		}
		b.dirty.flush[g] = true
	}
	s.resources = next
}

package api

// Compare gives what is odd about how docs follow the objects before them,
// sorted by file and line: a template that changed while its version label did
// not, which starts no canary. before may be nil.
func Compare(before *Objects, docs []Document) []Finding {
	if before == nil {
		return nil
	}
	v := &validator{trees: treeCache{}}
	for i := range docs {
		d := &docs[i]
		now, ok := d.Object.(*Rollout)
		if !ok {
			continue
		}
		now, _ = now.withWorkload(docs)
		old := before.Rollouts[now.Key()]
		if old == nil || old == now || now.Spec.Template.Labels[LabelVersion] == "" {
			continue
		}
		if old.Version() == now.Version() && old.TemplateHash() != now.TemplateHash() {
			v.note(d, CodeSameVersion, path{"spec", "template", "metadata", "labels", LabelVersion}, now.StableService(),
				"the template changed but its version is still %s, so no canary starts; give it a version of its own",
				now.Version())
		}
	}
	SortFindings(v.findings)
	return v.findings
}

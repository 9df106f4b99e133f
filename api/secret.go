package api

import "slices"

// isSecret reports whether the document is a Secret, be it one with errors.
func isSecret(d Document) bool { return d.Kind == kindSecret && d.APIVersion == "v1" }

// WithoutSecrets gives the text of the file, data, in a form that can be kept:
// of its Secrets only the names are left. What else is in the file stays as it
// is written.
func (f *File) WithoutSecrets(data []byte) []byte {
	if !slices.ContainsFunc(f.Docs, isSecret) {
		return data
	}
	var out []byte
	texts, _ := split(untab(data))
	for _, text := range texts {
		c := f.chunks[text]
		if c == nil || !slices.ContainsFunc(c.docs, isSecret) {
			out = append(out, text...)
			continue
		}
		roots, _ := parseObjects(text)
		for _, root := range roots {
			if root.str("kind") == kindSecret {
				root = root.nameOnly()
			}
			out = append(root.appendJSON(append(out, "---\n"...)), '\n')
		}
	}
	return out
}

// nameOnly gives an object with its name and nothing else: annotations too can
// hold what is secret, as those of kubectl do.
func (n *node) nameOnly() *node {
	meta := &node{kind: nodeObject}
	out := &node{kind: nodeObject}
	for _, name := range []string{"apiVersion", "kind"} {
		if v := n.get(name); v != nil {
			out.fields = append(out.fields, field{name: name, value: v})
		}
	}
	for _, name := range []string{"name", "namespace"} {
		if v := n.get("metadata").get(name); v != nil {
			meta.fields = append(meta.fields, field{name: name, value: v})
		}
	}
	out.fields = append(out.fields, field{name: "metadata", value: meta})
	return out
}

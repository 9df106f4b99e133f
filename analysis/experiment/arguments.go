package experiment

import (
	"slices"
	"strings"

	"github.com/serin-mesh/serin/api"
)

// Facts are what the arguments of an experiment's analyses may say of a template.
type Facts struct {
	Hash       string // {{templates.NAME.podTemplateHash}}
	ReplicaSet string // {{templates.NAME.replicaset.name}}; "": it stays as it is
}

// Arguments gives arguments in which what they say of templates, by name, is filled
// in.
func Arguments(args []api.Argument, templates map[string]Facts) []api.Argument {
	var pairs []string
	for name, f := range templates {
		for field, value := range map[string]string{"podTemplateHash": f.Hash, "replicaset.name": f.ReplicaSet} {
			if value != "" {
				pairs = append(pairs, "{{templates."+name+"."+field+"}}", value, "{{ templates."+name+"."+field+" }}", value)
			}
		}
	}
	replace := strings.NewReplacer(pairs...)
	out := slices.Clone(args)
	for i := range out {
		if v := out[i].Value; v != nil {
			value := replace.Replace(*v)
			out[i].Value = &value
		}
	}
	return out
}

package api

import "regexp"

// arguments checks a list of arguments.
func (c *checker) arguments(args []Argument, p path) {
	seen := map[string]bool{}
	for i := range args {
		a, at := &args[i], p.with(i)
		switch {
		case a.Name == "":
			c.at(CodeMissing, at.with("name"), "the argument has no name; add one")
		case seen[a.Name]:
			c.at(CodeArgument, at.with("name"), "two arguments have the name %q; remove one", shorten(a.Name))
		case a.Value != nil && a.ValueFrom != nil:
			c.at(CodeArgument, at, "the argument %q has a value and a valueFrom; remove one", shorten(a.Name))
		}
		seen[a.Name] = true
		if a.ValueFrom != nil {
			c.valueFrom(a.ValueFrom, at.with("valueFrom"))
		}
	}
}

// valueFrom checks a source of a value.
func (c *checker) valueFrom(v *ValueFrom, p path) {
	set := 0
	if v.SecretKeyRef != nil {
		set++
		if v.SecretKeyRef.Name == "" || v.SecretKeyRef.Key == "" {
			c.at(CodeMissing, p.with("secretKeyRef"), "the reference needs name and key")
		}
	}
	if h := v.PodTemplateHashValue; h != nil {
		set++
		if *h != HashStable && *h != HashLatest {
			c.at(CodeValue, p.with("podTemplateHashValue"), "unknown version %q; write Stable or Latest", shorten(*h))
		}
	}
	if v.FieldRef != nil {
		set++
		if v.FieldRef.FieldPath == "" {
			c.at(CodeMissing, p.with("fieldRef", "fieldPath"), "the reference has no path; add one such as metadata.labels['region']")
		}
	}
	if set != 1 {
		c.at(CodeArgument, p, "a value comes from one place, not from %d; write one of secretKeyRef, podTemplateHashValue and fieldRef", set)
	}
}

// templateRefs checks that each reference names a template.
func (c *checker) templateRefs(refs []AnalysisTemplateRef, p path) {
	for i, ref := range refs {
		if ref.TemplateName == "" {
			c.at(CodeMissing, p.with(i, "templateName"), "the reference names no template; add templateName")
		}
	}
}

// metricRules checks the expressions that choose metrics.
func (c *checker) metricRules(dryRun []DryRun, retention []MeasurementRetention, p path) {
	rules := map[string]bool{}
	for i, d := range dryRun {
		at := p.with("dryRun", i, "metricName")
		c.metricRule(d.MetricName, at)
		if rules[d.MetricName] {
			c.at(CodeRule, at, "the rule is there twice, which is an error to Argo; remove one")
		}
		rules[d.MetricName] = true
	}
	clear(rules)
	for i, m := range retention {
		at := p.with("measurementRetention", i, "metricName")
		c.metricRule(m.MetricName, at)
		if rules[m.MetricName] {
			c.at(CodeRule, at, "the rule is there twice, which is an error to Argo; remove one")
		}
		rules[m.MetricName] = true
	}
}

// metricRule notes an expression that can match nothing.
func (c *checker) metricRule(expr string, p path) {
	if _, err := regexp.Compile(expr); err != nil {
		c.at(CodeRule, p, "the rule %q is no regular expression, so it matches no metric", shorten(expr))
	}
}

// rolloutAnalysis checks an analysis of a Rollout by itself.
func (c *checker) rolloutAnalysis(a *RolloutAnalysis, p path) {
	if len(a.Templates) == 0 {
		c.at(CodeMissing, p.with("templates"), "the analysis names no template; add templates: [{templateName: NAME}]")
	}
	c.templateRefs(a.Templates, p.with("templates"))
	c.arguments(a.Args, p.with("args"))
	c.metricRules(a.DryRun, a.MeasurementRetention, p)
}

// background checks the analysis beside the steps.
func (c *checker) background(b *BackgroundAnalysis, steps int) {
	at := canaryPath("analysis")
	c.rolloutAnalysis(&b.RolloutAnalysis, at)
	switch s := b.StartingStep; {
	case s == nil:
	case *s < 0:
		c.at(CodeValue, at.with("startingStep"), "the step must be 0 or more, not %d", *s)
	case int(*s) >= steps:
		c.at(CodeUseless, at.with("startingStep"), "there is no step %d, so the analysis never starts; steps count from 0, and there are %d", *s, steps)
	}
}

// experimentStep checks an experiment.
func (c *checker) experimentStep(e *ExperimentStep, p path) {
	c.duration(e.Duration, p.with("duration"))
	c.metricRules(e.DryRun, nil, p)
	if len(e.Templates) > 0 {
		c.at(CodeNoEffect, p.with("templates"), "the experiment's templates have no effect: Serin runs no pods for files; its analyses run")
	}
	seen := map[string]bool{}
	for i, t := range e.Templates {
		at := p.with("templates", i)
		c.experimentName(t.Name, seen, at)
		if t.SpecRef != "stable" && t.SpecRef != "canary" {
			c.at(CodeExperiment, at.with("specRef"), "unknown version %q; write stable or canary", shorten(t.SpecRef))
		}
	}
	if required := c.experimentAnalyses(e.Analyses, p); e.Duration == "" && !required {
		c.at(CodeNeverEnds, p, "the experiment ends with a failure or a person only; add duration, or requiredForCompletion to an analysis")
	}
}

// experimentAnalyses checks the analyses of an experiment, and says whether one of
// them is required.
func (c *checker) experimentAnalyses(analyses []ExperimentAnalysis, p path) (required bool) {
	seen := map[string]bool{}
	for i := range analyses {
		a, at := &analyses[i], p.with("analyses", i)
		required = required || a.RequiredForCompletion
		c.experimentName(a.Name, seen, at)
		if a.TemplateName == "" {
			c.at(CodeMissing, at.with("templateName"), "the analysis names no template; add templateName")
		}
		c.arguments(a.Args, at.with("args"))
	}
	return required
}

// experiment checks an Experiment, which may have no end: somebody terminates it.
func (c *checker) experiment(e *ExperimentSpec) {
	at := path{"spec"}
	c.duration(e.Duration, at.with("duration"))
	c.metricRules(e.DryRun, e.MeasurementRetention, at)
	if len(e.Templates) == 0 {
		c.at(CodeDoubtful, at.with("templates"), "the experiment runs no pods; add templates")
	}
	seen := map[string]bool{}
	for i, t := range e.Templates {
		c.experimentName(t.Name, seen, at.with("templates", i))
	}
	c.experimentAnalyses(e.Analyses, at)
}

// analysisRun checks an AnalysisRun.
func (c *checker) analysisRun(r *AnalysisRunSpec) {
	at := path{"spec"}
	if len(r.Metrics) == 0 {
		c.at(CodeDoubtful, at.with("metrics"), "the run measures nothing, which is an error; add metrics")
	}
	c.metrics(r.Metrics, at.with("metrics"))
	c.arguments(r.Args, at.with("args"))
	c.metricRules(r.DryRun, r.MeasurementRetention, at)
}

// noRunner notes an object that only a cluster runs.
func (c *checker) noRunner() {
	c.at(CodeNoRunner, path{"kind"}, "nothing runs it: for files an analysis is part of a Rollout; name its templates there")
}

// experimentName checks the name of a part of an experiment.
func (c *checker) experimentName(name string, seen map[string]bool, p path) {
	switch {
	case name == "":
		c.at(CodeMissing, p.with("name"), "there is no name; add one")
	case seen[name]:
		c.at(CodeExperiment, p.with("name"), "the name %q is there twice; rename one", shorten(name))
	}
	seen[name] = true
}

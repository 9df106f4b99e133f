// Package deploy holds what brings Serin into a cluster: CustomResourceDefinitions
// (crds), the Helm chart (chart/serin), plain manifests (install.yaml), a Grafana
// dashboard, alert rules and ready-made AnalysisTemplates. It has no Go but the
// tests that keep these true, which also write what is generated: `make generate`.
package deploy

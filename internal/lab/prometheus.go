package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// PrometheusVariable is the environment variable that names the Prometheus to
// use.
const PrometheusVariable = "SERIN_PROMETHEUS"

// ErrNoPrometheus says that no Prometheus was found, and what to do about it.
var ErrNoPrometheus = errors.New("no Prometheus found: run scripts/prometheus.sh, put a `prometheus` on PATH, or name one in " + PrometheusVariable)

// FindPrometheus gives the absolute path of a Prometheus server: the one that
// SERIN_PROMETHEUS names, else the one on PATH, else the one that
// scripts/prometheus.sh put below .tools of the checkout around the working
// directory.
func FindPrometheus() (string, error) {
	if named := os.Getenv(PrometheusVariable); named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("using the Prometheus that %s names: %w", PrometheusVariable, err)
		}
		return filepath.Abs(path)
	}
	if path, err := exec.LookPath("prometheus"); err == nil {
		return filepath.Abs(path)
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for Prometheus: %w", err)
	}
	for ; ; dir = filepath.Dir(dir) {
		found, _ := filepath.Glob(filepath.Join(dir, toolsFolder, "prometheus-*", "prometheus"))
		if len(found) > 0 {
			return found[0], nil
		}
		if isRoot(dir) || dir == filepath.Dir(dir) {
			return "", ErrNoPrometheus
		}
	}
}

// Prometheus is a Prometheus server that scrapes on loopback.
type Prometheus struct {
	address string
	log     string
	proc    *process
}

// StartPrometheus starts a server that scrapes /stats/prometheus, which Envoy's
// admin listener has, of targets (HOST:PORT) at an interval of at least a
// millisecond. It keeps its files in dir, and listens on a free port. Ready
// waits until it answers.
func StartPrometheus(dir string, interval time.Duration, targets ...string) (*Prometheus, error) {
	path, err := FindPrometheus()
	if err != nil {
		return nil, err
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte(scrapeConfig(interval, targets)), 0o600); err != nil {
		return nil, fmt.Errorf("writing the config of Prometheus: %w", err)
	}
	p := &Prometheus{address: fmt.Sprintf("127.0.0.1:%d", port), log: filepath.Join(dir, "prometheus.log")}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("opening the log of Prometheus: %w", err)
	}
	defer func() { _ = log.Close() }() // the process has a copy of its own
	cmd := exec.Command(path, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+p.address)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttributes()
	p.proc = &process{cmd: cmd, done: make(chan struct{})}
	if err := p.proc.start(); err != nil {
		return nil, fmt.Errorf("starting Prometheus: %w", err)
	}
	return p, nil
}

// scrapeConfig gives the configuration of a server.
func scrapeConfig(interval time.Duration, targets []string) string {
	return fmt.Sprintf(`global: {scrape_interval: %[1]dms, scrape_timeout: %[1]dms}
scrape_configs:
- job_name: envoy
  metrics_path: /stats/prometheus
  static_configs: [{targets: ["%[2]s"]}]
`, interval.Milliseconds(), strings.Join(targets, `", "`))
}

// URL gives the server's address for queries.
func (p *Prometheus) URL() string { return "http://" + p.address }

// errEnded is that a process has ended which was to run.
var errEnded = errors.New("it ended")

// Ready waits until the server answers queries.
func (p *Prometheus) Ready(ctx context.Context) error {
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for !p.answers(ctx) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for Prometheus: %w; it said:\n%s", ctx.Err(), p.logTail())
		case <-p.proc.done:
			return fmt.Errorf("waiting for Prometheus: %w; it said:\n%s", errors.Join(errEnded, p.proc.err), p.logTail())
		case <-tick.C:
		}
	}
	return nil
}

// answers asks whether the server is ready.
func (p *Prometheus) answers(ctx context.Context) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL()+"/-/ready", nil)
	if err != nil {
		return false
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode == http.StatusOK
}

// logTail gives the end of what the server said.
func (p *Prometheus) logTail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-logTail):])
}

// Close ends the server. Its data are not worth a clean end.
func (p *Prometheus) Close() error {
	if err := p.proc.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("ending Prometheus: %w", err)
	}
	<-p.proc.done
	return nil
}

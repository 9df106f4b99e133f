package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

const (
	// kayentaTimeout bounds one request to a Kayenta server, as in Argo.
	kayentaTimeout = 15 * time.Second
	// kayentaPatience bounds a whole analysis there.
	kayentaPatience = 30 * time.Minute
	// The time between two looks at an analysis grows from the first to the
	// second.
	firstLook, lastLook = time.Second, 15 * time.Second
	// executionID names the analysis in a measurement's metadata.
	executionID = "canaryExecutionId"
)

// kayentaServer has Kayenta servers do the whole analysis. Source: Kayenta's
// canary controller, /canary and /canaryConfig.
type kayentaServer struct {
	clients *clients
}

// measure starts an analysis and waits for its end. The score decides: from
// threshold.pass it is Successful, from threshold.marginal Inconclusive, and
// else Failed. Other than in Argo the config is looked up in the configuration
// account, not in the storage account, where both are given.
func (k *kayentaServer) measure(ctx context.Context, m api.Metric, s Subject) (run.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, kayentaPatience)
	defer cancel()
	q := m.Provider.Kayenta
	scopes, err := newScopes(m, s, time.Now())
	if err != nil {
		return run.Value{}, err
	}
	id, err := k.config(ctx, q)
	if err != nil {
		return run.Value{}, fmt.Errorf("looking up the canary config %q: %w", q.CanaryConfigName, err)
	}
	execution, err := k.start(ctx, q, id, scopes)
	if err != nil {
		return run.Value{}, fmt.Errorf("starting the analysis: %w", err)
	}
	score, err := k.score(ctx, q, execution)
	v := run.Value{Metadata: map[string]string{executionID: execution}}
	if err != nil {
		return v, fmt.Errorf("waiting for the analysis %q: %w", execution, err)
	}
	v.Result, v.Text = score, strconv.FormatFloat(score, 'f', -1, 64)
	v.Phase = byScore(score, q.Threshold)
	return v, nil
}

// byScore says what a score means.
func byScore(score float64, t api.KayentaThreshold) api.AnalysisPhase {
	switch {
	case score >= float64(t.Pass):
		return api.AnalysisSuccessful
	case score >= float64(t.Marginal):
		return api.AnalysisInconclusive
	}
	return api.AnalysisFailed
}

// call sends one request and reads the JSON that comes back.
func (k *kayentaServer) call(ctx context.Context, method, address string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, kayentaTimeout)
	defer cancel()
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encoding the request: %w", err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	text, err := ask(&http.Client{Transport: k.clients.secure}, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// config gives the id of the metric's canary config.
func (k *kayentaServer) config(ctx context.Context, q *api.KayentaMetric) (string, error) {
	account := q.ConfigurationAccountName
	if account == "" {
		account = q.StorageAccountName
	}
	var configs []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	parameters := url.Values{"application": {q.Application}, "configurationAccountName": {account}}
	if err := k.call(ctx, http.MethodGet, join(q.Address, "canaryConfig", parameters), nil, &configs); err != nil {
		return "", err
	}
	for _, c := range configs {
		if c.Name == q.CanaryConfigName && c.ID != "" {
			return c.ID, nil
		}
	}
	return "", fmt.Errorf("it is not among the %d of the application %q", len(configs), q.Application)
}

// start starts an analysis and gives its id.
func (k *kayentaServer) start(ctx context.Context, q *api.KayentaMetric, config string, scopes map[string]kayentaScope) (string, error) {
	parameters := url.Values{
		"application":              {q.Application},
		"metricsAccountName":       {q.MetricsAccountName},
		"configurationAccountName": {q.ConfigurationAccountName},
		"storageAccountName":       {q.StorageAccountName},
	}
	request := struct {
		Scopes     map[string]kayentaScope `json:"scopes"`
		Thresholds api.KayentaThreshold    `json:"thresholds"`
	}{scopes, q.Threshold}
	var answer struct {
		ID string `json:"canaryExecutionId"`
	}
	if err := k.call(ctx, http.MethodPost, join(q.Address, "canary/"+url.PathEscape(config), parameters), request, &answer); err != nil {
		return "", err
	}
	if answer.ID == "" {
		return "", errors.New("the answer has no canaryExecutionId")
	}
	return answer.ID, nil
}

// score waits for the score of an analysis.
func (k *kayentaServer) score(ctx context.Context, q *api.KayentaMetric, execution string) (float64, error) {
	for wait := firstLook; ; wait = min(2*wait, lastLook) {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(wait):
		}
		var answer kayentaAnswer
		if err := k.call(ctx, http.MethodGet, join(q.Address, "canary/"+url.PathEscape(execution), nil), nil, &answer); err != nil {
			return 0, err
		}
		if done, score, err := answer.score(); done || err != nil {
			return score, err
		}
	}
}

// kayentaAnswer is what a server says of an analysis.
type kayentaAnswer struct {
	Complete  *bool           `json:"complete"`
	Status    string          `json:"status"`
	Exception json.RawMessage `json:"exception"`
	Result    struct {
		JudgeResult struct {
			Score struct {
				Score *float64 `json:"score"`
			} `json:"score"`
		} `json:"judgeResult"`
	} `json:"result"`
}

// score gives the score of an analysis that is done.
func (a *kayentaAnswer) score() (done bool, score float64, err error) {
	switch {
	case a.Complete == nil:
		return false, 0, errors.New("the answer does not say whether it is complete")
	case !*a.Complete:
		return false, 0, nil
	case a.Result.JudgeResult.Score.Score == nil:
		return false, 0, fmt.Errorf("it is over without a score: status %q, exception %s", a.Status, a.Exception)
	}
	return true, *a.Result.JudgeResult.Score.Score, nil
}

// join makes an address of a server's, a path and parameters.
func join(server, path string, parameters url.Values) string {
	address := strings.TrimRight(server, "/") + "/" + path
	if len(parameters) > 0 {
		address += "?" + parameters.Encode()
	}
	return address
}

package admission

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// Path is where the webhook is.
	Path = "/validate"

	// maxBody bounds a question, in bytes: the API server takes objects of up to
	// 3 MiB, and a question has two.
	maxBody = 8 << 20
)

// Handler gives the webhook; log takes what was refused, nil drops it.
func Handler(log *slog.Logger) http.Handler {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Path, func(w http.ResponseWriter, r *http.Request) {
		review, status, err := read(w, r)
		if err != nil {
			log.Warn("the webhook was asked what it does not understand", "error", err)
			http.Error(w, err.Error(), status)
			return
		}
		asked := review.Request
		review.Request, review.Response = nil, judge(asked)
		review.Response.UID = asked.UID
		if !review.Response.Allowed {
			log.Info("refused an object", "kind", asked.Kind.Kind, "namespace", asked.Namespace, "name", asked.Name,
				"user", asked.UserInfo.Username, "reason", review.Response.Result.Message)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review) // who does not read the answer asks again
	})
	return mux
}

// read takes the question of a request, or says with which HTTP status it is none.
func read(w http.ResponseWriter, r *http.Request) (*admissionv1.AdmissionReview, int, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, http.StatusUnsupportedMediaType, errors.New("an AdmissionReview is application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("reading an AdmissionReview: it has more than %d bytes", large.Limit)
	}
	review := &admissionv1.AdmissionReview{}
	if err == nil {
		err = json.Unmarshal(body, review)
	}
	if err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("reading an AdmissionReview: %w", err)
	}
	want := metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"}
	if review.TypeMeta != want {
		return nil, http.StatusBadRequest, fmt.Errorf("asked by %q of %q: want %s of %s", review.Kind, review.APIVersion, want.Kind, want.APIVersion)
	}
	if review.Request == nil {
		return nil, http.StatusBadRequest, errors.New("an AdmissionReview without a request")
	}
	return review, http.StatusOK, nil
}

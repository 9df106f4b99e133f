# syntax=docker/dockerfile:1
# The image of Serin, from source: one static binary and the authorities that
# vouch for the servers it asks. Dockerfile.release is the same around a binary
# that is there already.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS TARGETARCH VERSION=unknown
WORKDIR /src
# What is needed changes less often than what needs it.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /serin ./cmd/serin

FROM scratch
LABEL org.opencontainers.image.title="Serin" \
      org.opencontainers.image.description="A canary-rollout control plane for Envoy" \
      org.opencontainers.image.source="https://github.com/serin-mesh/serin" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /serin /serin
COPY LICENSE /LICENSE
# Nobody in particular. Nothing is written but where a volume is mounted.
USER 65532:65532
EXPOSE 18000 18080
ENTRYPOINT ["/serin"]

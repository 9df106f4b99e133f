#!/usr/bin/env bash
# Prints the path of a Helm, and installs one first when there is none.
#
# Looked at, in this order: what SERIN_HELM names, PATH, .tools in the checkout.
# scripts/layer.sh has the rest.
exec "$(dirname "${BASH_SOURCE[0]}")/layer.sh" helm

#!/bin/sh
# Writes docker/requirements/: the packages of the images with the SHA-256 of their files, for pip --require-hashes.
# Versions are those of constraints.txt; run it again when that or pyproject.toml has changed. Needs uv on PATH.
#
#   webserver.txt  the image of webserver and daemon
#   code.txt       the image of the code location, without PyTorch
#   cuda.txt       PyTorch as PyPI serves it, with the CUDA libraries of its own pins (VARIANT=cuda)
#
# The CPU builds of PyTorch are files of another index under the same version: they are pinned without a hash.
set -eu
cd "$(dirname "$0")/.."
folder=docker/requirements
cuda='^(torch|triton|nvidia-.*|cuda-.*)=='

compile() {
  uv pip compile "$@" --constraint constraints.txt --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links --python-version 3.11 --python-platform x86_64-manylinux_2_28 --quiet
}

# 1 keeps, 0 drops the packages whose line matches $cuda, each with the lines of its hashes
select_cuda() {
  awk -v cuda="$cuda" -v keep="$1" '/^[A-Za-z0-9]/ { chosen = ($0 ~ cuda) } chosen == keep'
}

printf 'dagster\ndagster-webserver\ndagster-postgres\n' | compile - >$folder/webserver.txt
all=$(printf 'setuptools\n' | compile pyproject.toml - --extra deploy --extra objects)
printf '%s\n' "$all" | select_cuda 0 >$folder/code.txt
printf '%s\n' "$all" | select_cuda 1 >$folder/cuda.txt

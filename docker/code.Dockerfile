# The image of the code location, in which runs execute, and of Spark's master and workers.
#   --build-arg VARIANT=cpu    PyTorch from its index of CPU builds; give that index's address as TORCH_CPU_INDEX
#   --build-arg VARIANT=cuda   PyTorch as PyPI serves it, which brings the CUDA libraries of its own pins;
#                              the host needs NVIDIA's driver and container toolkit
# Give VARIANT to older releases of buildah: they look for a stage named by its default in a registry.
# An argument, so that whoever builds can pin the digest: --build-arg PYTHON_IMAGE=python@sha256:...
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm
ARG VARIANT=cpu

FROM ${PYTHON_IMAGE} AS base
# The same user in both images: they share the volume of logs. Empty folders that it owns, for the volumes.
RUN useradd --create-home --uid 10001 factroots \
    && mkdir -p /opt/dagster/storage /data && chown -R factroots /opt/dagster /data
WORKDIR /opt/factroots
COPY constraints.txt ./
COPY docker/requirements ./requirements

FROM base AS cpu
ARG TORCH_CPU_INDEX
RUN test -n "${TORCH_CPU_INDEX}" \
    || { echo "TORCH_CPU_INDEX is not set: the address of PyTorch's index of CPU builds, or VARIANT=cuda"; exit 1; }
# Its files are others than PyPI's, so that there is no hash to compare with.
RUN pip install --no-cache-dir --no-deps --constraint constraints.txt --index-url "${TORCH_CPU_INDEX}" torch

FROM base AS cuda
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement requirements/cuda.txt
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

FROM ${VARIANT} AS code
WORKDIR /opt/factroots
COPY pyproject.toml README.md LICENSE ./
COPY factroots_dagster ./factroots_dagster
# Without isolation, what builds the package is pinned too.
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement requirements/code.txt \
    && pip install --no-cache-dir --no-deps --no-build-isolation . && pip check \
    && rm -r build ./*.egg-info
# Spark starts Java through a script. Where none is installed it is made in the home folder or the temporary one,
# which compose.yaml keeps in memory, where Docker lets nothing be executed.
RUN java=$(python -P -c 'from pathlib import Path; from factroots_dagster.spark.java import java_home; print(java_home(Path("/opt")))') \
    && chmod 755 "${java}" && ln -s "${java}" /opt/java
COPY docker/dagster.yaml docker/workspace.yaml /opt/dagster/
COPY docker/entrypoint.sh docker/licences.py /opt/dagster/bin/

ENV DAGSTER_HOME=/opt/dagster JAVA_HOME=/opt/java FACTROOTS_DATA_ROOT=/data FACTROOTS_CACHE=/data/.cache HF_HOME=/data/.huggingface PYTHONUNBUFFERED=1
# Not where the sources lie: the installed package is what runs.
WORKDIR /data
USER 10001
EXPOSE 4000
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s --retries=3 \
    CMD ["/opt/dagster/bin/entrypoint.sh", "health", "code"]
ENTRYPOINT ["/opt/dagster/bin/entrypoint.sh"]
CMD ["code"]

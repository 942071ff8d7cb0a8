# The image of the webserver and of the daemon. Neither runs the project's code, but for the webserver's guard:
# that is code.Dockerfile's.
# An argument, so that whoever builds can pin the digest: --build-arg PYTHON_IMAGE=python@sha256:...
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm
FROM ${PYTHON_IMAGE}

# The same user in both images: they share the volume of logs.
RUN useradd --create-home --uid 10001 factroots \
    && mkdir -p /opt/dagster/storage && chown -R factroots /opt/dagster
COPY docker/requirements/webserver.txt /opt/dagster/requirements/
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement /opt/dagster/requirements/webserver.txt
COPY docker/dagster.yaml docker/workspace.yaml /opt/dagster/
COPY docker/entrypoint.sh docker/licences.py factroots_dagster/cli/webserver.py /opt/dagster/bin/

ENV DAGSTER_HOME=/opt/dagster PYTHONUNBUFFERED=1
WORKDIR /opt/dagster
USER 10001
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s --retries=3 \
    CMD ["/opt/dagster/bin/entrypoint.sh", "health", "webserver"]
ENTRYPOINT ["/opt/dagster/bin/entrypoint.sh"]
CMD ["webserver"]

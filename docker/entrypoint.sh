#!/bin/sh
# Starts one part of the deployment, or asks after its health; the ENTRYPOINT of both images.
#
#   entrypoint.sh webserver [--read-only] | daemon | code | spark-master | spark-worker
#   entrypoint.sh health PART     exits with 0 when the part answers
#   entrypoint.sh COMMAND...      any other command, with the password of the storage in its environment
#
# Addresses come from the environment; the defaults are those of compose.yaml. Inside a container a part
# listens on every interface of the container's own network; compose.yaml publishes the UI alone, on loopback.
set -eu

: "${DEPLOY_LISTEN:=0.0.0.0}"
: "${DEPLOY_WEBSERVER:=/opt/dagster/bin/webserver.py}" "${DEPLOY_WEBSERVER_PORT:=3000}"
: "${DEPLOY_CODE_HOST:=code}" "${DEPLOY_CODE_PORT:=4000}"
: "${DEPLOY_SPARK_HOST:=spark-master}" "${DEPLOY_SPARK_PORT:=7077}" "${DEPLOY_SPARK_UI_PORT:=8080}"
: "${DEPLOY_WORKER_HOST:=$(hostname)}" "${DEPLOY_WORKER_UI_PORT:=8081}"
: "${DEPLOY_WORKER_CORES:=2}" "${DEPLOY_WORKER_MEMORY:=3g}"
: "${DAGSTER_POSTGRES_HOST:=postgres}" "${DAGSTER_POSTGRES_PORT:=5432}"
: "${DAGSTER_POSTGRES_USER:=dagster}" "${DAGSTER_POSTGRES_DB:=dagster}"
: "${POSTGRES_PASSWORD_FILE:=/run/secrets/postgres_password}"
export DEPLOY_CODE_HOST DEPLOY_CODE_PORT
export DAGSTER_POSTGRES_HOST DAGSTER_POSTGRES_PORT DAGSTER_POSTGRES_USER DAGSTER_POSTGRES_DB

read_password() {
  DAGSTER_POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE" 2>/dev/null || true)
  if [ -z "$DAGSTER_POSTGRES_PASSWORD" ]; then
    echo "No password in $POSTGRES_PASSWORD_FILE: make docker/secrets/postgres_password," \
      "readable by the user of the containers (see the README), and start again." >&2
    exit 78
  fi
  export DAGSTER_POSTGRES_PASSWORD
}

answers() {
  python -c 'import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=5)' "$1"
}

spark() {
  JAVA_HOME=$(python -c 'from factroots_dagster.spark.java import java_home; print(java_home())')
  part=$1
  shift
  export JAVA_HOME SPARK_WORKER_DIR="${SPARK_WORKER_DIR:-$(mktemp -d)}"
  exec spark-class "org.apache.spark.deploy.$part" "$@"
}

case "${1:-}" in
  webserver)
    read_password
    shift
    exec python -P "$DEPLOY_WEBSERVER" --host "$DEPLOY_LISTEN" --port "$DEPLOY_WEBSERVER_PORT" \
      --workspace "$DAGSTER_HOME/workspace.yaml" "$@"
    ;;
  daemon)
    read_password
    exec dagster-daemon run --workspace "$DAGSTER_HOME/workspace.yaml"
    ;;
  code)
    read_password
    factroots recover --server "$DEPLOY_CODE_HOST:$DEPLOY_CODE_PORT"
    exec dagster api grpc --host "$DEPLOY_LISTEN" --port "$DEPLOY_CODE_PORT" \
      --module-name factroots_dagster.definitions --location-name factroots
    ;;
  spark-master)
    spark master.Master --host "$DEPLOY_SPARK_HOST" --port "$DEPLOY_SPARK_PORT" \
      --webui-port "$DEPLOY_SPARK_UI_PORT"
    ;;
  spark-worker)
    spark worker.Worker --host "$DEPLOY_WORKER_HOST" --webui-port "$DEPLOY_WORKER_UI_PORT" \
      --cores "$DEPLOY_WORKER_CORES" --memory "$DEPLOY_WORKER_MEMORY" \
      "spark://$DEPLOY_SPARK_HOST:$DEPLOY_SPARK_PORT"
    ;;
  health)
    case "${2:-}" in
      webserver) answers "http://127.0.0.1:$DEPLOY_WEBSERVER_PORT/server_info" ;;
      daemon) read_password && exec dagster-daemon liveness-check ;;
      code) exec dagster api grpc-health-check --host 127.0.0.1 --port "$DEPLOY_CODE_PORT" ;;
      spark-master) answers "http://$DEPLOY_SPARK_HOST:$DEPLOY_SPARK_UI_PORT/json/" ;;
      spark-worker) answers "http://$DEPLOY_WORKER_HOST:$DEPLOY_WORKER_UI_PORT/json/" ;;
      *) echo "entrypoint.sh health: no part '${2:-}'" >&2 && exit 64 ;;
    esac
    ;;
  "")
    echo "entrypoint.sh: which part? webserver, daemon, code, spark-master or spark-worker" >&2
    exit 64
    ;;
  *)
    read_password
    exec "$@"
    ;;
esac

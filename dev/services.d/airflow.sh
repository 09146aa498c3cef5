# shellcheck shell=bash
# Airflow's four processes, each looked after as the servers are. They run as whoever starts them, with the Python of
# .venv (dev/setup python). Sourced by dev/airflow.

python_programs=$repository/.venv/bin

airflow_up() {
    local name failed=() began=$SECONDS
    local -A starting=()

    [[ -x $python_programs/airflow ]] || stop "Airflow is not installed: dev/setup python"
    live_pid postgres >/dev/null || stop "PostgreSQL does not run: dev/services up --only postgres --dir $(printf %q "$directory")"
    mkdir -p "$directory/airflow"
    airflow_secrets
    airflow_catalogue &
    airflow_database
    wait $!
    for name in "${programs[@]}"; do
        with_lock "$name" start_process "$name" &
        starting[$name]=$!
    done
    for name in "${programs[@]}"; do wait "${starting[$name]}" || failed+=("$name"); done
    print_status "${programs[@]}" || true
    ((${#failed[@]} == 0)) || stop "did not start: ${failed[*]}"
    say "Airflow answers after $((SECONDS - began)) s: $(address_of airflow-api)"
}

# Makes or migrates the database, once for each version of Airflow; and the pool that the DAGs share.
airflow_database() {
    local stamp=$directory/airflow/stamp version
    version=$(sed -n 's/^apache-airflow==//p' "$repository/dags/requirements.lock")
    [[ -f $stamp && $(<"$stamp") == "$version" ]] && return 0
    [[ $(postgres_sql "SELECT 1 FROM pg_database WHERE datname = 'airflow'") == 1 ]] || postgres_sql 'CREATE DATABASE airflow'
    (
        airflow_export
        "$python_programs/airflow" db migrate
        "$python_programs/airflow" pools set eip_ingest 4 'Tasks that start runs of Ingest or push rows to it'
    ) >"$directory/logs/airflow-database.log" 2>&1 || fail_with_log airflow-database "Airflow's database was not made"
    echo "$version" >"$stamp"
}

# What the DAGs' forms propose, before these are parsed. Without an Ingest they propose what they did, or nothing.
airflow_catalogue() {
    (airflow_export && "$python_programs/python" -m eip_provider.catalogue --patience 2) >"$directory/logs/airflow-catalogue.log" 2>&1 ||
        say "forms do not propose Ingest's names: $(tail -n 1 "$directory/logs/airflow-catalogue.log"). Later, with what dev/airflow env exports: $python_programs/python -m eip_provider.catalogue"
}

# Secrets that the processes share, made once. Nobody but the user of this folder reads them.
airflow_secrets() {
    local name
    for name in jwt api fernet; do
        [[ -s $directory/airflow/$name.secret ]] || (
            umask 077
            head -c 32 /dev/urandom | base64 | tr '+/' '-_' >"$directory/airflow/$name.secret"
        )
    done
}

airflow_wipe() {
    bring_down "${programs[@]}" || stop "not wiped: something still runs"
    if live_pid postgres >/dev/null; then postgres_sql 'DROP DATABASE IF EXISTS airflow WITH (FORCE)'; fi
    rm -rf "${directory:?}/airflow" "$directory"/logs/airflow-*.log*
}

# What is not given is where `dev/services app-up` has it. Verification reads the stores themselves.
airflow_connections() {
    export_line AIRFLOW_CONN_EIP_INGEST "${AIRFLOW_CONN_EIP_INGEST:-$(address_of ingest)}"
    export_line AIRFLOW_CONN_EIP_API "${AIRFLOW_CONN_EIP_API:-$(address_of api)}"
    local data=${EIP_OLIST:-$directory/data}
    [[ $data == /* ]] || data=$PWD/$data
    printf -v data '{"conn_type": "fs", "extra": {"datasets": {"olist": "%s"}}}' "$data"
    export_line AIRFLOW_CONN_EIP_DATA "${AIRFLOW_CONN_EIP_DATA:-$data}"
    local binary=${EIP_BIN:-${CARGO_TARGET_DIR:-$repository/target}/release/eip}
    [[ $binary == /* ]] || binary=$PWD/$binary
    export_line EIP_BIN "$binary"
}

airflow_environment() {
    local api database
    api=$(address_of airflow-api)
    # PostgreSQL's own address, with Airflow's database and SQLAlchemy's name of the driver.
    database=$(address_of postgres | sed -e 's|^postgres:|postgresql+psycopg2:|' -e 's#/eip\([?]\|$\)#/airflow\1#')
    export_line AIRFLOW_HOME "$directory/airflow"
    export_line AIRFLOW__CORE__DAGS_FOLDER "$dags"
    export_line AIRFLOW__CORE__LOAD_EXAMPLES False
    export_line AIRFLOW__CORE__EXECUTOR LocalExecutor
    export_line AIRFLOW__CORE__PARALLELISM 8
    export_line AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION False
    export_line AIRFLOW__CORE__EXECUTION_API_SERVER_URL "$api/execution/"
    export_line AIRFLOW__CORE__FERNET_KEY "$(<"$directory/airflow/fernet.secret")"
    export_line AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS True
    export_line AIRFLOW__DATABASE__SQL_ALCHEMY_CONN "$database"
    export_line AIRFLOW__API__BASE_URL "$api"
    export_line AIRFLOW__API__SECRET_KEY "$(<"$directory/airflow/api.secret")"
    export_line AIRFLOW__API_AUTH__JWT_SECRET "$(<"$directory/airflow/jwt.secret")"
    export_line AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT "$(port_of airflow-worker-log)"
    export_line AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT "$(port_of airflow-trigger-log)"
    export_line AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT "$(port_of airflow-scheduler)"
    export_line AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK True
    # A killed task or a scheduler that hangs is noticed within half a minute.
    export_line AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT 30
    export_line AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL 5
    export_line AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC 5
    airflow_connections
}

airflow_export() {
    local variables
    mapfile -t variables < <(airflow_environment | sed -n 's/^export //p')
    eval "export ${variables[*]}"
    # The eip commands of the tasks read the stores where dev/services has them, unless a state folder was named.
    if [[ -z ${EIP_STATE:-} ]]; then
        mapfile -t variables < <(stores_environment | sed -n 's/^export //p')
        eval "export ${variables[*]}"
    fi
}

stores_environment() { "$repository/dev/services" env --dir "$directory"; }

airflow_run() {
    airflow_export
    PATH=$python_programs:$PATH exec setsid "$python_programs/airflow" "$@"
}

airflow-api_prepare() { :; }
airflow-scheduler_prepare() { :; }
airflow-processor_prepare() { :; }
airflow-triggerer_prepare() { :; }

airflow-api_launch() { airflow_run api-server --host 127.0.0.1 --port "$(port_of airflow-api)" --workers 1; }
airflow-scheduler_launch() { airflow_run scheduler; }
airflow-processor_launch() { airflow_run dag-processor; }
airflow-triggerer_launch() { airflow_run triggerer; }

airflow_health() {
    curl --silent --fail --max-time 5 --noproxy '*' "$(address_of airflow-api)/api/v2/monitor/health"
}
# The API server says of the others whether their heartbeat is in the database.
airflow_is_healthy() { airflow_health | grep -q "\"$1\":{\"status\":\"healthy\""; }

airflow-api_probe() { airflow_health >/dev/null; }
airflow-scheduler_probe() { airflow_is_healthy scheduler; }
airflow-processor_probe() { airflow_is_healthy dag_processor; }
airflow-triggerer_probe() { airflow_is_healthy triggerer; }

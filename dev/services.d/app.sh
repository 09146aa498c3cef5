# shellcheck shell=bash
# Ingest, dataflow and API of a release build on top of the servers, each looked after as the servers are. They run as
# whoever starts them. Sourced by dev/services.

binary=${EIP_BIN:-${CARGO_TARGET_DIR:-$repository/target}/release/eip}
[[ $binary == /* ]] || binary=$PWD/$binary
dataset=${EIP_OLIST:-}
[[ -z $dataset || $dataset == /* ]] || dataset=$PWD/$dataset

app_up() {
    local name
    [[ -x $binary ]] || stop "no release build at $binary: cargo build --release --bin eip, or make up"
    bring_up "${servers[@]}" >/dev/null
    # In this order: Ingest makes the topics, the dataflow the views.
    for name in "${programs[@]}"; do with_lock "$name" start_process "$name"; done
    print_status "${servers[@]}" "${programs[@]}" || true
    cat <<END

Three commands to try:
  eval "\$(dev/services env --dir $(printf %q "$directory"))"
  $binary generate --orders 20000 --seed 1 --out $(printf %q "$directory/data") && $binary replay fast --data $(printf %q "$directory/data") --wait
  curl $(address_of api)/v1/routes/stats
END
}

# The programs that were started and not stopped; one that ended by itself is among them.
started_programs() {
    local name
    for name in "${programs[@]}"; do [[ ! -f $directory/pids/$name ]] || echo "$name"; done
}

app_down() {
    local name
    for name in api dataflow ingest; do with_lock "$name" stop_process "$name"; done
    bring_down "${servers[@]}"
}

# Runs eip with the variables that `dev/services env` prints; exec keeps the pid.
eip() {
    local variables
    mapfile -t variables < <(print_environment | sed -n 's/^export //p')
    eval "export ${variables[*]}"
    NO_COLOR=1 EIP_LOG=${EIP_LOG:-info} exec setsid "$binary" "$@"
}

ingest_prepare() { :; }
dataflow_prepare() { :; }
api_prepare() { :; }

ingest_launch() {
    eip ingest --listen "127.0.0.1:$(port_of ingest)" ${dataset:+--dataset "olist=$dataset"}
}
dataflow_launch() { eip dataflow --workers 2 --listen "127.0.0.1:$(port_of dataflow)"; }
api_launch() { eip api --listen "127.0.0.1:$(port_of api)"; }

# Only that the program answers: a dataflow that waits for a store is running all the same, and says so itself.
answers_on() {
    curl --silent --fail --max-time 5 --noproxy '*' --output /dev/null "$(address_of "$1")$2"
}
ingest_probe() { answers_on ingest /livez; }
dataflow_probe() { answers_on dataflow /livez; }
api_probe() { answers_on api /livez; }

# shellcheck shell=bash
# Starting, stopping and signalling one server. Each is a session of its own; its pid file holds pid, start time and
# boot, so a pid that was given to another process since is never signalled. Sourced by dev/services.

health_deadline=120
stop_deadline=30
boot=$(</proc/sys/kernel/random/boot_id)

# Prints "STATE PARENT GROUP START" of a process. The name in the stat line may hold blanks and brackets.
process_fields() {
    local line fields
    { line=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    read -ra fields <<<"${line##*) }"
    echo "${fields[0]} ${fields[1]} ${fields[2]} ${fields[19]}"
}

process_state() { process_fields "$1" | cut -d' ' -f1; }

# Prints the pid of NAME if the very process of its pid file still runs; a zombie does not.
live_pid() {
    local pid start their_boot state now
    { read -r pid start their_boot <"$directory/pids/$1"; } 2>/dev/null || return 1
    [[ $their_boot == "$boot" ]] || return 1
    read -r state _ _ now < <(process_fields "$pid") || return 1
    [[ $state != [ZX] && $now == "$start" ]] || return 1
    echo "$pid"
}

# Prints PID, all of its process group and all of their descendants: PostgreSQL's back ends make groups of their own,
# Elasticsearch's server is the child of a launcher.
process_tree() {
    local stat pid group parent grown=1
    local -A parents=() tree=([$1]=1)
    for stat in /proc/[0-9]*; do
        pid=${stat#/proc/}
        read -r _ parent group _ < <(process_fields "$pid") || continue
        parents[$pid]=$parent
        [[ $group != "$1" ]] || tree[$pid]=1
    done
    while ((grown)); do
        grown=0
        for pid in "${!parents[@]}"; do
            [[ -z ${tree[$pid]:-} && -n ${tree[${parents[$pid]}]:-} ]] || continue
            tree[$pid]=1
            grown=1
        done
    done
    echo "${!tree[@]}"
}

signal_all() {
    local signal=$1
    shift
    kill -s "$signal" "$@" 2>/dev/null || true
}

# Waits until every process is in one of the states: SECONDS STATES PID...; one that is gone is in Z.
in_state_within() {
    local deadline=$((SECONDS + $1)) states=$2 pid state others
    shift 2
    while :; do
        others=0
        for pid in "$@"; do
            read -r state _ < <(process_fields "$pid") || state=Z
            [[ $states == *"$state"* ]] || others=1
        done
        ((others)) || return 0
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}
gone_within() { in_state_within "$1" ZX "${@:2}"; }
stopped_within() { in_state_within "$1" TtZX "${@:2}"; }

start_process() {
    local name=$1 pid log=$directory/logs/$1.log port
    if pid=$(live_pid "$name"); then
        [[ $(process_state "$pid") != T ]] || stop "$name is paused: dev/services resume $name"
    else
        can_be_entered || stop "$name: the user $service_user cannot enter $directory any more; open the folders above it"
        port=$(port_of "$name")
        ! port_is_taken "$port" ||
            stop "$name: another process has port $port; stop it, or give --$name-port (rm $directory/ports/$name picks a new one)"
        "${name}_prepare"
        [[ ! -f $log ]] || mv "$log" "$log.1"
        # Lock and terminal stay here; the server gets a session of its own.
        (cd "$directory" && own_session=1 && "${name}_launch") </dev/null >"$log" 2>&1 9>&- &
        write_pid_file "$name" $!
    fi
    wait_until_it_answers "$name"
}

write_pid_file() {
    local start
    read -r _ _ _ start < <(process_fields "$2") || stop "$1 ended at once; see $directory/logs/$1.log"
    echo "$2 $start $boot" >"$directory/pids/$1.new"
    mv "$directory/pids/$1.new" "$directory/pids/$1"
}

wait_until_it_answers() {
    local name=$1 deadline=$((SECONDS + health_deadline))
    until "${name}_probe" 2>/dev/null; do
        live_pid "$name" >/dev/null || fail_with_log "$name" "$name ended while starting"
        ((SECONDS < deadline)) || fail_with_log "$name" "$name does not answer after $health_deadline s"
        sleep 0.2
    done
    live_pid "$name" >/dev/null || fail_with_log "$name" "$name ended while starting; something else answers on its port"
    if declare -F "${name}_after_start" >/dev/null; then "${name}_after_start"; fi
}

fail_with_log() {
    say "$2; the end of $directory/logs/$1.log:"
    tail -n 20 "$directory/logs/$1.log" >&2
    live_pid "$1" >/dev/null || rm -f "$directory/pids/$1"
    exit 1
}

# TERM (PostgreSQL: INT, which does not wait for its clients), then KILL for what is left. A paused one is woken first.
stop_process() {
    local name=$1 pid tree signal=TERM
    pid=$(live_pid "$name") || { rm -f "$directory/pids/$name" && return 0; }
    [[ $name != postgres ]] || signal=INT
    read -ra tree <<<"$(process_tree "$pid")"
    signal_all "$signal" "$pid"
    signal_all CONT "${tree[@]}"
    if ! gone_within "$stop_deadline" "${tree[@]}"; then
        say "$name did not stop within $stop_deadline s: killing it"
        signal_all KILL "${tree[@]}"
        gone_within 10 "${tree[@]}" || stop "$name (pid $pid) cannot be killed"
    fi
    rm -f "$directory/pids/$name"
}

# The pid file stays, so that status shows what was started and is no more.
kill_process() {
    local name=$1 pid tree
    pid=$(live_pid "$name") || stop "$name does not run"
    read -ra tree <<<"$(process_tree "$pid")"
    signal_all KILL "${tree[@]}"
    gone_within 10 "${tree[@]}" || stop "$name (pid $pid) cannot be killed"
}

# Returns when none of its processes does anything any more. The leader first: it makes no more children then.
pause_process() {
    local name=$1 pid tree
    pid=$(live_pid "$name") || stop "$name does not run"
    signal_all STOP "$pid"
    stopped_within 10 "$pid" || stop "$name (pid $pid) cannot be stopped"
    read -ra tree <<<"$(process_tree "$pid")"
    signal_all STOP "${tree[@]}"
    stopped_within 10 "${tree[@]}" || stop "$name (pid $pid) cannot be stopped with all its children"
}

resume_process() {
    local name=$1 pid tree
    pid=$(live_pid "$name") || stop "$name does not run"
    read -ra tree <<<"$(process_tree "$pid")"
    signal_all CONT "${tree[@]}"
}

# shellcheck shell=bash
# What the commands of dev/services do, in terms of one server's functions: NAME_packages, NAME_fetch, NAME_prepare,
# NAME_launch, NAME_probe. Also the data folder: its place, its ports, its owner. Sourced by dev/services.

say() { echo "services: $*" >&2; }
stop() {
    say "$@"
    exit 1
}

is_one_of() {
    local wanted=$1 one
    shift
    for one in "$@"; do [[ $one == "$wanted" ]] && return 0; done
    return 1
}

# The servers refuse to run as root, or should not. Root therefore starts them as this user, anybody else as himself.
service_user=$(id -un)
((EUID != 0)) || service_user=eip-services

# Runs a command as that user, with an environment that holds nothing of the caller's.
# exec keeps the pid: what is started in the background is the server itself, not a wrapper.
as_service_user() {
    local wrapper=()
    [[ -z ${own_session:-} ]] || wrapper+=(setsid)
    ((EUID != 0)) || wrapper+=(setpriv "--reuid=$service_user" "--regid=$(id -g "$service_user")" --clear-groups)
    exec "${wrapper[@]}" env -i PATH="$PATH" HOME="$directory" LC_ALL=C.UTF-8 TZ=UTC "$@"
}

can_be_entered() { (as_service_user test -x "$directory"); }

own() { ((EUID != 0)) || chown -R "$service_user:" "$@"; }

# The user that root's servers run as cannot enter every folder. Downloads therefore lie where everybody may pass and,
# where the wanted data folder is behind a closed one (root's home, for example), so does the data. A folder that is in
# use stays in use, whatever becomes of the folders above it.
find_directory() {
    if ((EUID == 0)); then
        id -u "$service_user" >/dev/null 2>&1 ||
            useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$service_user" ||
            id -u "$service_user" >/dev/null 2>&1 || # made by another of us meanwhile
            stop "this failed: useradd --system $service_user"
        cache=${EIP_SERVICES_CACHE:-/var/cache/eip-services}
    else
        cache=${EIP_SERVICES_CACHE:-${HOME:?HOME is not set: give EIP_SERVICES_CACHE}/.cache/eip-services}
    fi
    mkdir -p "${directory:=$repository/.services}" "$cache"
    directory=$(cd "$directory" && pwd)
    cache=$(cd "$cache" && pwd)
    local instead
    instead=/var/lib/eip-services/$(cksum <<<"$directory" | cut -d' ' -f1)
    if [[ ! -d $directory/ports ]] && { [[ -d $instead/ports ]] || ! can_be_entered; }; then
        rmdir --ignore-fail-on-non-empty "$directory"
        directory=$instead
    fi
    mkdir -p "$directory"/{locks,logs,pids,ports,state}
}

# Runs a function while nobody else works on the same NAME of this data folder.
with_lock() (
    exec 9>"$directory/locks/$1"
    flock 9
    shift
    "$@"
)

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Sends the bytes that printf makes of MESSAGE to PORT and prints the first COUNT bytes of the answer: PORT MESSAGE COUNT
# shellcheck disable=SC2016  # expanded by the inner shell, which timeout can end
ask() { timeout 5 "$BASH" -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" && printf "$2" >&3 && head -c "$3" <&3' ask "$@"; }

# A free port below those that the kernel gives to clients, so that no connection of ours can be sitting on it.
free_port() {
    local port
    for _ in {1..200}; do
        port=$((20000 + RANDOM % 12000))
        port_is_taken "$port" || { echo "$port" && return 0; }
    done
    stop "found no free port between 20000 and 32000"
}

# The port kept for NAME; picks and keeps one when there is none.
port_of() {
    local kept=$directory/ports/$1
    [[ -s $kept ]] || { free_port >"$kept.$BASHPID" && mv -n "$kept.$BASHPID" "$kept" && rm -f "$kept.$BASHPID"; }
    echo "$(<"$kept")"
}

# The port that NAME has for itself alone: the kept one, or another when something else took it meanwhile.
private_port() {
    ! port_is_taken "$(port_of "$1")" || free_port >"$directory/ports/$1"
    port_of "$1"
}

keep_given_ports() {
    local name
    for name in "${!given_port[@]}"; do
        [[ $(cat "$directory/ports/$name" 2>/dev/null) == "${given_port[$name]}" ]] && continue
        ! live_pid "$name" >/dev/null || stop "$name runs on port $(port_of "$name"): dev/services stop $name first, then give another port"
        echo "${given_port[$name]}" >"$directory/ports/$name"
    done
}

address_of() {
    local tls=
    ! tls_on || tls=-tls
    case $1 in
    kafka) echo "127.0.0.1:$(port_of "kafka$tls")" ;;
    elasticsearch) echo "http${tls:+s}://${tls:+eip:$tls_password@}127.0.0.1:$(port_of elasticsearch)" ;;
    postgres) echo "postgres://eip@127.0.0.1:$(port_of postgres)/eip${tls:+?sslmode=verify-full&sslrootcert=$directory/tls/ca.pem}" ;;
    redis) echo "redis${tls:+s}://127.0.0.1:$(port_of "redis$tls")" ;;
    *) echo "http://127.0.0.1:$(port_of "$1")" ;;
    esac
}

bring_up() {
    local name failed=() began=$SECONDS
    local -A starting=()
    keep_given_ports
    keep_given_tls "$given_tls" "$@"
    install_missing "$@"
    for name in "$@"; do
        with_lock "$name" start_process "$name" &
        starting[$name]=$!
    done
    for name in "$@"; do wait "${starting[$name]}" || failed+=("$name"); done
    print_status "$@" || true
    ((${#failed[@]} == 0)) || stop "did not start: ${failed[*]}"
    say "all answer after $((SECONDS - began)) s; data in $directory"
}

bring_up_one() {
    is_one_of "$1" "${programs[@]}" || install_missing "$1"
    with_lock "$1" start_process "$1"
}

bring_down() {
    local name pid running=() result=0
    for name in "$@"; do
        with_lock "$name" stop_process "$name" &
        running+=($!)
    done
    for pid in "${running[@]}"; do wait "$pid" || result=1; done
    return $result
}

wipe() {
    local name
    bring_down "$@" || stop "not wiped: something still runs"
    for name in "$@"; do rm -rf "${directory:?}/$name" "$directory/logs/$name".log*; done
    # The local folder of the eip commands mirrors the log, and is nothing without it.
    if is_one_of kafka "$@"; then rm -rf "${directory:?}/state" && mkdir "$directory/state"; fi
    (($# < ${#servers[@]})) || rm -rf "${directory:?}/tls"
}

state_of() {
    local pid
    pid=$(live_pid "$1") || { echo down && return 0; }
    if [[ $(process_state "$pid") == T ]]; then
        echo paused
    elif "${1}_probe" 2>/dev/null; then
        echo up
    else
        echo "no answer"
    fi
}

print_status() {
    local name state all_up=0 format='%-14s %-44s %-8s %-10s %s\n'
    # shellcheck disable=SC2059
    printf "$format" name address pid state log
    for name in "$@"; do
        state=$(state_of "$name")
        [[ $state == up ]] || all_up=1
        # shellcheck disable=SC2059
        printf "$format" "$name" "$(address_of "$name")" "$(live_pid "$name" || echo -)" "$state" "$directory/logs/$name.log"
    done
    return $all_up
}

export_line() { echo "export $1=$(printf %q "$2")"; }

print_environment() {
    export_line EIP_KAFKA "$(address_of kafka)"
    export_line EIP_ELASTICSEARCH "$(address_of elasticsearch)"
    export_line EIP_POSTGRES "$(address_of postgres)"
    export_line EIP_REDIS "$(address_of redis)"
    export_line EIP_STATE "$directory/state"
    export_line EIP_SERVICES_DIR "$directory"
    print_tls_environment
}

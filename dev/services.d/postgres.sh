# shellcheck shell=bash
# PostgreSQL: a cluster of its own, trust on loopback, database eip owned by the superuser eip. Sourced by dev/services.

# Prints the folder of the server's programs: of the version that made the data folder, else of the newest installed.
postgres_binaries() {
    local found version=$directory/postgres/data/PG_VERSION
    if [[ -s $version ]]; then
        found=/usr/lib/postgresql/$(<"$version")/bin/postgres
    else
        found=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
    fi
    [[ -x $found ]] || return 1
    echo "${found%/postgres}"
}

postgres_prepare() {
    local folder=$directory/postgres binaries
    binaries=$(postgres_binaries) || stop "postgres: no server for the data in $folder is installed"
    mkdir -p "$folder"
    own "$folder"
    postgres_forget_the_killed
    [[ -s $folder/data/PG_VERSION ]] || {
        rm -rf "$folder/data"
        (as_service_user "$binaries/initdb" --pgdata "$folder/data" --username eip --auth trust --encoding UTF8 --locale C.UTF-8) \
            >"$directory/logs/postgres-initdb.log" 2>&1 ||
            fail_with_log postgres-initdb "postgres: initdb failed"
    }
}

# After kill -9 the server's own lock file is left, and PostgreSQL takes the zombie that a slow init has not yet
# collected for the holder. Nobody holds it once no process works in the data folder.
postgres_forget_the_killed() {
    local data=$directory/postgres/data deadline=$((SECONDS + 10)) folder busy=1
    [[ -f $data/postmaster.pid ]] || return 0
    while ((busy)); do
        busy=0
        for folder in /proc/[0-9]*/cwd; do
            if [[ $folder -ef $data ]]; then busy=1; fi
        done
        ((!busy || SECONDS < deadline)) || stop "postgres: another server works in $data; stop it first"
        ((!busy)) || sleep 0.1
    done
    rm -f "$data/postmaster.pid"
}

postgres_launch() {
    local tls
    mapfile -t tls < <(postgres_tls_arguments)
    as_service_user "$(postgres_binaries)/postgres" -D "$directory/postgres/data" \
        -c listen_addresses=127.0.0.1 -c port="$(port_of postgres)" -c unix_socket_directories= \
        -c max_connections=300 -c shared_buffers=256MB -c max_wal_size=2GB -c timezone=UTC \
        -c log_line_prefix='%m [%p] %q%u@%d ' -c log_timezone=UTC "${tls[@]}"
}

postgres_probe() { "$(postgres_binaries)/pg_isready" --quiet --timeout 5 --host 127.0.0.1 --port "$(port_of postgres)"; }

postgres_sql() {
    "$(postgres_binaries)/psql" --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 \
        --host 127.0.0.1 --port "$(port_of postgres)" --username eip --dbname postgres --command "$1"
}

postgres_after_start() {
    [[ $(postgres_sql "SELECT 1 FROM pg_database WHERE datname = 'eip'") == 1 ]] || postgres_sql 'CREATE DATABASE eip'
}

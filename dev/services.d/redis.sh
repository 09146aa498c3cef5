# shellcheck shell=bash
# Redis: a cache, so nothing is kept over a restart. Sourced by dev/services.

redis_prepare() {
    mkdir -p "$directory/redis"
    own "$directory/redis"
}

redis_launch() {
    local tls
    mapfile -t tls < <(redis_tls_arguments)
    as_service_user "$(command -v redis-server)" --bind 127.0.0.1 --port "$(port_of redis)" --dir "$directory/redis" \
        --save '' --appendonly no --daemonize no "${tls[@]}"
}

redis_probe() { [[ $(ask "$(port_of redis)" 'PING\r\n' 5) == +PONG ]]; }

# shellcheck shell=bash
# Debian packages and downloads. As root it installs missing packages; anybody else gets the one line that does, and it
# stops. Kafka and Elasticsearch come as Maven artifacts with Maven's own settings, and are kept in the cache that all
# data folders share. Sourced by dev/services.

kafka_version=4.1.0
# 9.x wants Java 21; Debian 12 has 17, for which 8.19 is the last.
elasticsearch_version_java_21=9.2.0
elasticsearch_version_java_17=8.19.0
dependency_plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1

# Prints "MAJOR HOME" of every Java found, the lowest first.
javas() {
    local java
    for java in /usr/lib/jvm/*/bin/java ${JAVA_HOME:+"$JAVA_HOME/bin/java"} "$(readlink -f "$(command -v java)" 2>/dev/null)"; do
        [[ -x $java ]] || continue
        echo "$("$java" -version 2>&1 | sed -n '/version/s/[^"]*"\([0-9]*\).*/\1/p' | head -n 1) ${java%/bin/java}"
    done | sort -k1,1n -u
}

# Prints the home of the lowest Java of at least the given version: servers are tried with old ones, not with the newest.
java_home() {
    local major home
    while read -r major home; do
        ((major >= $1)) && echo "$home" && return 0
    done < <(javas)
    return 1
}

kafka_packages() {
    command -v mvn >/dev/null || [[ -d $cache/kafka-$kafka_version ]] || echo maven
    java_home 17 >/dev/null || echo default-jre-headless
}

elasticsearch_packages() {
    command -v mvn >/dev/null || [[ -d $cache/elasticsearch-$(elasticsearch_version) ]] || echo maven
    command -v curl >/dev/null || echo curl
    java_home 17 >/dev/null || echo default-jre-headless
}

postgres_packages() { postgres_binaries >/dev/null || echo postgresql; }
redis_packages() { command -v redis-server >/dev/null || echo redis-server; }

install_missing() {
    local name missing
    mapfile -t missing < <(for name in "$@"; do "${name}_packages"; done | sort -u)
    ((${#missing[@]} == 0)) || with_cache_lock install_packages "${missing[@]}"
    for name in "$@"; do
        if declare -F "${name}_fetch" >/dev/null; then with_cache_lock "${name}_fetch"; fi
    done
}

with_cache_lock() (
    exec 8>"$cache/lock"
    flock 8
    "$@"
)

install_packages() {
    local line=(apt-get install -y --no-install-recommends "$@")
    command -v apt-get >/dev/null || stop "missing: $* (Debian's names); install them, then run this again"
    ((EUID == 0)) || stop "missing: $*; run this, then try again:  sudo ${line[*]}"
    say "installing $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 || say "apt-get update failed; trying with the lists as they are"
    "${line[@]}" >/dev/null || stop "this failed: ${line[*]}"
}

# Has Maven fill a new folder, and moves it to its name only when it is whole: FOLDER GOAL [ARGUMENT...]
fetch_with_maven() {
    local folder=$cache/$1 unfinished=$cache/$1.unfinished log=$cache/$1.log goal=$2
    shift 2
    [[ ! -d $folder ]] || return 0
    say "fetching ${folder##*/}"
    rm -rf "$unfinished" "$unfinished.work"
    mkdir -p "$unfinished" "$unfinished.work"
    # Without a project the plugin keeps its notes in the working directory.
    (cd "$unfinished.work" && mvn --batch-mode --quiet "$dependency_plugin:$goal" "-DoutputDirectory=$unfinished" "$@") \
        >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        stop "Maven could not fetch ${folder##*/}; its words are above, and in $log"
    }
    rm -rf "$unfinished.work"
    chmod -R a+rX "$unfinished"
    mv "$unfinished" "$folder"
}

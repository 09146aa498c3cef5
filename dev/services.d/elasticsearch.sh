# shellcheck shell=bash
# Elasticsearch: one node of the core server, without security unless TLS is asked for. 9.x where a Java of at least 21 is installed, else
# 8.19 on 17. Sourced by dev/services.

# The data of a newer version cannot be opened by an older one, so a data folder stays with the version that made it.
elasticsearch_version() {
    if [[ -s $directory/elasticsearch/version ]]; then
        echo "$(<"$directory/elasticsearch/version")"
    elif java_home 21 >/dev/null; then
        echo "$elasticsearch_version_java_21"
    else
        echo "$elasticsearch_version_java_17"
    fi
}

elasticsearch_fetch() {
    local version
    version=$(elasticsearch_version)
    fetch_with_maven "elasticsearch-$version" unpack \
        "-Dartifact=org.elasticsearch.distribution.integ-test-zip:elasticsearch:$version:zip"
}

elasticsearch_home() {
    local version
    version=$(elasticsearch_version)
    echo "$cache/elasticsearch-$version/elasticsearch-$version"
}

elasticsearch_prepare() {
    local folder=$directory/elasticsearch home version
    home=$(elasticsearch_home)
    version=$(elasticsearch_version)
    mkdir -p "$folder"/{config/jvm.options.d,data,logs,snapshots,tmp}
    echo "$version" >"$folder/version"
    cp "$home/config/log4j2.properties" "$folder/config"
    # The distribution's options name files relative to itself, where this user may not write.
    sed -e "s#\([:=]\)logs/#\1$folder/logs/#" -e "s#=data\$#=$folder/data#" "$home/config/jvm.options" >"$folder/config/jvm.options"
    printf '%s\n' -Xms1g -Xmx1g >"$folder/config/jvm.options.d/heap.options"
    cat >"$folder/config/elasticsearch.yml" <<END
cluster.name: eip-services
node.name: eip
discovery.type: single-node
network.host: 127.0.0.1
http.port: $(port_of elasticsearch)
transport.port: $(private_port elasticsearch-transport)
path.data: $folder/data
path.logs: $folder/logs
# Where snapshots may go; a repository of type fs names a folder in it.
path.repo: ["$folder/snapshots"]
$(elasticsearch_tls_settings)

# A write to an index of ours that is not there must fail: the fence between an old and a new writer rests on it.
action.auto_create_index: "-*shipments*,-*shipment_events*,+*"

# In percent a large disk that is nearly full would block all writing with many gigabytes free.
cluster.routing.allocation.disk.watermark.low: 2gb
cluster.routing.allocation.disk.watermark.high: 1gb
cluster.routing.allocation.disk.watermark.flood_stage: 500mb

# Every space has indices of its own, and tests make many spaces.
cluster.max_shards_per_node: 5000
END
    own "$folder"
}

elasticsearch_launch() {
    local home java version wanted=21
    home=$(elasticsearch_home)
    version=$(elasticsearch_version)
    [[ $version == 8.* ]] && wanted=17
    java=$(java_home "$wanted") || stop "elasticsearch $version wants a Java of at least $wanted, and none is in /usr/lib/jvm"
    as_service_user ES_JAVA_HOME="$java" ES_PATH_CONF="$directory/elasticsearch/config" \
        ES_TMPDIR="$directory/elasticsearch/tmp" bash "$home/bin/elasticsearch"
}

elasticsearch_probe() {
    curl --silent --fail --insecure --max-time 5 --noproxy '*' --output /dev/null \
        "$(address_of elasticsearch)/_cluster/health?wait_for_status=yellow&timeout=3s"
}

# shellcheck shell=bash
# Kafka: one node in KRaft mode, broker and controller in one process. Sourced by dev/services.

kafka_fetch() {
    local project=$cache/kafka-$kafka_version.xml
    [[ -d $cache/kafka-$kafka_version ]] || cat >"$project" <<END
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>eip.services</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka_version</version></dependency>
    <!-- Kafka logs through slf4j and leaves the choice of a logger to its packager. -->
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version></dependency>
  </dependencies>
</project>
END
    fetch_with_maven "kafka-$kafka_version" copy-dependencies -f "$project"
}

kafka_java() {
    local home
    home=$(java_home 17) || stop "kafka: no Java of at least 17"
    as_service_user "$home/bin/java" "$1" -cp "$cache/kafka-$kafka_version/*" \
        "-Dlog4j2.configurationFile=$directory/kafka/log4j2.properties" -Djava.awt.headless=true "${@:2}"
}

kafka_prepare() {
    local folder=$directory/kafka port controller
    port=$(port_of kafka)
    controller=$(private_port kafka-controller)
    mkdir -p "$folder"
    cat >"$folder/log4j2.properties" <<'END'
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %c{1} %m%n
END
    cat >"$folder/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
$(kafka_listeners "$port" "$controller")
log.dirs=$folder/data

# A topic is made by who knows its settings, never by a misspelt name.
auto.create.topics.enable=false

# One broker: every internal topic has one replica.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0

# A broker that is silent for this long leads nothing until it is heard of again: of no use where there is no other
# one to lead instead, and a busy machine may keep it silent. A killed one may register again only after it, too.
broker.session.timeout.ms=${EIP_KAFKA_SESSION_MS:-20000}
broker.heartbeat.interval.ms=1000

# Room for a record of 2 MiB with its headers, and for the batch around it.
message.max.bytes=4194304
replica.fetch.max.bytes=4194304
END
    own "$folder"
    [[ -f $folder/data/meta.properties ]] ||
        (kafka_java -Xmx128m kafka.tools.StorageTool format --config "$folder/server.properties" \
            --cluster-id EipServicesLocalCluster --add-scram "SCRAM-SHA-512=[name=eip,password=$tls_password]") >"$directory/logs/kafka-format.log" 2>&1 ||
        stop "kafka: its data folder could not be formatted; see $directory/logs/kafka-format.log"
}

kafka_launch() { kafka_java -Xmx512m -Xms512m kafka.Kafka "$directory/kafka/server.properties"; }

# Sends an ApiVersions request (version 0, client id "eip") and wants its correlation id and no error back. A broker
# accepts connections a while before it answers.
kafka_probe() {
    local answer
    answer=$(ask "$(port_of kafka)" '\0\0\0\015\0\022\0\0\0\0\0\007\0\003eip' 10 | od -An -tx1 -j4 | tr -d ' \n')
    [[ $answer == 000000070000 ]]
}

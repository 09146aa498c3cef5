# shellcheck shell=bash
# Servers that speak TLS, for the tests of our clients: `up --tls good|expired|wrong-host` gives them a certificate of
# that kind, signed by a certificate authority of this data folder. Kafka then also wants SCRAM, Elasticsearch basic
# authentication. Sourced by dev/services.

# shellcheck disable=SC2034  # read by dev/services alone
tls_kinds=(good expired wrong-host)
# Of a server on loopback that a test has started; it protects nothing.
tls_password=eip-local

tls_on() { [[ -s $directory/tls/kind ]]; }

# The files of the kind that is in force: tls_file key|pem|both
tls_file() { echo "$directory/tls/$(<"$directory/tls/kind").$1"; }

keep_given_tls() {
    local kind=$1 folder=$directory/tls name
    shift
    [[ -n $kind ]] || return 0
    [[ $(cat "$folder/kind" 2>/dev/null) != "$kind" ]] || return 0
    for name in "$@"; do
        ! live_pid "$name" >/dev/null || stop "$name runs already: dev/services stop $name first, then give --tls"
    done
    command -v openssl >/dev/null || with_cache_lock install_packages openssl
    with_lock tls make_certificates
    echo "$kind" >"$folder/kind"
}

make_certificates() {
    local folder=$directory/tls
    [[ ! -f $folder/made ]] || return 0
    mkdir -p "$folder"
    make_authority ca
    # One that has signed nothing here: a client that trusts only it must refuse every server.
    make_authority other-ca
    make_certificate good 3650 IP:127.0.0.1,DNS:localhost
    make_certificate expired -1 IP:127.0.0.1,DNS:localhost
    make_certificate wrong-host 3650 DNS:elsewhere.invalid
    own "$folder"
    chmod 600 "$folder"/*.key "$folder"/*.both
    touch "$folder/made"
}

make_authority() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=eip services $1" \
        -keyout "$directory/tls/$1.key" -out "$directory/tls/$1.pem" 2>/dev/null || stop "openssl could not make $1"
}

make_certificate() {
    local path=$directory/tls/$1
    openssl req -newkey rsa:2048 -nodes -subj "/CN=eip services $1" -keyout "$path.key" -out "$path.request" 2>/dev/null ||
        stop "openssl could not make the key of $1"
    openssl x509 -req -in "$path.request" -days "$2" -extfile <(echo "subjectAltName=$3") -out "$path.pem" \
        -CA "$directory/tls/ca.pem" -CAkey "$directory/tls/ca.key" -CAcreateserial 2>/dev/null ||
        stop "openssl could not sign $1"
    cat "$path.key" "$path.pem" >"$path.both"
    rm "$path.request"
}

# The plain listener stays beside that behind TLS and SCRAM: it is the one that the health check asks.
kafka_listeners() {
    local plain=PLAINTEXT://127.0.0.1:$1 controller=CONTROLLER://127.0.0.1:$2 secure
    if ! tls_on; then
        printf '%s\n' "listeners=$plain,$controller" "advertised.listeners=$plain"
        return
    fi
    secure=SASL_SSL://127.0.0.1:$(port_of kafka-tls)
    cat <<END
listeners=$plain,$controller,$secure
advertised.listeners=$plain,$secure
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=$(tls_file both)
END
}

# Elasticsearch reads certificates only from below its configuration.
elasticsearch_tls_settings() {
    local config=$directory/elasticsearch/config
    if ! tls_on; then
        echo 'xpack.security.enabled: false'
        return
    fi
    cp "$(tls_file key)" "$config/http.key"
    cp "$(tls_file pem)" "$config/http.pem"
    # A word that is no known hash is taken as the password itself.
    echo "eip:$tls_password" >"$config/users"
    echo 'superuser:eip' >"$config/users_roles"
    printf '%s\n' 'xpack.security.enabled: true' 'xpack.security.http.ssl.enabled: true' \
        'xpack.security.http.ssl.key: http.key' 'xpack.security.http.ssl.certificate: http.pem'
}

# The arguments that make PostgreSQL and Redis speak TLS, one a line.
postgres_tls_arguments() {
    ! tls_on || printf '%s\n' -c ssl=on -c "ssl_cert_file=$(tls_file pem)" -c "ssl_key_file=$(tls_file key)"
}
redis_tls_arguments() {
    ! tls_on || printf '%s\n' --tls-port "$(port_of redis-tls)" --tls-cert-file "$(tls_file pem)" \
        --tls-key-file "$(tls_file key)" --tls-ca-cert-file "$directory/tls/ca.pem" --tls-auth-clients no
}

# What a client needs beside the addresses.
print_tls_environment() {
    tls_on || return 0
    local ca=$directory/tls/ca.pem
    export_line EIP_KAFKA_PROPERTIES "security.protocol=SASL_SSL,sasl.mechanism=SCRAM-SHA-512,sasl.username=eip,sasl.password=$tls_password,ssl.ca.location=$ca"
    export_line EIP_ELASTICSEARCH_CA "$ca"
    export_line EIP_REDIS_CA "$ca"
}

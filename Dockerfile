# The eip binary, with TLS for Kafka. One image for ingest, dataflow and api; compose.yml says which command.
FROM rust:1.95.0-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
# rust-toolchain.toml asks for components that a build does not need; the image has the pinned version.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --locked --release --bin eip --features tls \
    && cp target/release/eip /usr/local/bin/eip

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin eip \
    && install -d -o eip -g eip /var/lib/eip
COPY --from=build /usr/local/bin/eip /usr/local/bin/eip
COPY deploy/answers /usr/local/bin/answers
USER 10001:10001
ENV EIP_STATE=/var/lib/eip EIP_LOG=info
VOLUME /var/lib/eip
ENTRYPOINT ["/usr/local/bin/eip"]
CMD ["--help"]

//! Runs the engine benchmark without the rest of the program.
//!
//! `cargo run --release -p eip-bench --example engine -- EVENTS.ndjson [COPIES [WORKERS [history]]]`

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default| arguments.get(at).map_or(Ok(default), |text| text.parse());
    eip_bench::engine(&eip_bench::EngineOptions {
        events: arguments
            .first()
            .ok_or_else(|| anyhow::anyhow!("no file of events"))?
            .into(),
        copies: number(1, 10)?,
        workers: number(2, 2)? as usize,
        partitions: 4,
        history: arguments.get(3).is_some_and(|text| text == "history"),
        folder: None,
    })
}

//! Temporary.
fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(bootstrap), Some(events)) = (args.next(), args.next()) else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let space = format!("bench-{}", std::process::id()).parse()?;
    let config = eip_log::kafka::KafkaConfig::new(bootstrap, space, folder.path().join("kafka"));
    eip_bench::kafka(&eip_bench::KafkaOptions { events: events.into(), config, partitions: 4, rounds: 5 })
}

//! `eip dataflow`: keeps the views up to date with a log that others write.

use clap::Args;
use eip_dataflow::DataflowHandle;

use super::Exit;
use super::state::{State, Workers};
use crate::interrupt;
use crate::views::{bring_up_to_date, counts_text, start_dataflow};

#[derive(Args)]
pub(crate) struct Dataflow {
    #[command(flatten)]
    state: State,
    #[command(flatten)]
    workers: Workers,
    /// End when the views hold everything that the log held at the start.
    #[arg(long)]
    until_caught_up: bool,
}

impl Dataflow {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let state = self.state.open()?;
        if self.until_caught_up {
            bring_up_to_date(&state, self.workers.count())?;
            return Ok(Exit::Done);
        }
        let stop = interrupt::token();
        let dataflow = start_dataflow(&state, self.workers.count())?;
        eprintln!("following the log; Ctrl-C ends");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            tokio::select! {
                () = stop.cancelled() => {}
                () = failed(&dataflow) => {}
            }
        });
        println!("{}", counts_text(&dataflow.shutdown()?.counts));
        Ok(Exit::Done)
    }
}

/// Returns when the dataflow has ended by itself, which it only does by an error.
async fn failed(dataflow: &DataflowHandle) {
    while !dataflow.has_failed() {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

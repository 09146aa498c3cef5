//! A run as seen from the terminal: its id first, a bar or plain lines while it goes on, and the
//! question before a plan is carried out.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use eip_ingest::run::{Observer, Phase, Progress, Rehearsal, RunId};
use indicatif::{ProgressBar, ProgressStyle};

use crate::interrupt;
use crate::text::thousands;

/// How often a plain progress line is written where there is no terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(2);

/// What to do when a plan is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnPlan {
    /// Say nothing: it was told before.
    Hide,
    /// Print what it would do.
    Show,
    /// Print it and, at a terminal, ask before it is carried out.
    Ask,
}

/// Shows a run on stdout and stderr.
pub(crate) struct Console {
    on_plan: OnPlan,
    shown: Shown,
}

enum Shown {
    Nothing,
    Bar(ProgressBar),
    Lines { since: Instant, last: Instant },
}

impl Console {
    /// Nobody is asked where stdin or stdout is no terminal.
    pub(crate) fn new(on_plan: OnPlan) -> Self {
        interrupt::token();
        let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let on_plan = if on_plan == OnPlan::Ask && !terminal {
            OnPlan::Show
        } else {
            on_plan
        };
        Self {
            on_plan,
            shown: Shown::Nothing,
        }
    }

    /// Takes the bar away; what follows are results.
    pub(crate) fn finish(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
        self.shown = Shown::Nothing;
    }
}

impl Observer for Console {
    fn started(&mut self, run: &RunId, attempt: u32) {
        println!("run {run}");
        if attempt > 1 {
            println!("attempt {attempt}");
        }
        self.shown = if io::stderr().is_terminal() {
            Shown::Bar(ProgressBar::no_length())
        } else {
            let now = Instant::now();
            Shown::Lines {
                since: now,
                last: now,
            }
        };
    }

    fn progress(&mut self, progress: &Progress) {
        match &mut self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => show_bar(bar, progress),
            Shown::Lines { since, last } => {
                if last.elapsed() >= PLAIN_EVERY {
                    *last = Instant::now();
                    eprintln!("{}", plain_line(progress, since.elapsed()));
                }
            }
        }
    }

    fn planned(&mut self, rehearsal: &Rehearsal) {
        if self.on_plan == OnPlan::Hide {
            return;
        }
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(|| println!("{rehearsal}")),
            _ => println!("{rehearsal}"),
        }
    }

    fn approve(&mut self, _rehearsal: &Rehearsal) -> bool {
        if self.on_plan != OnPlan::Ask {
            return true;
        }
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
            self.shown = Shown::Bar(ProgressBar::no_length());
        }
        print!("apply it? [y/N] ");
        // Without an answer nothing is done, so an error in asking is a no.
        let mut answer = String::new();
        let asked = io::stdout()
            .flush()
            .and_then(|()| io::stdin().lock().read_line(&mut answer));
        asked.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
    }

    fn cancelled(&self) -> bool {
        interrupt::asked()
    }
}

fn show_bar(bar: &ProgressBar, progress: &Progress) {
    let template = match progress.total {
        Some(total) if progress.phase == Phase::Writing => {
            bar.set_length(total);
            "{msg:10} [{bar:30}] {human_pos}/{human_len} events  {per_sec}  {prefix}  {eta} left"
        }
        _ => "{msg:10} {spinner}  {prefix}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(progress.phase.name());
    bar.set_prefix(where_it_is(progress));
    bar.set_position(progress.records);
    bar.tick();
}

fn where_it_is(progress: &Progress) -> String {
    let rejects = match progress.rejects {
        0 => String::new(),
        rejects => format!("  {} rejects", thousands(rejects)),
    };
    match progress.event_time {
        Some(time) => format!("reached {}{rejects}", time.day()),
        None => rejects,
    }
}

fn plain_line(progress: &Progress, elapsed: Duration) -> String {
    let per_second = progress.records as f64 / elapsed.as_secs_f64().max(0.001);
    let of_total = progress
        .total
        .map_or_else(String::new, |t| format!("/{}", thousands(t)));
    let left = match progress.total {
        Some(total) if per_second >= 1.0 => {
            let left = total.saturating_sub(progress.records) as f64 / per_second;
            format!(", {left:.0} s left")
        }
        _ => String::new(),
    };
    format!(
        "{}: {}{of_total} events, {} events/s{left}  {}",
        progress.phase.name(),
        thousands(progress.records),
        thousands(per_second as u64),
        where_it_is(progress)
    )
}

//! A run as seen from the terminal: its id first, a bar or plain lines while it goes on, the
//! question before a plan is carried out, and keys that change the pace of a scaled run.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eip_ingest::run::{Controls, Observer, Pace, Phase, Progress, Rehearsal, RunId};
use indicatif::{ProgressBar, ProgressStyle};

use crate::interrupt;
use crate::keys::Keys;
use crate::out;
use crate::pace::{Pressed, Pressing};
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
    paced: Option<Paced>,
}

/// Of a scaled run: how its pace is changed.
struct Paced {
    controls: Arc<Controls>,
    keys: Option<Keys>,
    pressing: Pressing,
    wish: Option<Wish>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Cancel,
    Leave,
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
            paced: None,
        }
    }

    /// For a scaled run: space pauses, + and - change the speed, and Ctrl-C asks what is meant.
    pub(crate) fn paced() -> Self {
        let keys = Keys::open();
        if keys.is_some() {
            err!("keys: space pauses and resumes, + and - change the speed, q leaves");
        }
        Self {
            paced: Some(Paced {
                controls: Arc::default(),
                keys,
                pressing: Pressing::default(),
                wish: None,
            }),
            ..Self::new(OnPlan::Hide)
        }
    }

    /// Prints a line beside the bar.
    fn say(&self, text: &str) {
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(|| err!("{text}")),
            _ => err!("{text}"),
        }
    }

    /// Does what keys and signals ask for.
    fn hear(&mut self, pace: Option<Pace>) {
        let Some(mut paced) = self.paced.take() else {
            return;
        };
        if let Some(keys) = &paced.keys {
            let signal = interrupt::asked() && interrupt::take();
            while let Some(pressed) = paced.pressing.next(keys, signal) {
                match pressed {
                    Pressed::Say(text) => self.say(text),
                    Pressed::Pause => {
                        let (is_paused, _) = paced.controls.wished();
                        paced.controls.set(Some(!is_paused), None);
                    }
                    Pressed::Speed(times) => {
                        let (_, wished) = paced.controls.wished();
                        let now = wished.or(pace.map(|pace| pace.scale_factor));
                        paced.controls.set(None, now.and_then(|now| times.of(now)));
                    }
                    Pressed::Cancel => paced.wish = Some(Wish::Cancel),
                    Pressed::Leave => paced.wish = Some(Wish::Leave),
                }
            }
        }
        self.paced = Some(paced);
    }

    fn wishes(&self, wish: Wish) -> bool {
        self.paced
            .as_ref()
            .is_some_and(|paced| paced.wish == Some(wish))
    }

    /// Takes the bar away; what follows are results.
    pub(crate) fn finish(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
        self.shown = Shown::Nothing;
        self.paced = None;
    }
}

impl Observer for Console {
    fn started(&mut self, run: &RunId, attempt: u32) {
        out!("run {run}");
        if attempt > 1 {
            out!("attempt {attempt}");
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

    fn note(&mut self, note: &str) {
        self.say(&format!("note: {note}"));
    }

    fn progress(&mut self, progress: &Progress) {
        self.hear(progress.pace);
        match &mut self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => show_bar(bar, progress),
            Shown::Lines { since, last } => {
                if last.elapsed() >= PLAIN_EVERY {
                    *last = Instant::now();
                    err!("{}", plain_line(progress, since.elapsed()));
                }
            }
        }
    }

    fn planned(&mut self, rehearsal: &Rehearsal) {
        if self.on_plan == OnPlan::Hide {
            return;
        }
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(|| out!("{rehearsal}")),
            _ => out!("{rehearsal}"),
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
        // Without an answer nothing is done, so an error in asking is a no.
        out::ask("apply it? [y/N] ").is_ok_and(|answer| matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    fn controls(&self) -> Option<Arc<Controls>> {
        self.paced.as_ref().map(|paced| Arc::clone(&paced.controls))
    }

    fn cancelled(&self) -> bool {
        let asks_first = self
            .paced
            .as_ref()
            .is_some_and(|paced| paced.keys.is_some());
        self.wishes(Wish::Cancel) || (!asks_first && interrupt::asked())
    }

    fn interrupted(&self) -> bool {
        self.wishes(Wish::Leave)
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
    match (progress.pace, progress.event_time) {
        (Some(pace), _) => format!("{}{rejects}", pace_text(&pace)),
        (None, Some(time)) => format!("reached {}{rejects}", time.day()),
        (None, None) => rejects,
    }
}

/// The simulated clock, the speed, and how well the schedule is kept.
fn pace_text(pace: &Pace) -> String {
    let speed = if pace.is_paused {
        "paused".to_owned()
    } else {
        format!("x {}", pace.scale_factor)
    };
    let ms = |micros: u64| micros as f64 / 1e3;
    format!(
        "clock {}  {speed}  late p99.9 {:.2} ms  latency p99.9 {:.1} ms",
        pace.simulated_at,
        ms(pace.figures.lateness_us.p999),
        ms(pace.figures.latency_us.p999)
    )
}

fn plain_line(progress: &Progress, elapsed: Duration) -> String {
    let per_second = progress.records as f64 / elapsed.as_secs_f64().max(0.001);
    let of_total = progress
        .total
        .map_or_else(String::new, |t| format!("/{}", thousands(t)));
    let left = match progress.total {
        _ if progress.pace.is_some() => {
            let left = progress.pace.map_or(0, |pace| pace.seconds_left);
            format!(", {left} s left")
        }
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

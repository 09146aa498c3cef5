//! The stop before the first record, when a run would take away more than anybody meant.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::limits::GuardLimits;
use super::state::RunKind;

/// What a plan would take away, and of how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardFigures {
    /// Orders that have facts and of which nothing would remain.
    pub vanishing: u64,
    /// Orders covered.
    pub covered: u64,
    /// Facts of the other covered orders of which no fact of that identity would remain.
    pub retracted: u64,
    /// All facts of the other covered orders before the run.
    pub facts: u64,
}

/// A plan that goes beyond its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardStop {
    /// What it would take away.
    pub figures: GuardFigures,
    /// Too many orders would vanish.
    pub vanishing: bool,
    /// Too many facts would be retracted.
    pub retracted: bool,
    /// The kind of run: it decides what raises the limits.
    pub kind: RunKind,
}

impl GuardFigures {
    /// Whether a run with these figures stops under `limits`.
    pub fn check(self, limits: &GuardLimits, kind: RunKind) -> Option<GuardStop> {
        let vanishing = limits.stops_vanishing(self.vanishing, self.covered);
        let retracted = limits.stops_retracted(self.retracted, self.facts);
        (vanishing || retracted).then_some(GuardStop {
            figures: self,
            vanishing,
            retracted,
            kind,
        })
    }
}

impl GuardStop {
    /// The flags of `eip replay` that would let this run through.
    pub fn flags(&self) -> String {
        if self.kind == RunKind::Revert {
            return "--force".to_owned();
        }
        let mut flags = Vec::new();
        if self.vanishing {
            flags.push(format!("--max-vanishing {}", self.figures.vanishing));
        }
        if self.retracted {
            flags.push(format!("--max-retracted {}", self.figures.retracted));
        }
        flags.join(" ")
    }
}

impl fmt::Display for GuardStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GuardFigures {
            vanishing,
            covered,
            retracted,
            facts,
        } = self.figures;
        f.write_str("stopped before the first record: ")?;
        if self.vanishing {
            write!(
                f,
                "{vanishing} of {covered} covered orders ({}) have facts but no row in the data",
                Share(vanishing, covered)
            )?;
        }
        if self.vanishing && self.retracted {
            f.write_str(", and ")?;
        }
        if self.retracted {
            write!(
                f,
                "{retracted} of {facts} facts of the other covered orders ({}) would be retracted",
                Share(retracted, facts)
            )?;
        }
        write!(f, "; if that is meant, run again with {}", self.flags())
    }
}

/// A share as a percentage with one decimal.
struct Share(u64, u64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let permille = u128::from(self.0) * 1_000 / u128::from(self.1.max(1));
        write!(f, "{}.{} %", permille / 10, permille % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_names_its_figures_and_the_way_on() {
        let figures = GuardFigures {
            vanishing: 5_467,
            covered: 10_935,
            retracted: 10,
            facts: 30_000,
        };
        let stop = figures
            .check(&GuardLimits::default(), RunKind::Window)
            .unwrap();
        assert!(stop.vanishing && !stop.retracted);
        assert_eq!(
            stop.to_string(),
            "stopped before the first record: 5467 of 10935 covered orders (49.9 %) have facts but \
             no row in the data; if that is meant, run again with --max-vanishing 5467"
        );
        let raised = GuardLimits {
            max_vanishing: Some("5467".parse().unwrap()),
            ..GuardLimits::default()
        };
        assert_eq!(figures.check(&raised, RunKind::Window), None);
        let revert = figures
            .check(&GuardLimits::default(), RunKind::Revert)
            .unwrap();
        assert_eq!(revert.flags(), "--force");
    }
}

//! The stop before the first record, when a run would take away more than anybody meant.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::limits::GuardLimits;
use super::state::RunKind;

/// What a plan would take away, and of how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GuardFigures {
    /// Orders that have facts and of which nothing would remain.
    pub vanishing: u64,
    /// Orders covered.
    pub covered: u64,
    /// Facts of the other covered orders of which no fact of that identity would remain.
    pub retracted: u64,
    /// All facts of the other covered orders before the run.
    pub facts: u64,
    /// Covered orders whose seller or customer would fall from a known region to `ZZ`.
    #[serde(default)]
    pub lost_regions: u64,
}

/// Orders that the figures count, by name.
#[derive(Clone, Copy, Debug, Default)]
pub struct GuardNames<'a> {
    /// Of [`GuardFigures::vanishing`].
    pub vanishing: &'a [String],
    /// Of [`GuardFigures::retracted`].
    pub retracted: &'a [String],
    /// Of [`GuardFigures::lost_regions`].
    pub lost_regions: &'a [String],
}

/// Most names of a sample.
const MAX_SAMPLES: usize = 3;

/// A plan that goes beyond its limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GuardStop {
    /// What it would take away.
    pub figures: GuardFigures,
    /// Too many orders would vanish.
    pub vanishing: bool,
    /// Too many facts would be retracted.
    pub retracted: bool,
    /// Too many orders would lose a known region.
    #[serde(default)]
    pub lost_regions: bool,
    /// Some of the orders, for each of these that is too much.
    #[serde(default)]
    #[schema(value_type = Vec<Vec<String>>)]
    pub samples: [Vec<String>; 3],
    /// The kind of run: it decides what raises the limits.
    #[schema(value_type = String)]
    pub kind: RunKind,
}

impl GuardFigures {
    /// Whether a run with these figures stops under `limits`.
    pub fn check(
        self,
        limits: &GuardLimits,
        kind: RunKind,
        names: GuardNames<'_>,
    ) -> Option<GuardStop> {
        let vanishing = limits.stops_vanishing(self.vanishing, self.covered);
        let retracted = limits.stops_retracted(self.retracted, self.facts);
        let lost_regions = limits.stops_lost_regions(self.lost_regions, self.covered);
        let sample = |is: bool, names: &[String]| {
            let names = names.iter().filter(|_| is).take(MAX_SAMPLES);
            names.cloned().collect()
        };
        (vanishing || retracted || lost_regions).then(|| GuardStop {
            figures: self,
            vanishing,
            retracted,
            lost_regions,
            samples: [
                sample(vanishing, names.vanishing),
                sample(retracted, names.retracted),
                sample(lost_regions, names.lost_regions),
            ],
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
        if self.lost_regions {
            flags.push(format!("--max-lost-regions {}", self.figures.lost_regions));
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
            lost_regions,
        } = self.figures;
        f.write_str("stopped before the first record: ")?;
        let parts = [
            (
                self.vanishing,
                vanishing,
                covered,
                "covered orders",
                "have facts but no row in the data",
            ),
            (
                self.retracted,
                retracted,
                facts,
                "facts of the other covered orders",
                "would be retracted",
            ),
            (
                self.lost_regions,
                lost_regions,
                covered,
                "covered orders",
                "would lose their known region (ZZ)",
            ),
        ];
        let mut is_first = true;
        for ((stops, part, whole, of, what), names) in parts.into_iter().zip(&self.samples) {
            if !stops {
                continue;
            }
            let between = if std::mem::take(&mut is_first) {
                ""
            } else {
                ", and "
            };
            write!(
                f,
                "{between}{part} of {whole} {of} ({}) {what}",
                Share(part, whole)
            )?;
            if !names.is_empty() {
                write!(f, " (such as {})", names.join(", "))?;
            }
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
            lost_regions: 110,
        };
        let names = ["a1", "a2", "a3", "a4"].map(str::to_owned);
        let names = GuardNames {
            vanishing: &names,
            ..GuardNames::default()
        };
        let check = |limits, kind| figures.check(&limits, kind, names);
        let stop = check(GuardLimits::default(), RunKind::Window).unwrap();
        assert!(stop.vanishing && !stop.retracted && stop.lost_regions);
        assert_eq!(
            stop.to_string(),
            "stopped before the first record: 5467 of 10935 covered orders (49.9 %) have facts but \
             no row in the data (such as a1, a2, a3), and 110 of 10935 covered orders (1.0 %) would \
             lose their known region (ZZ); if that is meant, run again with --max-vanishing 5467 \
             --max-lost-regions 110"
        );
        let raised = GuardLimits {
            max_vanishing: Some("5467".parse().unwrap()),
            max_lost_regions: Some("1.1%".parse().unwrap()),
            ..GuardLimits::default()
        };
        assert_eq!(check(raised, RunKind::Window), None);
        let revert = check(GuardLimits::default(), RunKind::Revert).unwrap();
        assert_eq!(revert.flags(), "--force");
    }
}

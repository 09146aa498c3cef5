//! One number over all facts that a log holds, so that "the same as before" is a comparison.
//!
//! The sum, modulo 2¹²⁸, of a hash of each order with its facts: it does not depend on any order, and
//! what a plan changes is taken out and put in without looking at the rest again.

use eip_contract::OrderKey;
use sha2::{Digest as _, Sha256};

use super::log_facts::{FactsByRank, LogFacts};
use super::plan::{RegionTexts, hash_fact, hash_text};

/// Digests of all facts at a snapshot, and after a plan for the orders in `differing`: 32 hex digits
/// each.
pub(crate) fn before_and_after(
    log: &LogFacts,
    differing: &[(OrderKey, FactsByRank)],
    regions: &mut RegionTexts,
) -> [String; 2] {
    let mut before = 0_u128;
    for (order, facts) in log.iter() {
        before = before.wrapping_add(of_order(&log.order_id(order), facts, regions));
    }
    let mut after = before;
    for (order, facts) in differing {
        let order_id = log.order_id(*order);
        after = after
            .wrapping_sub(of_order(&order_id, &log.of(*order), regions))
            .wrapping_add(of_order(&order_id, facts, regions));
    }
    [before, after].map(|digest| format!("{digest:032x}"))
}

/// An order without facts is none.
fn of_order(order_id: &str, facts: &FactsByRank, regions: &mut RegionTexts) -> u128 {
    if facts.iter().all(Option::is_none) {
        return 0;
    }
    let mut hash = Sha256::new();
    hash_text(&mut hash, order_id);
    for fact in facts {
        hash_fact(&mut hash, *fact, regions);
    }
    let hash = hash.finalize();
    u128::from_be_bytes(hash[..16].try_into().expect("16 of 32 bytes"))
}

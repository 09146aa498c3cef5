use std::convert::Infallible;

use super::*;
use crate::{Dataset, Limits, OrderStatus};

fn generated(orders: u64, seed: u64) -> (tempfile::TempDir, GeneratedSummary, Dataset) {
    let folder = tempfile::tempdir().unwrap();
    let summary = generate(orders, seed, folder.path()).unwrap();
    let data = Dataset::open(folder.path(), &Limits::default()).unwrap();
    (folder, summary, data)
}

fn digests(data: &Dataset) -> Vec<&str> {
    data.files().iter().map(|file| &file.sha256[..16]).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_machine() {
    let (_first, _, first) = generated(1_000, 7);
    let (_again, _, again) = generated(1_000, 7);
    let (_other, _, other) = generated(1_000, 8);
    insta::assert_snapshot!(digests(&first).join("\n"), @r"
8a6f36e94081c497
f304dd0256f8463f
27ed41ecb109064a
63d01e5e602285d4
");
    assert_eq!(digests(&first), digests(&again));
    assert_ne!(digests(&first), digests(&other));
}

#[test]
fn any_size_is_a_clean_data_set_that_names_only_itself() {
    for orders in [0, 1, 2, 30, 2_000] {
        let (folder, summary, data) = generated(orders, orders);
        assert_eq!(data.order_count(), orders);
        assert_eq!(data.reject_count(), 0, "{:?}", data.rejects());
        let rows: Vec<u64> = data.files().iter().map(|file| file.rows).collect();
        assert_eq!(rows, [summary.sellers, orders, orders, summary.items]);
        let files = std::fs::read_dir(folder.path()).unwrap();
        let sizes = files.map(|file| file.unwrap().metadata().unwrap().len());
        assert_eq!(sizes.sum::<u64>(), summary.bytes);
        let Ok(()) = data.for_each_order(|_, row| {
            assert_ne!(row.customer_region, "ZZ");
            assert_eq!(row.seller_region == "ZZ", !row.has_item);
            Ok::<(), Infallible>(())
        });
    }
}

/// Everything that [`crate::Dataset`] shows of the shape, counted.
#[derive(Debug, Default)]
struct Shape {
    by_day: std::collections::BTreeMap<String, u64>,
    without_item: u64,
    carried_before_approved: u64,
    carried_before_purchase: u64,
    delivered_before_carried: u64,
    delivered: u64,
    never_approved: u64,
    delivered_never_approved: u64,
    canceled_but_delivered: u64,
    late: u64,
    ties: u64,
    from_sao_paulo: u64,
    to_sao_paulo: u64,
    unsorted: u64,
    promised_within_a_day: u64,
}

#[test]
fn the_shape_is_that_of_the_real_data() {
    let (_folder, summary, data) = generated(99_441, 1);
    let mut shape = Shape::default();
    let mut last = None;
    let Ok(()) = data.for_each_order(|_, row| {
        let before = |a: Option<_>, b: Option<_>| u64::from(a.is_some() && b.is_some() && a < b);
        *shape
            .by_day
            .entry(row.purchased.day().to_string())
            .or_default() += 1;
        shape.without_item += u64::from(!row.has_item);
        shape.carried_before_approved += before(row.carried, row.approved);
        shape.carried_before_purchase += before(row.carried, Some(row.purchased));
        shape.delivered_before_carried += before(row.delivered, row.carried);
        shape.delivered += u64::from(row.delivered.is_some());
        shape.never_approved += u64::from(row.approved.is_none());
        shape.delivered_never_approved +=
            u64::from(row.approved.is_none() && row.delivered.is_some());
        shape.canceled_but_delivered +=
            u64::from(row.status == OrderStatus::Canceled && row.delivered.is_some());
        shape.late += before(row.estimated, row.delivered);
        shape.ties += u64::from(last == Some(row.purchased));
        shape.unsorted += u64::from(last > Some(row.purchased));
        shape.from_sao_paulo += u64::from(row.seller_region == "SP");
        shape.to_sao_paulo += u64::from(row.customer_region == "SP");
        let midnight = row
            .estimated
            .is_some_and(|time| time.seconds() % 86_400 == 0);
        shape.promised_within_a_day += u64::from(!midnight);
        last = Some(row.purchased);
        Ok::<(), Infallible>(())
    });

    // The ways of orders have their real numbers exactly.
    assert_eq!(summary.sellers, 3_095);
    assert_eq!(shape.without_item, 775);
    assert_eq!(shape.carried_before_approved, 1_359);
    assert_eq!(shape.carried_before_purchase, 166);
    assert_eq!(shape.delivered_before_carried, 23);
    assert_eq!(shape.delivered, 96_476);
    assert_eq!(
        (shape.never_approved, shape.delivered_never_approved),
        (160, 14)
    );
    assert_eq!(shape.canceled_but_delivered, 6);
    assert_eq!((shape.unsorted, shape.promised_within_a_day), (0, 0));
    // Arrivals follow the calendar.
    assert!(shape.by_day.keys().all(|day| !day.starts_with("2016-11")));
    let peak = shape
        .by_day
        .iter()
        .max_by_key(|(_, orders)| **orders)
        .unwrap();
    assert_eq!(peak.0, "2017-11-24");
    assert!((1_170..=1_182).contains(peak.1), "{peak:?}");
    // What is left to chance is near.
    assert!(
        (112_000..113_300).contains(&summary.items),
        "{}",
        summary.items
    );
    assert!((6_500..9_500).contains(&shape.late), "{}", shape.late);
    assert!((450..700).contains(&shape.ties), "{}", shape.ties);
    assert!(
        (40_500..43_000).contains(&shape.to_sao_paulo),
        "{}",
        shape.to_sao_paulo
    );
    assert!(
        (60_000..80_000).contains(&shape.from_sao_paulo),
        "{}",
        shape.from_sao_paulo
    );
}

#[test]
fn smaller_data_has_its_share_of_what_is_rare() {
    let (_folder, _, data) = generated(20_000, 3);
    let (mut without_item, mut early) = (0, 0);
    let Ok(()) = data.for_each_order(|_, row| {
        without_item += u64::from(!row.has_item);
        early += u64::from(row.carried.is_some_and(|carried| carried < row.purchased));
        Ok::<(), Infallible>(())
    });
    assert!((150..162).contains(&without_item), "{without_item}");
    assert!((31..37).contains(&early), "{early}");
}

//! One value of one column changed by hand: `verify` finds each, and `repair` mends just these.

use eip_views::{Column, Kind, ROUTE_STATS_DAILY, SHIPMENT_EVENTS, SHIPMENTS, View};

use crate::support::{Eip, generate, sqlite};

/// What another hand may write into a column, as SQL over it: all of it is other than before.
fn edits(column: &Column) -> Vec<String> {
    let name = column.sql_name();
    let mut edits = match column.kind {
        Kind::Id => Vec::new(),
        Kind::Text => vec!["'XX'".to_owned(), format!("'\"' || {name}")],
        // The second one means nothing.
        Kind::Time => vec![format!("coalesce({name}, 0) + 1"), "-5".to_owned()],
        Kind::Day => vec![format!("date({name}, '+400 years')")],
        Kind::EventType => vec![format!("({name} + 1) % 6"), "99".to_owned()],
        Kind::Boolean => vec![format!("1 - {name}"), "7".to_owned()],
        Kind::Integer => vec![format!("coalesce({name}, 0) + 1")],
    };
    if column.nullable {
        edits.push(format!("CASE WHEN {name} IS NULL THEN 1 END"));
    } else if !matches!(column.kind, Kind::Id) {
        edits.push("NULL".to_owned());
    }
    edits
}

/// A row each for every edit of every column behind the id; gives how many rows that were.
fn edit_documents(eip: &Eip, view: &View) -> usize {
    let columns = view.columns[1..].iter();
    let edits: Vec<(String, String)> = columns
        .flat_map(|column| {
            let edits = edits(column).into_iter();
            edits.map(|edit| (column.sql_name(), edit))
        })
        .collect();
    let statements = edits.iter().enumerate().map(|(row, (column, edit))| {
        format!(
            "UPDATE {0} SET {column} = {edit} WHERE id = (SELECT id FROM {0} ORDER BY id LIMIT 1 \
             OFFSET {row});",
            view.name
        )
    });
    sqlite(eip, &statements.collect::<String>());
    edits.len()
}

/// `verify` finds so many differing rows in these views, and nothing else.
fn assert_found(eip: &Eip, different: &[(&View, usize)]) {
    let verify = eip.run(["verify"]);
    assert_eq!(verify.code, Some(1), "{}{}", verify.out, verify.err);
    let lines = verify.out.lines();
    let found: Vec<&str> = lines
        .filter(|line| line.ends_with("; the first:"))
        .collect();
    let expected: Vec<String> = different
        .iter()
        .map(|(view, rows)| {
            let name = view.name;
            format!("{name}: 0 missing, 0 extra, {rows} different; the first:")
        })
        .collect();
    assert_eq!(found, expected, "{}", verify.out);
}

fn assert_mended(eip: &Eip, documents: usize, rows: usize) {
    let repair = eip.run(["repair", "--workers", "1"]).ok();
    let expected = [
        format!("documents: {documents} written, 0 deleted"),
        format!("rows: {rows} written, 0 deleted"),
    ];
    for line in expected {
        assert!(repair.out.contains(&line), "{line}: {}", repair.out);
    }
    eip.verify();
}

fn embedded() -> Eip {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 73);
    eip.fast(&data).ok();
    eip.digests();
    eip
}

#[test]
fn a_document_edited_in_any_column_is_found_and_mended() {
    let eip = embedded();
    let wanted = eip.stored_digests();
    let events = edit_documents(&eip, &SHIPMENT_EVENTS);
    let shipments = edit_documents(&eip, &SHIPMENTS);
    assert!(events > 15 && shipments > 35, "{events} {shipments}");
    assert_found(&eip, &[(&SHIPMENT_EVENTS, events), (&SHIPMENTS, shipments)]);
    assert_mended(&eip, events + shipments, 0);
    assert_eq!(eip.stored_digests(), wanted);

    // A document that is not a row of its columns at all.
    sqlite(
        &eip,
        "UPDATE shipments SET doc = '{\"a\":1}' WHERE id = (SELECT min(id) FROM shipments)",
    );
    assert_eq!(eip.run(["verify"]).code, Some(1));
    assert_mended(&eip, 1, 0);
}

#[test]
fn a_row_of_statistics_edited_in_any_column_is_found_and_mended() {
    let eip = embedded();
    let wanted = eip.stored_digests();
    let columns = &ROUTE_STATS_DAILY.columns[3..];
    let statements = columns.iter().enumerate().map(|(row, column)| {
        let name = column.sql_name();
        format!(
            "UPDATE route_stats_daily SET {name} = coalesce({name}, 0) + 1
             WHERE (stat_date, seller_region, customer_region) =
                   (SELECT stat_date, seller_region, customer_region FROM route_stats_daily
                    ORDER BY 1, 2, 3 LIMIT 1 OFFSET {row});"
        )
    });
    sqlite(&eip, &statements.collect::<String>());
    assert_found(&eip, &[(&ROUTE_STATS_DAILY, columns.len())]);
    assert_mended(&eip, 0, columns.len());
    // A key that was edited is one row too few and one too many.
    sqlite(
        &eip,
        "UPDATE route_stats_daily SET seller_region = 'XX' WHERE (stat_date, seller_region, customer_region) =
         (SELECT stat_date, seller_region, customer_region FROM route_stats_daily ORDER BY 1, 2, 3 LIMIT 1)",
    );
    let repair = eip.run(["repair"]).ok();
    assert!(
        repair.out.contains("rows: 1 written, 1 deleted"),
        "{}",
        repair.out
    );
    assert_eq!(eip.stored_digests(), wanted);
}

#[test]
fn events_that_look_like_another_orders_are_mended_by_any_number_of_workers() {
    let eip = embedded();
    let wanted = eip.stored_digests();
    for workers in ["2", "5"] {
        sqlite(&eip, "UPDATE shipment_events SET order_id = id");
        eip.run(["repair", "--workers", workers]).ok();
        assert_eq!(eip.stored_digests(), wanted, "{workers} workers");
    }
}

//! What the input of a run was like, as sections of a receipt: rejects with samples, what does not
//! join, where asOf comes from.

use super::html::{Text, count, pair, put, table};
use crate::run::{Grouped, InputReport};

/// Rows of each table, rejects by reason, what does not join.
pub(super) fn sections(page: &mut String, report: &InputReport) {
    for note in &report.notes {
        put(page, format_args!("<p>{}</p>", Text(note)));
    }
    if !report.tables.is_empty() {
        let columns = ["Rows", "Rejected", "Contradicting", "Repeated", "Replaced"];
        table(page, "Rows of the input", &["Table"], &columns);
        for of in &report.tables {
            put(page, format_args!("<tr><td>{}", Text(&of.table)));
            for rows in [
                of.rows,
                of.rejected,
                of.contradicting,
                of.repeated,
                of.replaced,
            ] {
                count(page, Some(rows));
            }
        }
        page.push_str("</table>");
    }
    if !report.rejects.is_empty() {
        table(page, "Rejected rows", &["File", "Reason"], &["Rows"]);
        for of in &report.rejects {
            let (file, reason) = (Text(&of.file), Text(&of.reason));
            put(page, format_args!("<tr><td>{file}<td>{reason}"));
            count(page, Some(of.rows));
            for sample in &of.samples {
                let sample = sample.to_string();
                put(
                    page,
                    format_args!("<tr><td colspan=3><code>{}</code>", Text(&sample)),
                );
            }
        }
        page.push_str("</table>");
    }
    joins(page, report);
    if let Some(row) = &report.as_of_row {
        table(page, "As of is a time of the data", &[], &[]);
        let (field, place) = (&row.field, &row.place);
        pair(page, "Time", &row.time.to_string());
        pair(page, "Order", &row.order_id);
        pair(page, "Column", &format!("{field}, {place}"));
        let usual = format!("{} of {} times", row.usual, Grouped(row.times));
        pair(page, "99.9th percentile", &usual);
        page.push_str("</table>");
    }
}

fn joins(page: &mut String, report: &InputReport) {
    let joins = &report.joins;
    let found = [
        (
            "Orders without a customer",
            joins.orders_without_customer.count,
        ),
        ("Items without a seller", joins.items_without_seller.count),
        ("Items without an order", joins.items_without_order.count),
        ("Orders without an item", joins.orders_without_items),
        (
            "Orders with an unknown region",
            joins.orders_of_unknown_region,
        ),
        ("Customers without an order", joins.customers_without_order),
        ("Sellers without an item", joins.sellers_without_item),
        (
            "Orders rows that may have swallowed others",
            report.swallowing_orders.count,
        ),
        (
            "Items rows that may have swallowed others",
            report.swallowing_items.count,
        ),
    ];
    if found.iter().all(|(_, rows)| *rows == 0) {
        return;
    }
    table(page, "What does not join", &["What"], &["Rows"]);
    for (what, rows) in found {
        if rows > 0 {
            put(page, format_args!("<tr><td>{what}"));
            count(page, Some(rows));
        }
    }
    for unmatched in [
        &joins.orders_without_customer,
        &joins.items_without_seller,
        &joins.items_without_order,
    ] {
        for sample in unmatched
            .samples
            .iter()
            .filter(|sample| sample.alike.is_some())
        {
            let alike = sample.alike.as_deref().unwrap_or_default();
            let pair = format!(
                "{} has {:?}, there is {alike:?}",
                sample.place, sample.value
            );
            put(
                page,
                format_args!("<tr><td colspan=2><code>{}</code>", Text(&pair)),
            );
        }
    }
    page.push_str("</table>");
}

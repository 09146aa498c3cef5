//! What the rows say, as a person reads it.

use std::fmt;

use eip_contract::EventTime;

use crate::check::content::{Content, Shown, TimeRange, Unusual};
use crate::check::text::{counted, grouped};
use crate::joins::Unmatched;

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  {:<12}{:>13}{:>12}{:>12}{:>15}",
            "table", "rows", "rejected", "repeated", "contradicting"
        )?;
        for table in &self.tables {
            writeln!(
                f,
                "  {:<12}{:>13}{:>12}{:>12}{:>15}",
                table.table,
                grouped(table.rows),
                grouped(table.rejected),
                grouped(table.repeated),
                grouped(table.contradicting)
            )?;
        }
        writeln!(f, "  accepted: {}", counted(self.orders, "order"))?;
        if !self.rejects.is_empty() {
            writeln!(f, "\nrejected rows")?;
        }
        for count in &self.rejects {
            let rows = counted(count.rows, "row");
            writeln!(f, "  {rows} of {}: {}", count.file, count.reason)?;
            for sample in &count.samples {
                writeln!(f, "    {sample}")?;
            }
        }
        self.show_joins(f)?;
        if self.orders > 0 {
            self.show_times(f)?;
        }
        if !self.touched.is_empty() {
            writeln!(f, "\norders touched")?;
        }
        for touched in &self.touched {
            writeln!(f, "  {:>11} {}", grouped(touched.orders), touched.problem)?;
        }
        Ok(())
    }
}

impl Content {
    fn show_joins(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joins = &self.joins;
        let unmatched = [
            (
                &joins.orders_without_customer,
                "orders whose customer_id matches no customer",
            ),
            (
                &joins.items_without_seller,
                "items whose seller_id matches no seller",
            ),
            (
                &joins.items_without_order,
                "items whose order_id matches no order",
            ),
        ];
        let unused = [
            (joins.customers_without_order, "customers without an order"),
            (joins.sellers_without_item, "sellers without an item"),
        ];
        let swallowing = [
            (&self.swallowing_orders, "orders"),
            (&self.swallowing_items, "items"),
        ];
        let is_there = unmatched.iter().any(|(of, _)| of.count > 0)
            || unused.iter().any(|(count, _)| *count > 0)
            || swallowing.iter().any(|(rows, _)| rows.count > 0);
        if is_there {
            writeln!(f, "\nwhat does not join")?;
        }
        for (of, what) in unmatched {
            show_unmatched(f, of, what)?;
        }
        for (count, what) in unused.into_iter().filter(|(count, _)| *count > 0) {
            writeln!(f, "  {:>11} {what}", grouped(count))?;
        }
        for (rows, table) in swallowing {
            if let Some(first) = rows.places.first() {
                writeln!(
                    f,
                    "  {:>11} rows of the {table} may have swallowed others, the first at {first}",
                    grouped(rows.count)
                )?;
            }
        }
        Ok(())
    }

    fn show_times(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<31}{:>12}{:>12}  {:<22}{:<22}usual days",
            "times", "filled", "empty", "first", "last"
        )?;
        for range in &self.times {
            let TimeRange {
                column,
                filled,
                empty,
                first,
                last,
                usual,
                ..
            } = range;
            let shown = |time: &Option<Shown<EventTime>>| {
                time.map_or_else(String::new, |time| time.0.to_string())
            };
            let usual =
                usual.map_or_else(String::new, |(from, to)| format!("{} to {}", from.0, to.0));
            let line = format!(
                "  {column:<29}{:>12}{:>12}  {:<22}{:<22}{usual}",
                grouped(*filled),
                grouped(*empty),
                shown(first),
                shown(last)
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        for range in &self.times {
            let what = format!("{} is more than a year outside", range.column);
            show_unusual(f, &range.outliers, &what)?;
        }
        show_unusual(
            f,
            &self.delivered_before_purchase,
            "is delivered before the purchase",
        )
    }
}

fn show_unmatched(f: &mut fmt::Formatter<'_>, of: &Unmatched, what: &str) -> fmt::Result {
    if of.count == 0 {
        return Ok(());
    }
    write!(f, "  {:>11} {what}", grouped(of.count))?;
    if of.alike > 0 {
        write!(f, ", {} by case or blanks alone", grouped(of.alike))?;
    }
    writeln!(f)?;
    for sample in &of.samples {
        write!(f, "{:14}{}: {:?}", "", sample.place, sample.value)?;
        if let Some(alike) = &sample.alike {
            write!(f, ", there is {alike:?}")?;
        }
        writeln!(f)?;
    }
    Ok(())
}

fn show_unusual(f: &mut fmt::Formatter<'_>, of: &Unusual, what: &str) -> fmt::Result {
    for sample in &of.samples {
        write!(f, "  order {} {what}: {}", sample.order_id, sample.time.0)?;
        match &sample.place {
            Some(place) => writeln!(f, " ({place})")?,
            None => writeln!(f)?,
        }
    }
    let more = of.orders - of.samples.len() as u64;
    if more > 0 {
        writeln!(f, "  and {}", counted(more, "more order"))?;
    }
    Ok(())
}

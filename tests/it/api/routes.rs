//! Routes and the overview against plain code.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::plain::{Plain, text};
use super::served::Served;

pub(super) const SUMS: [&str; 10] = [
    "placed",
    "approved",
    "assigned",
    "handed",
    "delayed",
    "delivered",
    "delivered_late",
    "lead_count",
    "lead_seconds_sum",
    "late_seconds_sum",
];

/// Sums of the rows by a key.
pub(super) fn summed<'r>(
    rows: impl IntoIterator<Item = &'r Value>,
    key: impl Fn(&Value) -> String,
) -> BTreeMap<String, Vec<i64>> {
    let mut groups: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in rows {
        let sums = groups
            .entry(key(row))
            .or_insert_with(|| vec![0; SUMS.len()]);
        for (sum, name) in sums.iter_mut().zip(SUMS) {
            *sum += row[name].as_i64().unwrap();
        }
    }
    groups
}

pub(super) fn check_routes(served: &Served, plain: &Plain) {
    let route = |row: &Value| {
        format!(
            "{}-{}",
            text(&row["seller_region"]),
            text(&row["customer_region"])
        )
    };
    let month = |row: &Value| text(row.get("stat_date").unwrap_or(&row["from"]))[..7].to_owned();
    let answer = served.get("/v1/routes/stats?group=route&limit=10000");
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(summed(rows, route), summed(&plain.rows, route));
    assert_eq!(answer["truncated"], false);
    let whole = summed(&plain.rows, |_| String::new());
    assert_eq!(summed([&answer["summary"]], |_| String::new()), whole);
    let answer = served.get("/v1/routes/stats?group=month");
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(summed(rows, month), summed(&plain.rows, month));

    // Weeks begin on Mondays: 2018-01-01 was one.
    let answer = served.get("/v1/routes/stats?group=week&start=2018-01-01&end=2018-01-15");
    let in_week = |row: &&Value| ("2018-01-01".."2018-01-15").contains(&text(&row["stat_date"]));
    let weeks = summed(plain.rows.iter().filter(in_week), |row| {
        let first = text(&row["stat_date"]) < "2018-01-08";
        if first { "2018-01-01" } else { "2018-01-08" }.to_owned()
    });
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(
        summed(rows, |row| text(&row["stat_date"]).to_owned()),
        weeks
    );

    let answer = served.get("/v1/routes/stats?limit=10000&start=2018-03-01&end=2018-03-08");
    let stored: Vec<&Value> = plain
        .rows
        .iter()
        .filter(|row| ("2018-03-01".."2018-03-08").contains(&text(&row["stat_date"])))
        .collect();
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(rows.len(), stored.len());
    for (row, stored) in rows.iter().zip(stored) {
        for (name, value) in stored.as_object().unwrap() {
            assert_eq!(row[name], *value, "{name} of {row}");
        }
    }

    let by_route = summed(&plain.rows, route);
    let answer = served.get("/v1/routes/matrix");
    for cell in answer["cells"].as_array().unwrap() {
        let sums = &by_route[&route(cell)];
        assert_eq!(
            (&cell["placed"], &cell["delivered"]),
            (&json!(sums[0]), &json!(sums[5]))
        );
        let late = (sums[5] > 0).then(|| sums[6] * 10_000 / sums[5]);
        assert_eq!(cell["late_basis_points"], json!(late));
    }
    assert_eq!(answer["cells"].as_array().unwrap().len(), by_route.len());

    let answer = served.get("/v1/routes/worst?min_delivered=50&limit=1000");
    let shown: Vec<String> = answer["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(route)
        .collect();
    let mut worst: Vec<(&String, &Vec<i64>)> =
        by_route.iter().filter(|(_, sums)| sums[5] >= 50).collect();
    worst.sort_by_key(|(name, sums)| {
        let share =
            std::cmp::Reverse(i128::from(sums[6]) * 1_000_000_000_000 / i128::from(sums[5]));
        (share, std::cmp::Reverse(sums[5]), (*name).clone())
    });
    let worst: Vec<String> = worst.into_iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(shown, worst);
    assert_eq!(answer["left_out"], by_route.len() - worst.len());

    let answer = served.get("/v1/routes/sp/Rio%20de%20Janeiro?step=month");
    let of_route = plain.rows.iter().filter(|row| route(row) == "SP-RJ");
    let rows = answer["series"].as_array().unwrap();
    assert_eq!(summed(rows, month), summed(of_route, month));
}

pub(super) fn check_overview(served: &Served, plain: &Plain) {
    let answer = served.get("/v1/overview?days=60");
    assert_eq!(answer["as_of"]["data_now"], *plain.now);
    assert_eq!(answer["shipments"], plain.shipments.len());
    for status in answer["by_status"].as_array().unwrap() {
        let having = plain
            .shipments
            .iter()
            .filter(|s| s["status"] == status["status"]);
        assert_eq!(status["count"], having.count());
    }
    for range in ["range", "range_before"] {
        let range = &answer[range];
        let (start, end) = (text(&range["start"]), text(&range["end"]));
        let within = plain
            .rows
            .iter()
            .filter(|row| (start..end).contains(&text(&row["stat_date"])));
        let sums = summed(within, |_| String::new()).remove("").unwrap();
        assert_eq!(range["placed"], sums[0]);
        assert_eq!(range["delivered"], sums[5]);
        assert_eq!(range["delivered_late"], sums[6]);
    }
}

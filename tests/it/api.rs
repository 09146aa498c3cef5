//! The Ops Search API over the real data, on both backends: every answer is compared with what plain code
//! makes of the exported views, whose digests are the oracle's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::service::Service;
use crate::support::{Eip, expected, generate, http, olist, seeded};

const DAY: i64 = 86_400;
const TIMES: [&str; 6] = [
    "placedAt",
    "approvedAt",
    "warehouseAssignedAt",
    "handedToCarrierAt",
    "delayedAt",
    "deliveredAt",
];

/// `eip api` over a chain, until it is dropped.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start(eip: &Eip) -> Self {
        Self::start_with(eip, &[])
    }

    fn start_with(eip: &Eip, args: &[&str]) -> Self {
        let port_file = eip.path("api.port");
        let _ = fs::remove_file(&port_file);
        let child = eip
            .command(["api", "--listen", "127.0.0.1:0", "--port-file"])
            .arg(&port_file)
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = loop {
            match fs::read_to_string(&port_file) {
                Ok(port) if !port.trim().is_empty() => break port.trim().to_owned(),
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        let port = port.rsplit(':').next().unwrap().to_owned();
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
        }
    }

    fn get(&self, path: &str) -> Value {
        serde_json::from_str(&http("GET", &format!("{}{path}", self.url), "")).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exported views, row by row.
struct Plain {
    shipments: Vec<Value>,
    events: BTreeMap<String, Vec<Value>>,
    rows: Vec<Value>,
    now: String,
}

impl Plain {
    fn read(export: &Path) -> Self {
        let lines = |view: &str| -> Vec<Value> {
            let text = fs::read_to_string(export.join(format!("{view}.ndjson"))).unwrap();
            text.lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        };
        let shipments = lines("shipments");
        let mut events: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut now = String::new();
        for event in lines("shipment_events") {
            now = now.max(text(&event["eventAt"]).to_owned());
            let order_id = text(&event["orderId"]).to_owned();
            events.entry(order_id).or_default().push(event);
        }
        Self {
            shipments,
            events,
            rows: lines("route_stats_daily"),
            now,
        }
    }

    /// Some seconds from data now, as text; texts of times compare as the times do.
    fn after_now(&self, seconds: i64) -> String {
        let now: eip_contract::EventTime = self.now.parse().unwrap();
        eip_contract::EventTime::from_seconds(now.seconds() + seconds)
            .unwrap()
            .to_string()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

type Test = Box<dyn Fn(&Value) -> bool>;

/// A parameter of the list, and what it means.
struct Filter {
    parameter: String,
    meets: Test,
}

fn filter(parameter: impl Into<String>, meets: impl Fn(&Value) -> bool + 'static) -> Filter {
    Filter {
        parameter: parameter.into(),
        meets: Box::new(meets),
    }
}

/// One filter of each kind, its values drawn.
fn filters(plain: &Plain, dice: &mut ChaCha8Rng) -> Vec<Filter> {
    let mut one = || plain.shipments.choose(dice).unwrap().clone();
    let some: [Value; 5] = std::array::from_fn(|_| one());
    let mut filters = Vec::new();
    let statuses = [
        text(&some[0]["status"]).to_owned(),
        text(&some[1]["status"]).to_owned(),
    ];
    filters.push(filter(
        format!("status={}", statuses.join(",").to_lowercase()),
        move |s| statuses.iter().any(|status| s["status"] == **status),
    ));
    let sellers = [
        text(&some[0]["sellerRegion"]).to_owned(),
        text(&some[2]["sellerRegion"]).to_owned(),
    ];
    filters.push(filter(format!("seller_region={}", sellers.join(",")), {
        move |s| sellers.iter().any(|region| s["sellerRegion"] == **region)
    }));
    let customer = text(&some[3]["customerRegion"]).to_owned();
    filters.push(filter(
        format!("customer_region={}", customer.to_lowercase()),
        move |s| s["customerRegion"] == *customer,
    ));
    let route = (
        some[4]["sellerRegion"].clone(),
        some[4]["customerRegion"].clone(),
    );
    filters.push(filter(
        format!("route={}-{}", text(&route.0), text(&route.1)),
        move |s| s["sellerRegion"] == route.0 && s["customerRegion"] == route.1,
    ));
    let delayed = dice.random::<bool>();
    filters.push(filter(format!("delayed={delayed}"), move |s| {
        s["delayed"] == delayed
    }));
    let days = dice.random_range(0..30_i64);
    filters.push(filter(format!("late_at_least={days}d"), move |s| {
        s["lateSeconds"]
            .as_i64()
            .is_some_and(|late| late >= days * DAY)
    }));
    for (name, column) in [
        ("placed", "placedAt"),
        ("approved", "approvedAt"),
        ("assigned", "warehouseAssignedAt"),
        ("handed", "handedToCarrierAt"),
        ("delayed", "delayedAt"),
        ("delivered", "deliveredAt"),
        ("deadline", "estimatedDeliveryAt"),
    ] {
        let mut ends = [0; 2].map(|_| plain.after_now(-dice.random_range(0..700 * DAY)));
        ends.sort();
        let [from, to] = ends;
        if from == to {
            continue;
        }
        let parameter = format!("{name}_from={from}&{name}_to={to}");
        filters.push(filter(parameter, move |s| {
            s[column]
                .as_str()
                .is_some_and(|time| *from <= *time && *time < *to)
        }));
    }
    let hours = dice.random_range(1..2_000_i64);
    let (now, until) = (plain.now.clone(), plain.after_now(hours * 3_600));
    let at_risk = move |s: &Value| {
        let promise = s["estimatedDeliveryAt"].as_str();
        s["deliveredAt"].is_null()
            && s["delayedAt"].is_null()
            && promise.is_some_and(|promise| *now <= *promise && *promise < *until)
    };
    filters.push(filter(
        format!("at_risk=true&at_risk_hours={hours}"),
        at_risk,
    ));
    let days = dice.random_range(1..400_i64);
    let (now, since) = (plain.now.clone(), plain.after_now(-days * DAY));
    let wanted = dice.random::<bool>();
    filters.push(filter(
        format!("stalled={wanted}&stalled_days={days}"),
        move |s| {
            let promise = s["estimatedDeliveryAt"].as_str();
            let overdue =
                s["delayedAt"].is_null() && promise.is_some_and(|promise| *promise < *now);
            let silent = TIMES
                .iter()
                .all(|time| s[*time].as_str().is_none_or(|time| *time < *since));
            (s["deliveredAt"].is_null() && (overdue || silent)) == wanted
        },
    ));
    let prefix = text(&some[1]["orderId"])[..dice.random_range(4..8)].to_owned();
    filters.push(filter(
        format!("q=%20%22{}%22", prefix.to_uppercase()),
        move |s| text(&s["orderId"]).starts_with(&prefix),
    ));
    filters
}

/// What the facets of these shipments are.
fn facets(shipments: &[&Value]) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut facets: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for s in shipments {
        let (seller, customer) = (text(&s["sellerRegion"]), text(&s["customerRegion"]));
        for (facet, value) in [
            ("status", text(&s["status"]).to_owned()),
            ("seller_region", seller.to_owned()),
            ("customer_region", customer.to_owned()),
            ("route", format!("{seller}-{customer}")),
            ("delayed", s["delayed"].to_string()),
        ] {
            *facets
                .entry(facet.to_owned())
                .or_default()
                .entry(value)
                .or_default() += 1;
        }
    }
    facets
}

fn answered_facets(answer: &Value) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut facets: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (facet, values) in answer["facets"].as_object().unwrap() {
        let values = values.as_array().unwrap();
        let counts: Vec<u64> = values
            .iter()
            .map(|v| v["count"].as_u64().unwrap())
            .collect();
        assert!(counts.is_sorted_by(|a, b| a >= b), "{facet}: {counts:?}");
        for value in values {
            let (value, count) = (text(&value["value"]), value["count"].as_u64().unwrap());
            facets
                .entry(facet.clone())
                .or_default()
                .insert(value.to_owned(), count);
        }
    }
    facets
}

fn check_filters(served: &Served, plain: &Plain, chosen: &[&Filter]) {
    let query: Vec<&str> = chosen.iter().map(|one| one.parameter.as_str()).collect();
    let query = query.join("&");
    let meeting: Vec<&Value> = plain
        .shipments
        .iter()
        .filter(|s| chosen.iter().all(|one| (one.meets)(s)))
        .collect();
    let path = format!("/v1/shipments?{query}&limit=200&count=exact&facets=true&sort=order_id");
    let answer = served.get(&path);
    let total = json!({ "value": meeting.len(), "relation": "eq" });
    assert_eq!(answer["total"], total, "{query}");
    assert_eq!(answered_facets(&answer), facets(&meeting), "{query}");
    let first: Vec<&Value> = meeting.iter().take(200).copied().collect();
    let shown: Vec<&Value> = answer["shipments"].as_array().unwrap().iter().collect();
    assert_eq!(shown, first, "{query}");
    assert_eq!(answer["next"].is_null(), meeting.len() <= 200, "{query}");
}

/// Walks all pages of a query in every order.
fn check_walks(served: &Served, plain: &Plain, limit: usize) {
    let query = "customer_region=ES&placed_from=2018-01-01&placed_to=2018-06-01";
    let mut meeting: Vec<&Value> = plain
        .shipments
        .iter()
        .filter(|s| {
            let placed = s["placedAt"].as_str().unwrap_or_default();
            s["customerRegion"] == "ES" && ("2018-01-01"..="2018-06-01").contains(&placed)
        })
        .collect();
    assert!(meeting.len() > 3 * limit, "{}", meeting.len());
    for (name, column) in [
        ("order_id", "orderId"),
        ("placed_at", "placedAt"),
        ("approved_at", "approvedAt"),
        ("warehouse_assigned_at", "warehouseAssignedAt"),
        ("handed_to_carrier_at", "handedToCarrierAt"),
        ("delayed_at", "delayedAt"),
        ("delivered_at", "deliveredAt"),
        ("estimated_delivery_at", "estimatedDeliveryAt"),
        ("lead", "leadTimeSeconds"),
        ("late", "lateSeconds"),
    ] {
        for sign in ["", "-"] {
            meeting.sort_by(|a, b| {
                // One that is not known comes last either way.
                let key = |s: &Value| match &s[column] {
                    Value::Number(number) => Some((number.as_i64().unwrap(), String::new())),
                    Value::String(time) => Some((0, time.clone())),
                    _ => None,
                };
                let (a_key, b_key) = (key(a), key(b));
                let unknown_last = a_key.is_none().cmp(&b_key.is_none());
                let order = if sign == "-" {
                    b_key.cmp(&a_key)
                } else {
                    a_key.cmp(&b_key)
                };
                let by_id = text(&a["orderId"]).cmp(text(&b["orderId"]));
                unknown_last.then(order).then(by_id)
            });
            let mut walked = Vec::new();
            let mut next = String::new();
            loop {
                let path = format!("/v1/shipments?{query}&sort={sign}{name}&limit={limit}{next}");
                let page = served.get(&path);
                assert_eq!(page["moved"], false);
                walked.extend(page["shipments"].as_array().unwrap().iter().cloned());
                match page["next"].as_str() {
                    Some(cursor) => next = format!("&cursor={cursor}"),
                    None => break,
                }
            }
            let ids = |all: Vec<&Value>| -> Vec<String> {
                all.iter().map(|s| text(&s["orderId"]).to_owned()).collect()
            };
            assert_eq!(
                ids(walked.iter().collect()),
                ids(meeting.clone()),
                "{sign}{name}"
            );
        }
    }
}

fn check_shipments(served: &Served, plain: &Plain, dice: &mut ChaCha8Rng, count: usize) {
    for shipment in plain.shipments.sample(dice, count) {
        let order_id = text(&shipment["orderId"]);
        let answer = served.get(&format!("/v1/shipments/{order_id}"));
        assert_eq!(answer["shipment"], *shipment);
        assert_eq!(answer["one_tick"], true);
        let sorted = |events: &[Value]| -> BTreeSet<String> {
            events.iter().map(Value::to_string).collect()
        };
        let events = answer["events"].as_array().unwrap();
        assert_eq!(
            sorted(events),
            sorted(&plain.events[order_id]),
            "{order_id}"
        );
    }
    let asked: Vec<String> = plain
        .shipments
        .sample(dice, 40)
        .map(|s| text(&s["orderId"]).to_owned())
        .chain(["nothing-like-this".to_owned(), "a\u{1}".to_owned()])
        .collect();
    let body = json!({ "ids": asked }).to_string();
    let answer = http(
        "POST",
        &format!("{}/v1/shipments/lookup", served.url),
        &body,
    );
    let answer: Value = serde_json::from_str(&answer).unwrap();
    for (asked, result) in asked.iter().zip(answer["results"].as_array().unwrap()) {
        assert_eq!(result["asked"], **asked);
        match asked.as_str() {
            "nothing-like-this" => assert_eq!(result["outcome"], "not_found"),
            "a\u{1}" => assert_eq!(result["outcome"], "invalid"),
            id => assert_eq!(result["shipment"]["orderId"], *id, "{result}"),
        }
    }
}

const SUMS: [&str; 10] = [
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
fn summed<'r>(
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

fn check_routes(served: &Served, plain: &Plain) {
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

fn check_overview(served: &Served, plain: &Plain) {
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

/// Everything, over a chain that holds the real data.
fn check(eip: &Eip, random: usize) {
    let mut dice = seeded("the API");
    let plain = Plain::read(&eip.path("export"));
    let served = Served::start(eip);
    check_overview(&served, &plain);
    check_routes(&served, &plain);
    check_shipments(&served, &plain, &mut dice, random * 5 / 2);
    check_walks(&served, &plain, 97);
    for one in &filters(&plain, &mut dice) {
        check_filters(&served, &plain, &[one]);
    }
    for _ in 0..random {
        let all = filters(&plain, &mut dice);
        let count = dice.random_range(2..4);
        let chosen: Vec<&Filter> = all.sample(&mut dice, count).collect();
        check_filters(&served, &plain, &chosen);
    }
}

fn repetitions() -> usize {
    if std::env::var_os("EIP_SOAK").is_some() {
        200
    } else {
        20
    }
}

fn filled(eip: &Eip, data: &Path) {
    eip.fast(data).ok();
    let digests = expected(
        "b55d88645fdbad934677bc41905294149b438b01db2bd962e5f4f85d83a3f5e6",
        "6926fd17b2faa259eec8bec465db4931ff06a4294b4e76e942fcad7f6798eb53",
        "52b102a2037460b651aaaa06fdf03cc9a555bf9e99cb04d072a4e8e5d4c2dedc",
    );
    assert_eq!(eip.digests(), digests);
}

#[test]
fn every_answer_over_the_real_data_is_what_the_exported_views_say() {
    let Some(data) = olist() else { return };
    let eip = Eip::new();
    filled(&eip, &data);
    check(&eip, repetitions());
}

#[test]
fn the_same_on_servers() {
    let Some(data) = olist() else { return };
    let eip = Eip::on_servers();
    filled(&eip, &data);
    check(&eip, repetitions());
}

#[test]
fn replays_are_started_watched_and_undone_through_the_api() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 5);
    let ingest = Service::start(&eip, &data);
    let served = Served::start_with(&eip, &["--ingest", &ingest.url]);
    let through = Service::at(&served.url);
    let fast = json!({ "mode": "fast", "dataset": "data" });
    let run = through.run("first", &fast);
    assert_eq!(run["state"], "committed", "{run}");
    let again = through.post("first", &fast);
    assert_eq!(again.body["run"], run["run"], "the key goes along");
    let window = json!({ "mode": "window", "dataset": "data", "rules": "end_of_day",
        "start": "2018-01-01", "end": "2018-02-01", "dry_run": true, "max_retracted": "100%" });
    let rehearsed = through.run("rehearsal", &window);
    assert_eq!(rehearsed["state"], "rehearsed", "{rehearsed}");
    let id = rehearsed["run"].as_str().unwrap();
    for path in [
        "/v1/runs".to_owned(),
        format!("/v1/runs/{id}"),
        format!("/v1/runs/{id}/rehearsal"),
        format!("/v1/runs/{id}/rejects?limit=5"),
        "/v1/coverage".to_owned(),
        "/v1/datasets".to_owned(),
        "/v1/rules".to_owned(),
    ] {
        let (direct, through) = (ingest.get(&path), through.get(&path));
        assert_eq!(
            (direct.status, through.status),
            (200, 200),
            "{path}: {}",
            through.body
        );
        assert_eq!(through.body, direct.body, "{path}");
    }
    // A refusal is Ingest's own.
    let refused = through.post("bad", &json!({ "mode": "none" }));
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(refused.body["type"], "/problems/bad_field");
    ingest.kill();
    let away = through.get("/v1/runs");
    assert_eq!(away.status, 503, "{}", away.body);
    assert!(away.body["detail"].as_str().unwrap().contains("Ingest"));
    drop(served);
    let alone = Served::start(&eip);
    let without = Service::at(&alone.url).get("/v1/runs");
    assert_eq!(without.status, 404, "{}", without.body);
}

#[test]
fn the_command_line_asks_the_same() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 6);
    eip.fast(&data).ok();
    let overview = eip.run(["overview"]).ok();
    assert!(
        overview.out.contains("DELIVERED") && overview.out.contains("at risk"),
        "{}",
        overview.out
    );
    let json = eip
        .run(["shipments", "status=delivered", "limit=3", "--json"])
        .ok();
    let answer: Value = serde_json::from_str(&json.out).unwrap();
    let shipments = answer["shipments"].as_array().unwrap();
    assert_eq!(shipments.len(), 3);
    let id = text(&shipments[0]["orderId"]);
    let one = eip.run(["shipments", id]).ok();
    assert!(
        one.out.contains(id) && one.out.contains("1 of 1;"),
        "{}",
        one.out
    );
    let served = Served::start(&eip);
    for command in [
        &["routes", "worst", "min_delivered=1"][..],
        &["routes", "stats", "group=month"],
    ] {
        let here = eip.run(command).ok();
        let there = eip
            .run(command.iter().copied().chain(["--api", &served.url]))
            .ok();
        assert_eq!(here.out, there.out);
    }
    let refused = eip.run(["shipments", "sort=price"]);
    assert_eq!(refused.code, Some(1), "{}", refused.out);
    assert!(
        refused.err.contains("sort must be one of"),
        "{}",
        refused.err
    );
}

//! `GET /v1/shipments?changed_since_tick=N`.

use serde_json::{Value, json};

use crate::support::{Answer, Api, Stored};

/// Shipments written at ticks 1010 to 1030 and 1701, one that was deleted at 1020, one that came back.
async fn with_changes(test: impl AsyncFn(Api)) {
    Api::on_both(async |api| {
        for (order_id, tick) in [
            ("a", 1010),
            ("b", 1010),
            ("c", 1011),
            ("d", 1012),
            ("e", 1013),
        ] {
            api.delivered_order_at(order_id, tick).await;
        }
        api.delete_at("c", 1020).await;
        api.delete_at("d", 1020).await;
        api.delivered_order_at("d", 1030).await;
        api.delivered_order_at("late", 1701).await;
        api.execute("UPDATE progress SET changes_from = 1010").await;
        api.make_visible(1700).await;
        test(api).await;
    })
    .await;
}

/// Tick, id and whether it is there, of each change.
fn changes(answer: &Answer) -> Vec<(u64, String, bool)> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let json = answer.json();
    let changes = json["changes"].as_array().unwrap().iter();
    changes
        .map(|change| {
            let id = change["order_id"].as_str().unwrap().to_owned();
            let is_there = change["deleted"] == false;
            if is_there {
                assert_eq!(change["shipment"]["orderId"], id.as_str());
            } else {
                assert_eq!(change["shipment"], Value::Null);
            }
            (change["tick"].as_u64().unwrap(), id, is_there)
        })
        .collect()
}

fn listed(expected: &[(u64, &str, bool)]) -> Vec<(u64, String, bool)> {
    let owned = expected.iter();
    owned
        .map(|&(tick, id, is_there)| (tick, id.to_owned(), is_there))
        .collect()
}

#[tokio::test]
async fn what_is_written_and_deleted_comes_in_order_up_to_the_visible_tick() {
    with_changes(async |api| {
        let all = [
            (1010, "a", true),
            (1010, "b", true),
            (1013, "e", true),
            (1020, "c", false),
            (1030, "d", true),
        ];
        let answer = api.get("/v1/shipments?changed_since_tick=0").await;
        let found: Vec<_> = changes(&answer);
        // Where the two stores do not know of one another, what came back comes twice.
        let once = found
            .iter()
            .filter(|change| (change.0, &*change.1) != (1020, "d"));
        assert_eq!(once.cloned().collect::<Vec<_>>(), listed(&all));
        assert_eq!(answer.json()["upto_tick"], 1700);
        assert_eq!(answer.json()["next"], Value::Null);
        let answer = api.get("/v1/shipments?changed_since_tick=1020").await;
        assert_eq!(changes(&answer), listed(&all[4..]));
        let answer = api.get("/v1/shipments?changed_since_tick=1700").await;
        assert_eq!(changes(&answer), []);

        // Page by page it is the same, also while the views move on.
        let mut walked = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/shipments?changed_since_tick=0&limit=1{cursor}");
            let page = api.get(&path).await;
            walked.extend(changes(&page));
            assert_eq!(page.json()["upto_tick"], 1700);
            if walked.len() == 1 {
                api.set_progress(2, 1702, &[6, 0]).await;
                api.execute("UPDATE progress SET changes_from = 1010").await;
                api.make_visible(1702).await;
            }
            match page.json()["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(walked, found);
        let answer = api.get("/v1/shipments?changed_since_tick=1700").await;
        assert_eq!(changes(&answer), listed(&[(1701, "late", true)]));
        assert_eq!(answer.json()["upto_tick"], 1702);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_known_any_more_is_a_reset() {
    with_changes(async |api| {
        for tick in [1, 1009, 1701, 4_000_000_000_000_u64] {
            let answer = api
                .get(&format!("/v1/shipments?changed_since_tick={tick}"))
                .await;
            assert_eq!(answer.status, 410, "{tick}: {}", answer.text);
            assert!(answer.problem().contains("changed_since_tick=0"));
            assert_eq!(answer.json()["reset"], true);
        }
        api.execute("UPDATE progress SET changes_from = NULL").await;
        for tick in [0, 1010] {
            let answer = api
                .get(&format!("/v1/shipments?changed_since_tick={tick}"))
                .await;
            assert_eq!(answer.status, 503, "{tick}: {}", answer.text);
            assert_eq!(answer.json()["reset"], Value::Null);
        }
    })
    .await;
}

#[tokio::test]
async fn other_parameters_and_foreign_cursors_are_refused() {
    with_changes(async |api| {
        let page = api.get("/v1/shipments?changed_since_tick=0&limit=2").await;
        let cursor = page.json()["next"].as_str().unwrap().to_owned();
        for (query, field) in [
            ("changed_since_tick=", "changed_since_tick"),
            ("changed_since_tick=-1", "changed_since_tick"),
            ("changed_since_tick=4398046511104", "changed_since_tick"),
            ("changed_since_tick=0&at_risk=true", "changed_since_tick"),
            ("changed_since_tick=0&stalled=false", "changed_since_tick"),
            ("changed_since_tick=0&quiet=true", "changed_since_tick"),
            ("changed_since_tick=0&status=LOST", "status"),
            ("changed_since_tick=0&sort=lead", "changed_since_tick"),
            ("changed_since_tick=0&facets=true", "changed_since_tick"),
            ("changed_since_tick=0&limit=201", "limit"),
            ("changed_since_tick=0&cursor=abc", "cursor"),
            (
                &format!("changed_since_tick=1010&cursor={cursor}"),
                "cursor",
            ),
            (
                &format!("changed_since_tick=0&status=DELIVERED&cursor={cursor}"),
                "cursor",
            ),
            (&format!("cursor={cursor}"), "cursor"),
        ] {
            let answer = api.get(&format!("/v1/shipments?{query}")).await;
            assert_eq!(answer.status, 400, "{query}: {}", answer.text);
            assert_eq!(answer.json()["field"], json!(field), "{query}");
        }
    })
    .await;
}

/// Ids by whether they are said to meet the filter.
fn by_match(answer: &Answer) -> [Vec<String>; 2] {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut ids = [Vec::new(), Vec::new()];
    for change in answer.json()["changes"].as_array().unwrap() {
        let matches = change["matches"].as_bool().unwrap();
        assert_eq!(change["shipment"].is_object(), matches, "{change}");
        assert!(!(matches && change["deleted"] == true), "{change}");
        ids[usize::from(matches)].push(change["order_id"].as_str().unwrap().to_owned());
    }
    ids
}

#[tokio::test]
async fn with_a_filter_what_has_left_it_is_named() {
    Api::on_both(async |api| {
        api.delivered_order_at("leaves", 1010).await;
        api.delivered_order_at("stays", 1010).await;
        api.make_visible(1700).await;
        let path =
            "/v1/shipments?changed_since_tick=0&status=DELIVERED&delayed=false&late_at_least=0";
        assert_eq!(by_match(&api.get(path).await)[1], ["leaves", "stays"]);
        // It has lost its delivery.
        api.undelivered_order_at("leaves", 1701).await;
        api.undelivered_order_at("never", 1701).await;
        api.delete_at("stays", 1702).await;
        api.set_progress(2, 1702, &[6, 0]).await;
        api.make_visible(1702).await;
        let since = path.replace("tick=0", "tick=1700");
        let [left, there] = by_match(&api.get(&since).await);
        assert_eq!(left, ["leaves", "never", "stays"]);
        assert!(there.is_empty(), "{there:?}");
        // Filters of every kind agree with the search of the same filter.
        api.delivered_order_at("again", 1702).await;
        for filter in [
            "q=agai",
            "order_id=leaves",
            "seller_region=SP,ZZ",
            "route=SP-RJ",
            "delayed=true",
            "placed_from=2018-03-01&placed_to=2018-03-02",
            "delivered_from=2018-03-06",
            "late_at_least=1",
            "deadline_to=2030-01-01",
        ] {
            let path = format!("/v1/shipments?changed_since_tick=0&{filter}");
            let [_, mut matching] = by_match(&api.get(&path).await);
            matching.sort();
            let found = api
                .get(&format!("/v1/shipments?sort=order_id&{filter}"))
                .await;
            let found = found.json();
            let found = found["shipments"].as_array().unwrap().iter();
            let found: Vec<_> = found.map(|shipment| &shipment["orderId"]).collect();
            assert_eq!(json!(matching), json!(found), "{filter}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_entry_of_a_shipment_that_is_there_is_no_deletion() {
    with_changes(async |api| {
        if let Stored::Servers(servers) = &api.stored {
            servers.leave_entry("a", 1040).await;
            let answer = api.get("/v1/shipments?changed_since_tick=1030").await;
            assert_eq!(changes(&answer), listed(&[(1040, "a", true)]));
        }
    })
    .await;
}

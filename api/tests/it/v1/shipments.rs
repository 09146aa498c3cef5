//! `GET /v1/shipments` and what stands on its filter.

use serde_json::{Value, json};

use crate::support::{Answer, Api};

async fn with_orders(test: impl AsyncFn(Api)) {
    Api::on_both(async |api| {
        for order_id in ["a-1", "a-2", "a-3", "=cmd", "b\"<b>"] {
            api.delivered_order(order_id).await;
        }
        api.make_visible(1700).await;
        test(api).await;
    })
    .await;
}

fn ids(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let shipments = json["shipments"].as_array().unwrap().iter();
    shipments
        .map(|shipment| shipment["orderId"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_is_no_parameter_or_value_is_named() {
    with_orders(async |api| {
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("sort=price", "sort"),
            ("sort=", "sort"),
            ("count=all", "count"),
            ("facets=yes", "facets"),
            ("status=LOST", "status"),
            ("delayed=1", "delayed"),
            ("route=SP", "route"),
            ("late_at_least=-1", "late_at_least"),
            ("placed_from=2018-3-1", "placed_from"),
            ("placed_from=2018-03-02&placed_to=2018-03-01", "placed_to"),
            ("at_risk_hours=0", "at_risk_hours"),
            ("seller_region=12345678901234567", "seller_region"),
            ("q=", "q"),
            ("q=%00", "q"),
            ("min_tick=now", "min_tick"),
            ("cursor=abc", "cursor"),
        ] {
            let answer = api.get(&format!("/v1/shipments?{query}")).await;
            assert_eq!(answer.status, 400, "{query}: {}", answer.text);
            assert!(answer.problem().contains(field), "{query}: {}", answer.text);
            assert_eq!(answer.json()["field"], field, "{query}");
        }
        for query in ["order=1", "limit=1&limit=2", "%FF=1"] {
            let answer = api.get(&format!("/v1/shipments?{query}")).await;
            assert_eq!(answer.status, 400, "{query}: {}", answer.text);
        }
    })
    .await;
}

#[tokio::test]
async fn a_cursor_is_bound_to_its_query_and_says_when_the_views_moved() {
    with_orders(async |api| {
        let page = api.get("/v1/shipments?sort=order_id&limit=2").await;
        assert_eq!(ids(&page), ["=cmd", "a-1"]);
        let cursor = page.json()["next"].as_str().unwrap().to_owned();
        let next = api
            .get(&format!(
                "/v1/shipments?sort=order_id&limit=2&cursor={cursor}"
            ))
            .await;
        assert_eq!(ids(&next), ["a-2", "a-3"]);
        assert_eq!(next.json()["moved"], false);
        for other in ["sort=-order_id", "sort=order_id&q=a-1x", "sort=placed_at"] {
            let answer = api
                .get(&format!("/v1/shipments?{other}&cursor={cursor}"))
                .await;
            assert_eq!(answer.status, 400, "{other}: {}", answer.text);
            assert!(
                answer.problem().contains("another query"),
                "{}",
                answer.text
            );
        }
        api.set_progress(2, 1701, &[6, 0]).await;
        api.make_visible(1701).await;
        let moved = api
            .get(&format!(
                "/v1/shipments?sort=order_id&limit=2&cursor={cursor}"
            ))
            .await;
        assert_eq!(
            (ids(&moved).len(), &moved.json()["moved"]),
            (2, &json!(true))
        );
    })
    .await;
    let (one, other) = (Api::on_servers(), Api::on_servers());
    for api in [&one, &other] {
        api.make_tables().await;
        api.set_progress(2, 1700, &[5, 0]).await;
        api.delivered_order("a-1").await;
        api.delivered_order("a-2").await;
        api.make_visible(1700).await;
    }
    let page = one.get("/v1/shipments?limit=1").await;
    let cursor = page.json()["next"].as_str().unwrap().to_owned();
    let answer = other
        .get(&format!("/v1/shipments?limit=1&cursor={cursor}"))
        .await;
    assert_eq!(answer.status, 400, "a cursor of another space");
}

#[tokio::test]
async fn an_export_has_every_shipment_once_and_no_formula() {
    with_orders(async |api| {
        let csv = api.get("/v1/shipments/export?bom=true").await;
        assert_eq!(csv.status, 200, "{}", csv.text);
        assert_eq!(csv.header("x-total-count"), "5");
        assert_eq!(csv.content_type, "text/csv; charset=utf-8");
        let lines: Vec<&str> = csv.text.lines().collect();
        assert!(
            lines[0].starts_with("\u{feff}orderId,sellerRegion,"),
            "{}",
            lines[0]
        );
        assert_eq!(lines.len(), 6);
        assert!(lines[1].starts_with("\"'=cmd\",SP,RJ,,DELIVERED,2018-03-01T10:00:00Z"));
        assert!(lines[5].starts_with("\"b\"\"<b>\",SP,RJ,"), "{}", lines[5]);

        let ndjson = api.get("/v1/shipments/export?format=ndjson&q=a-1").await;
        assert_eq!(ndjson.header("x-total-count"), "1");
        let line: Value = serde_json::from_str(&ndjson.text).unwrap();
        let shown = api.get("/v1/shipments/a-1").await;
        assert_eq!(line, shown.json()["shipment"]);
        for bad in ["format=xls", "bom=1", "limit=5"] {
            let answer = api.get(&format!("/v1/shipments/export?{bad}")).await;
            assert_eq!(answer.status, 400, "{bad}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_tick_is_waited_for_and_one_that_never_comes_is_said() {
    with_orders(async |api| {
        assert_eq!(api.get("/v1/shipments?min_tick=1700").await.status, 200);
        let waiting = api.get("/v1/overview?min_tick=1702");
        let tick_comes = async {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            api.set_progress(2, 1702, &[6, 0]).await;
            api.make_visible(1702).await;
        };
        let (answer, ()) = tokio::join!(waiting, tick_comes);
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["as_of"]["search_tick"], 1702);
        let never = api.get("/v1/routes/worst?min_tick=9999").await;
        assert_eq!(never.status, 503);
        assert!(never.problem().contains("9999"), "{}", never.text);
    })
    .await;
}

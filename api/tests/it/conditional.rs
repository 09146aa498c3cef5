//! `ETag` and `If-None-Match`: who has an answer already gets none.

use axum::body::Body;
use axum::http::{Method, Request};
use std::time::Duration;

use crate::support::{Answer, Api, send};

async fn with_views(test: impl AsyncFn(Api)) {
    Api::on_both(async |api| {
        api.delivered_order("o-1").await;
        api.row("2018-03-01", "SP", "RJ", 3, 1).await;
        api.make_visible(1700).await;
        test(api).await;
    })
    .await;
}

async fn ask(api: &Api, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.send(request.body(Body::empty()).unwrap()).await
}

const PATHS: [&str; 7] = [
    "/v1/overview",
    "/v1/shipments?facets=true",
    "/v1/shipments/o-1",
    "/v1/routes/stats",
    "/v1/routes/worst?min_delivered=1",
    "/v1/routes/matrix",
    "/v1/routes/SP/RJ",
];

#[tokio::test]
async fn an_answer_that_the_caller_has_is_not_given_again_until_the_views_move() {
    with_views(async |api| {
        let mut tags = Vec::new();
        for path in PATHS {
            let first = api.get(path).await;
            assert_eq!(first.status, 200, "{path}: {}", first.text);
            assert_eq!(first.header("cache-control"), "private, no-cache");
            let tag = first.header("etag").to_owned();
            assert!(
                tag.starts_with("W/\"") && tag.ends_with('"'),
                "{path}: {tag}"
            );
            for method in [Method::GET, Method::HEAD] {
                let has = [("if-none-match", &*tag)];
                let unchanged = ask(&api, method.clone(), path, &has).await;
                assert_eq!(unchanged.status, 304, "{method} {path}");
                assert_eq!((unchanged.header("etag"), &*unchanged.text), (&*tag, ""));
                let head = ask(&api, method, path, &[("if-none-match", "\"x\"")]).await;
                assert_eq!((head.status.as_u16(), head.header("etag")), (200, &*tag));
            }
            let any = ask(&api, Method::GET, path, &[("if-none-match", "*")]).await;
            assert_eq!(any.status, 304, "{path}");
            tags.push(tag);
        }
        let mut apart = tags.clone();
        apart.sort();
        apart.dedup();
        assert_eq!(apart.len(), tags.len(), "another question has another tag");
        api.set_progress(2, 1701, &[6, 0]).await;
        for (path, tag) in PATHS.into_iter().zip(tags) {
            let changed = ask(&api, Method::GET, path, &[("if-none-match", &*tag)]).await;
            assert_eq!(changed.status, 200, "{path}");
            assert_eq!(changed.json()["as_of"]["stats_tick"], 1701);
            assert_ne!(changed.header("etag"), tag, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn two_spellings_of_a_question_are_one() {
    with_views(async |api| {
        for spellings in [
            &["/v1/shipments", "/v1/shipments?sort=-placed_at", "/v1/shipments?limit=50&facets=false"][..],
            &[
                "/v1/shipments?status=delivered,ORDER_PLACED&seller_region=SP,RJ",
                "/v1/shipments?seller_region=rio%20de%20janeiro,S%C3%A3o%20Paulo&status=ORDER_PLACED,DELIVERED,delivered",
            ],
            &["/v1/shipments?q=%20%22abcd%22", "/v1/shipments?q=abcd&at_risk_hours=5"],
            &["/v1/shipments?late_at_least=2d", "/v1/shipments?late_at_least=172800"],
            &["/v1/shipments?placed_from=2018-03-01", "/v1/shipments?placed_from=2018-03-01T00:00:00Z"],
            &["/v1/shipments?at_risk=true", "/v1/shipments?at_risk_hours=48&at_risk=true"],
            &["/v1/routes/stats", "/v1/routes/stats?limit=1000&group=day,route", "/v1/routes/stats?group=route,day"],
            &["/v1/routes/stats?seller_region=SP", "/v1/routes/stats?seller_region=sao%20paulo,sp"],
            &["/v1/routes/worst", "/v1/routes/worst?min_delivered=30&limit=20"],
            &["/v1/routes/SP/RJ", "/v1/routes/sp/Rio%20de%20Janeiro?step=day"],
            &["/v1/overview", "/v1/overview?days=30&stalled_days=14&quiet_days=14&min_tick=1"],
            &["/v1/overview?start=2018-01-01&end=2018-02-01", "/v1/overview?end=2018-02-01&start=2018-01-01&days=7"],
        ] {
            let tag = api.get(spellings[0]).await.header("etag").to_owned();
            for other in &spellings[1..] {
                assert_eq!(api.get(other).await.header("etag"), tag, "{other}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn in_between_two_looks_neither_a_304_nor_a_kept_answer_asks_a_store() {
    with_views(async |api| {
        let api = api.with(|config| config.fresh = Duration::from_hours(1));
        let tag = api.get("/v1/shipments/o-1").await.header("etag").to_owned();
        api.execute("ALTER TABLE progress RENAME TO no_progress")
            .await;
        let has = [("if-none-match", &*tag)];
        let unchanged = ask(&api, Method::GET, "/v1/shipments/o-1", &has).await;
        assert_eq!(unchanged.status, 304, "{}", unchanged.text);
        let kept = api.get("/v1/shipments/o-1").await;
        assert_eq!((kept.status.as_u16(), kept.header("etag")), (200, &*tag));
        for wants_more in [
            ask(
                &api,
                Method::GET,
                "/v1/shipments/o-1",
                &[("cache-control", "no-cache")],
            )
            .await,
            api.get("/v1/shipments/o-1?min_tick=1701").await,
            api.get("/v1/routes/stats").await,
        ] {
            assert_eq!(wants_more.status, 503, "{}", wants_more.text);
        }
    })
    .await;
}

#[tokio::test]
async fn a_tick_that_was_not_seen_yet_is_looked_for() {
    with_views(async |api| {
        let api = api.with(|config| config.fresh = Duration::from_hours(1));
        assert_eq!(
            api.get("/v1/routes/stats").await.json()["as_of"]["stats_tick"],
            1700
        );
        api.execute("UPDATE route_stats_daily SET placed = 8").await;
        api.set_progress(2, 1701, &[6, 0]).await;
        api.make_visible(1701).await;
        let seen = api.get("/v1/routes/stats?min_tick=1701").await.json();
        assert_eq!(
            (&seen["as_of"]["stats_tick"], &seen["summary"]["placed"]),
            (&1701.into(), &8.into())
        );
        // From then on for everybody.
        assert_eq!(
            api.get("/v1/routes/stats").await.json()["as_of"]["stats_tick"],
            1701
        );
    })
    .await;
}

#[tokio::test]
async fn what_changes_nothing_but_is_no_get_has_no_tag() {
    with_views(async |api| {
        let lookup = || {
            let request = Request::post("/v1/shipments/lookup");
            let request = request.header("content-type", "application/json");
            request
                .header("if-none-match", "*")
                .body(Body::from("{\"ids\":[\"o-1\"]}"))
                .unwrap()
        };
        for router in [api.router(), api.another(|_| ())] {
            let answer = send(router, lookup()).await;
            assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, ""));
        }
        let missing = ask(
            &api,
            Method::GET,
            "/v1/shipments/o-2",
            &[("if-none-match", "*")],
        )
        .await;
        assert_eq!(missing.status, 404);
        assert_eq!(missing.header("etag"), "");
    })
    .await;
}

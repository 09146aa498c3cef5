//! `GET /v1/routes/stats`

use serde_json::json;

use crate::support::Api;

async fn with_rows(test: impl AsyncFn(Api)) {
    Api::on_both(async |api| {
        api.row("2018-02-28", "SP", "RJ", 10, 1).await;
        api.row("2018-03-01", "SP", "RJ", 3, 1).await;
        api.row("2018-03-01", "SP", "SP", 4, 0).await;
        api.row("2018-03-02", "AC", "RJ", 0, 0).await;
        api.row("2018-04-01", "SP", "RJ", 5, 5).await;
        test(api).await;
    })
    .await;
}

#[tokio::test]
async fn a_range_of_days_is_half_open() {
    with_rows(async |api| {
        let answer = api
            .get("/v1/routes/stats?start=2018-03-01&end=2018-04-01")
            .await;
        assert_eq!(answer.status, 200);
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.content().replace(":[{", ":[\n{").replace("},{", "},\n{"), @r#"
        {"start":"2018-03-01","end":"2018-04-01","summary":{"rows":3,"placed":21,"approved":18,"assigned":15,"handed":12,"delayed":9,"delivered":7,"delivered_late":1,"lead_count":7,"lead_seconds_sum":707,"late_seconds_sum":50,"lead_seconds_p50":null,"lead_seconds_p90":null,"lead_seconds_p99":null,"on_time_basis_points":8571,"lead_seconds_average":101},"rows":[
        {"stat_date":"2018-03-01","seller_region":"SP","customer_region":"RJ","rows":1,"placed":7,"approved":6,"assigned":5,"handed":4,"delayed":3,"delivered":3,"delivered_late":1,"lead_count":3,"lead_seconds_sum":303,"late_seconds_sum":50,"lead_seconds_p50":100,"lead_seconds_p90":100,"lead_seconds_p99":100,"on_time_basis_points":6666,"lead_seconds_average":101},
        {"stat_date":"2018-03-01","seller_region":"SP","customer_region":"SP","rows":1,"placed":7,"approved":6,"assigned":5,"handed":4,"delayed":3,"delivered":4,"delivered_late":0,"lead_count":4,"lead_seconds_sum":404,"late_seconds_sum":0,"lead_seconds_p50":100,"lead_seconds_p90":100,"lead_seconds_p99":100,"on_time_basis_points":10000,"lead_seconds_average":101},
        {"stat_date":"2018-03-02","seller_region":"AC","customer_region":"RJ","rows":1,"placed":7,"approved":6,"assigned":5,"handed":4,"delayed":3,"delivered":0,"delivered_late":0,"lead_count":0,"lead_seconds_sum":0,"late_seconds_sum":0,"lead_seconds_p50":null,"lead_seconds_p90":null,"lead_seconds_p99":null,"on_time_basis_points":null,"lead_seconds_average":null}],"truncated":false}
        "#);
        }
    })
    .await;
}

#[tokio::test]
async fn rates_are_basis_points_and_null_without_a_delivery() {
    with_rows(async |api| {
        let rates = async |query: &str| {
            let json = api.get(&format!("/v1/routes/stats?{query}")).await.json();
            let summary = &json["summary"];
            let row = &json["rows"][0];
            assert_eq!(row["on_time_basis_points"], summary["on_time_basis_points"]);
            assert_eq!(row["lead_seconds_average"], summary["lead_seconds_average"]);
            summary["on_time_basis_points"].clone()
        };
        assert_eq!(
            rates("start=2018-03-01&end=2018-03-02&customer_region=RJ").await,
            json!(6666)
        );
        assert_eq!(rates("seller_region=AC").await, json!(null));
        assert_eq!(rates("start=2018-04-01").await, json!(0));
    })
    .await;
}

#[tokio::test]
async fn regions_filter_and_the_summary_is_over_all_that_match() {
    with_rows(async |api| {
        let json = api
            .get("/v1/routes/stats?seller_region=SP&customer_region=RJ&limit=2")
            .await
            .json();
        assert_eq!(json["rows"].as_array().unwrap().len(), 2);
        assert_eq!(json["truncated"], true);
        assert_eq!(
            (&json["summary"]["rows"], &json["summary"]["delivered"]),
            (&json!(3), &json!(18))
        );
        let json = api.get("/v1/routes/stats?limit=5").await.json();
        assert_eq!(
            (json["rows"].as_array().unwrap().len(), &json["truncated"]),
            (5, &json!(false))
        );
        let none = api.get("/v1/routes/stats?seller_region=ZZ").await.json();
        assert_eq!(
            (&none["rows"], &none["summary"]["delivered"]),
            (&json!([]), &json!(0))
        );
        let empty = api.get("/v1/routes/stats?seller_region=").await.json();
        assert_eq!(empty["rows"], json!([]), "an empty region is a region");
    })
    .await;
}

#[tokio::test]
async fn a_bad_parameter_is_named_with_the_form_it_must_have() {
    with_rows(async |api| {
        let bad = async |query: &str| {
            let answer = api.get(&format!("/v1/routes/stats?{query}")).await;
            assert_eq!(answer.status, 400, "{query}");
            let detail = answer.problem();
            (
                answer.json()["field"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                detail,
            )
        };
        for (query, field) in [
            ("start=2018-3-1", "start"),
            ("start=2018-02-30", "start"),
            ("end=2500-01-01", "end"),
            ("start=", "start"),
        ] {
            let (named, detail) = bad(query).await;
            assert_eq!(named, field);
            assert!(
                detail.contains(field) && detail.contains("YYYY-MM-DD"),
                "{detail}"
            );
        }
        assert_eq!(bad("start=2018-03-02&end=2018-03-02").await.0, "end");
        for limit in ["0", "10001", "-1", "many"] {
            assert_eq!(bad(&format!("limit={limit}")).await.0, "limit");
        }
        assert_eq!(
            bad("seller_region=12345678901234567").await.0,
            "seller_region"
        );
        assert_eq!(bad("customer_region=%0A").await.0, "customer_region");
        assert!(bad("begin=2018-01-01").await.1.contains("begin"));
        assert!(
            bad("start=2018-01-01&start=2018-01-02")
                .await
                .1
                .contains("start")
        );
    })
    .await;
}

#[tokio::test]
async fn a_cell_of_the_matrix_has_counts_and_a_median_where_it_is_exact() {
    with_rows(async |api| {
        let answer = api.get("/v1/routes/matrix?end=2018-04-02").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let cells = answer.json()["cells"].clone();
        let route = |seller: &str, customer: &str| {
            let mut cells = cells.as_array().unwrap().iter();
            let cell = cells.find(|cell| {
                cell["seller_region"] == seller && cell["customer_region"] == customer
            });
            let names = [
                "delivered",
                "delivered_late",
                "late_basis_points",
                "lead_seconds_p50",
            ];
            json!(names.map(|name| cell.unwrap()[name].clone()))
        };
        assert_eq!(route("SP", "RJ"), json!([18, 7, 3888, null]));
        assert_eq!(route("SP", "SP"), json!([4, 0, 0, 100]));
        assert_eq!(route("AC", "RJ"), json!([0, 0, null, null]));
    })
    .await;
}

//! `GET /metrics`

use crate::support::Api;

#[tokio::test]
async fn requests_and_the_cache_are_counted() {
    Api::on_both(async |api| {
        for _ in 0..3 {
            assert_eq!(api.get("/v1/routes/stats").await.status, 200);
        }
        assert_eq!(api.get("/v1/routes/stats?limit=0").await.status, 400);
        let metrics = api.get("/metrics").await;
        assert!(metrics.content_type.starts_with("text/plain"));
        for line in [
            "eip_api_requests_total{route=\"/v1/routes/stats\",method=\"GET\",status=\"200\"} 3",
            "eip_api_requests_total{route=\"/v1/routes/stats\",method=\"GET\",status=\"400\"} 1",
            "eip_api_request_seconds_count{route=\"/v1/routes/stats\"} 4",
            "eip_api_cache_hits_total 2",
            "eip_api_cache_misses_total 1",
            "eip_api_cache_failures_total 0",
        ] {
            assert!(
                metrics.text.lines().any(|one| one == line),
                "{}",
                metrics.text
            );
        }
    })
    .await;
}

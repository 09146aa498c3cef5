//! Web pages that a browser on the same machine shows, while there are no tokens.

use axum::body::Body;
use axum::http::Request;

use crate::support::Api;

#[tokio::test]
async fn a_page_under_a_name_of_its_own_reads_nothing_and_one_of_another_origin_writes_nothing() {
    let api = Api::embedded();
    api.make_tables().await;
    api.set_progress(2, 1700, &[5, 0]).await;
    let send = async |method: &str, path: &str, host: &str, origin: Option<&str>| {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", host)
            .header("content-type", "application/json");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let body = Body::from("{\"ids\":[]}");
        api.send(request.body(body).unwrap()).await
    };
    for path in ["/v1/overview", "/metrics", "/livez", "/nothing"] {
        let answer = send("GET", path, "rebound.example:8081", None).await;
        assert_eq!(answer.status, 421, "{path}: {}", answer.text);
        assert_eq!(answer.code(), "other_host");
    }
    let lookup = "/v1/shipments/lookup";
    let host = "127.0.0.1:8081";
    for origin in ["null", "http://page.example", "http://127.0.0.1:1"] {
        for path in [lookup, "/v1/runs", "/v1/session"] {
            let answer = send("POST", path, host, Some(origin)).await;
            assert_eq!(answer.status, 403, "{origin}: {}", answer.text);
            assert_eq!(answer.code(), "other_origin");
        }
        let read = send("GET", "/v1/overview", host, Some(origin)).await;
        assert_eq!(read.status, 200, "{}", read.text);
        assert_eq!(read.header("access-control-allow-origin"), "");
    }
    let own = format!("http://{host}");
    let answer = send("POST", lookup, host, Some(&own)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

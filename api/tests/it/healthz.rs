//! `GET /healthz`

use crate::support::Api;

#[tokio::test]
async fn it_is_alive_before_there_are_any_views() {
    let answer = Api::embedded().get("/healthz").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text, r#"{"status":"ok"}"#);
}

//! `GET /v1/shipments/{orderId}`

use crate::support::Api;

#[tokio::test]
async fn an_order_comes_with_its_events_by_rank() {
    Api::on_both(async |api| {
        api.delivered_order("o-1").await;
        api.delivered_order("o-2").await;
        let answer = api.get("/v1/shipments/o-1").await;
        assert_eq!(
            (answer.status.as_u16(), answer.content_type.as_str()),
            (200, "application/json")
        );
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.content().replace(",{", ",\n{"), @r#"
        {"shipment":{"orderId":"o-1","sellerRegion":"SP","customerRegion":"RJ","estimatedDeliveryAt":null,"status":"DELIVERED","placedAt":"2018-03-01T10:00:00Z","approvedAt":null,"warehouseAssignedAt":null,"handedToCarrierAt":null,"delayedAt":null,"deliveredAt":"2018-03-05T11:00:00Z","delayed":false,"eventCount":2,"leadTimeSeconds":349200,"lateSeconds":0},"events":[{"eventId":"6118cfb8a1f4a2095ccc3805bda44a4d","eventType":"ORDER_PLACED","eventAt":"2018-03-01T10:00:00Z","orderId":"o-1","source":"OMS","sellerRegion":"SP","customerRegion":"RJ","payload":{"estimatedDeliveryAt":null}},
        {"eventId":"d5373eb6e88633a5ff3e187948a6cf66","eventType":"DELIVERED","eventAt":"2018-03-05T11:00:00Z","orderId":"o-1","source":"TMS","sellerRegion":"SP","customerRegion":"RJ","payload":{"estimatedDeliveryAt":null}}],"one_tick":true}
        "#);
        }
    })
    .await;
}

#[tokio::test]
async fn an_order_id_is_any_text() {
    Api::on_both(async |api| {
        api.delivered_order("a/b \"é\"\\").await;
        let answer = api.get("/v1/shipments/a%2Fb%20%22%C3%A9%22%5C").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["shipment"]["orderId"], "a/b \"é\"\\");
        assert_eq!(answer.json()["events"].as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_order_that_has_no_shipment_is_not_found() {
    Api::on_both(async |api| {
        api.delivered_order("o-1").await;
        let answer = api.get("/v1/shipments/O-1").await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.problem(), "there is no shipment of order \"O-1\"");
        assert_eq!(answer.json()["instance"], "/v1/shipments/O-1");
    })
    .await;
}

#[tokio::test]
async fn an_order_id_that_is_no_text_is_a_bad_request() {
    Api::on_both(async |api| {
        let answer = api.get("/v1/shipments/%FF").await;
        assert_eq!(answer.status, 400);
        assert!(!answer.problem().is_empty());
    })
    .await;
}

#[tokio::test]
async fn without_views_there_is_no_answer_yet() {
    Api::without_views(async |api| {
        let answer = api.get("/v1/shipments/o-1").await;
        assert_eq!(answer.status, 503);
        answer.problem();
    })
    .await;
}

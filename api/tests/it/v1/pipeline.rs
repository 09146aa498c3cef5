//! `GET /v1/pipeline`: what the stores say.

use serde_json::{Value, json};

use crate::support::{Api, Stored};

fn unknown(answer: &Value) -> Vec<&str> {
    let all = answer["unknown"].as_array().unwrap().iter();
    all.map(|unknown| unknown["what"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn dead_letters_and_refused_documents_are_counted_and_the_last_ones_shown() {
    Api::on_both(async |api| {
        for offset in 0..15 {
            let code = ["no_json", "bad_time"][offset % 2];
            api.execute(&format!(
                "INSERT INTO dead_letters VALUES ({}, {offset}, '{code}', 'reason {offset}')",
                offset % 3
            ))
            .await;
        }
        let on_servers = matches!(api.stored, Stored::Servers(_));
        if on_servers {
            api.execute(
                "INSERT INTO refused_documents (view, id, version, reason)
                 VALUES ('shipments', 'o-1', 7, 'strict_dynamic_mapping_exception: no')",
            )
            .await;
        }
        let answer = api.get("/v1/pipeline").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answer = answer.json();
        let letters = &answer["dead_letters"];
        assert_eq!(letters["count"], 15);
        assert_eq!(letters["by_code"], json!({ "bad_time": 7, "no_json": 8 }));
        let latest = letters["latest"].as_array().unwrap();
        assert_eq!(latest.len(), 10);
        assert_eq!(
            latest[0],
            json!({ "partition": 2, "offset": 14, "code": "no_json", "reason": "reason 14" })
        );
        let refused = if on_servers {
            json!({ "count": 1, "latest": [{ "view": "shipments", "id": "o-1",
                "reason": "strict_dynamic_mapping_exception: no" }] })
        } else {
            json!({ "count": 0, "latest": [] })
        };
        assert_eq!(answer["refused_documents"], refused);
        let sinks = answer["sinks"].as_array().unwrap();
        let stores: Vec<&Value> = sinks.iter().map(|sink| &sink["store"]).collect();
        let wanted = if on_servers {
            vec!["elasticsearch", "postgres"]
        } else {
            vec!["sqlite"]
        };
        assert_eq!(stores, wanted);
        assert!(sinks.iter().all(|sink| sink["state"] == "ok"), "{answer}");
        assert_eq!(answer["ticks"]["epoch"], 2);
        assert_eq!(answer["ticks"]["stats_tick"], 1700);
        // There is no log and no dataflow to ask.
        assert_eq!(answer["lag"], Value::Null);
        assert_eq!(unknown(&answer), ["lag", "dataflow"]);
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_away_is_named_with_its_words() {
    let api = Api::without_elasticsearch();
    api.make_tables().await;
    api.set_progress(2, 1700, &[5, 0]).await;
    let answer = api.get("/v1/pipeline").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let sinks = &answer.json()["sinks"];
    assert_eq!(
        (&sinks[0]["store"], &sinks[0]["state"]),
        (&json!("elasticsearch"), &json!("away"))
    );
    assert!(sinks[0]["words"].is_string(), "{sinks}");
    assert_eq!(sinks[1]["state"], "ok", "{sinks}");
}

#[tokio::test]
async fn without_views_nothing_is_made_up() {
    Api::without_views(async |api| {
        let answer = api.get("/v1/pipeline").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answer = answer.json();
        for member in ["lag", "ticks", "dead_letters", "dataflow"] {
            assert_eq!(answer[member], Value::Null, "{member}");
        }
        assert_eq!(unknown(&answer).len(), 6, "{answer}");
    })
    .await;
}

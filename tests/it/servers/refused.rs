//! A document that Elasticsearch refuses becomes a dead letter, and is sent again through the API.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::filled;
use crate::api::Served;
use crate::support::{Eip, http};

const STUCK: &str = "stuck";
const RETRY: &str = "/v1/pipeline/refused_documents/retry";

/// A dataflow that follows the log, until it is dropped.
struct Following {
    child: Child,
    url: String,
}

impl Following {
    fn start(eip: &Eip) -> Self {
        let mut child = eip
            .command(["dataflow", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap();
        Self {
            child,
            url: url.to_owned(),
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Has Elasticsearch refuse what is written to the index of shipments, or take it again: its
/// documents go through a pipeline that is not there.
fn refuse(eip: &Eip, is_refused: bool) {
    let server = eip.value("EIP_ELASTICSEARCH");
    let used = if is_refused { "not-there" } else { "_none" };
    let settings = json!({ "index.default_pipeline": used }).to_string();
    let index = format!("{server}/{}.shipments", eip.space());
    http("PUT", &format!("{index}/_settings"), &settings);
}

/// Appends an order to the log, as another producer might.
fn append_stuck_order(eip: &Eip) {
    let event = json!({ "eventId": "0".repeat(32), "eventType": "ORDER_PLACED",
        "eventAt": "2018-03-01T00:00:00Z", "orderId": STUCK, "source": "OMS",
        "sellerRegion": "SP", "customerRegion": "RJ",
        "payload": { "estimatedDeliveryAt": null } });
    let file = eip.path("stuck.ndjson");
    fs::write(&file, format!("{event}\n")).unwrap();
    eip.run(["log", "import", file.to_str().unwrap()]).ok();
}

/// The pipeline's answer, once as many documents are refused and the dataflow is ready.
fn until_refused(served: &Served, count: u64) -> Value {
    let begun = Instant::now();
    loop {
        let answer = served.get("/v1/pipeline");
        let is_ready = answer["dataflow"]["state"] == "ready";
        let has_all = answer["lag"]["records"] == 0;
        if is_ready && has_all && answer["refused_documents"]["count"] == count {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{answer}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn retried(served: &Served, body: &Value) -> Value {
    let url = format!("{}{RETRY}", served.url);
    serde_json::from_str(&http("POST", &url, &body.to_string())).unwrap()
}

#[test]
fn a_refused_document_is_sent_again_until_nothing_is_in_its_way() {
    let (eip, _data) = filled(200, 41);
    eip.digests();
    refuse(&eip, true);
    append_stuck_order(&eip);
    let following = Following::start(&eip);
    let served = Served::start_with(&eip, &["--dataflow", &following.url]);
    let answer = until_refused(&served, 1);
    let refused = &answer["refused_documents"]["latest"][0];
    assert_eq!(
        (&refused["view"], &refused["id"]),
        (&json!("shipments"), &json!(STUCK))
    );
    assert_eq!(served.ask(&format!("/v1/shipments/{STUCK}")).0, 404);

    // What is not meant is left alone, and nothing begins again for nothing.
    let epoch = answer["ticks"]["epoch"].clone();
    let others = retried(&served, &json!({ "view": "shipment_events" }));
    assert_eq!(others, json!({ "sent_again": 0, "refused_again": 0 }));
    assert_eq!(until_refused(&served, 1)["ticks"]["epoch"], epoch);

    // What is still in its way refuses it again.
    let all = json!({});
    assert_eq!(
        retried(&served, &all),
        json!({ "sent_again": 1, "refused_again": 1 })
    );
    until_refused(&served, 1);
    refuse(&eip, false);
    let this = json!({ "view": "shipments", "ids": [STUCK] });
    assert_eq!(
        retried(&served, &this),
        json!({ "sent_again": 1, "refused_again": 0 })
    );
    until_refused(&served, 0);
    let shipment = served.get(&format!("/v1/shipments/{STUCK}"));
    assert_eq!(shipment["shipment"]["customerRegion"], "RJ", "{shipment}");
    assert_eq!(
        retried(&served, &all),
        json!({ "sent_again": 0, "refused_again": 0 })
    );
    eip.verify();
}

#[test]
fn without_a_document_store_that_refuses_there_is_nothing_to_send_again() {
    let eip = Eip::new();
    let data = crate::support::generate(&eip.path(""), 100, 42);
    eip.fast(&data).ok();
    let following = Following::start(&eip);
    let served = Served::start_with(&eip, &["--dataflow", &following.url]);
    until_refused(&served, 0);
    assert_eq!(
        retried(&served, &json!({})),
        json!({ "sent_again": 0, "refused_again": 0 })
    );
}

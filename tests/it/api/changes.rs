//! `changed_since_tick`: a copy that follows the changes alone is at every visible tick what the views are,
//! through corrections, kills, repairs and restarts, and is told when it cannot be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::plain::{Plain, text};
use super::served::Served;
use crate::support::{Eip, ORDERS, changed, generate, http, sql, sqlite};

/// What a program keeps that reads nothing but changes.
#[derive(Default)]
struct Copy {
    shipments: BTreeMap<String, Value>,
    tick: u64,
    /// Deletions that it was told of.
    deleted: usize,
}

impl Copy {
    /// Reads all that has changed since the last time; gives how many changes that were.
    fn follow(&mut self, served: &Served) -> usize {
        let (mut cursor, mut changes, mut upto) = (String::new(), 0, None);
        let mut last = (0, String::new());
        loop {
            let path = format!(
                "/v1/shipments?changed_since_tick={}&limit=173{cursor}",
                self.tick
            );
            let (status, page) = served.ask(&path);
            assert_eq!(status, 200, "{path}: {page}");
            let until = page["upto_tick"].as_u64().unwrap();
            assert_eq!(*upto.get_or_insert(until), until, "a walk has one end");
            for change in page["changes"].as_array().unwrap() {
                let tick = change["tick"].as_u64().unwrap();
                let id = text(&change["order_id"]).to_owned();
                assert!(self.tick < tick && tick <= until, "{change}");
                let place = (tick, id.clone());
                assert!(last < place, "{last:?} before {place:?}");
                last = place;
                changes += 1;
                if change["deleted"] == true {
                    assert_eq!(change["shipment"], Value::Null);
                    self.shipments.remove(&id);
                    self.deleted += 1;
                } else {
                    assert_eq!(change["shipment"]["orderId"], id.as_str());
                    self.shipments.insert(id, change["shipment"].clone());
                }
            }
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        self.tick = upto.unwrap();
        changes
    }

    /// It is what the views are.
    fn check(&self, eip: &Eip) {
        eip.stored_digests();
        let plain = Plain::read(&eip.path("export"));
        let stored = plain.shipments.iter();
        let stored: BTreeMap<&str, &Value> = stored
            .map(|shipment| (text(&shipment["orderId"]), shipment))
            .collect();
        let copied = self.shipments.iter();
        let copied: BTreeMap<&str, &Value> = copied
            .map(|(id, shipment)| (id.as_str(), shipment))
            .collect();
        let differs = stored.iter().find(|&(id, one)| copied.get(id) != Some(one));
        assert!(
            stored == copied,
            "{} stored, {} copied, {differs:?}",
            stored.len(),
            copied.len()
        );
    }

    /// What it goes on from is not known: it begins again.
    fn reset(&mut self, served: &Served, eip: &Eip) {
        let path = format!("/v1/shipments?changed_since_tick={}", self.tick);
        let (status, problem) = served.ask(&path);
        assert_eq!(status, 410, "{problem}");
        assert_eq!(problem["reset"], true, "{problem}");
        assert!(text(&problem["detail"]).contains("changed_since_tick=0"));
        *self = Self::default();
        self.follow(served);
        self.check(eip);
    }
}

/// The data with every tenth order gone and some days moved.
fn corrected(data: &Path, to: &Path) -> PathBuf {
    changed(data, to, ORDERS, |lines| {
        let kept = lines.iter().enumerate();
        let kept = kept.filter(|(at, _)| *at == 0 || at % 10 != 3);
        *lines = kept
            .map(|(at, line)| {
                if at % 7 == 0 {
                    line.replace("2018-03-1", "2018-02-1")
                } else {
                    line.clone()
                }
            })
            .collect();
    })
}

const WIDE: [&str; 4] = ["--max-vanishing", "100%", "--max-retracted", "100%"];

#[test]
fn a_copy_that_follows_the_changes_is_what_the_embedded_views_are() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 1_500, 71);
    eip.fast(&data).ok();
    eip.digests();
    let served = Served::start(&eip);
    let mut copy = Copy::default();
    assert_eq!(copy.follow(&served), 1_500);
    copy.check(&eip);
    assert_eq!(copy.follow(&served), 0, "nothing has changed");
    let since = format!("changed_since_tick={}", copy.tick);
    let shown = eip.run(["shipments", &since]).ok();
    assert!(
        shown.out.contains(&format!("go on with {since}")),
        "{}",
        shown.out
    );

    // Orders vanish and come back.
    let new = corrected(&data, &eip.path("new"));
    let window = eip.window(&new, &WIDE).ok();
    let corrected = copy.follow(&served);
    assert!(
        copy.deleted > 100 && corrected > copy.deleted,
        "{corrected}"
    );
    copy.check(&eip);
    eip.run(["replay", "revert", &window.run_id()]).ok();
    copy.follow(&served);
    copy.check(&eip);

    // A start that finds everything right changes nothing.
    eip.run(["dataflow", "--until-caught-up"]).ok();
    assert_eq!(copy.follow(&served), 0);

    // What another hand did is mended, and the mending is a change.
    let deleted = copy.deleted;
    sqlite(
        &eip,
        "DELETE FROM shipments WHERE id IN (SELECT id FROM shipments ORDER BY id LIMIT 5);
         UPDATE shipments SET seller_region = 'XX'
          WHERE id IN (SELECT id FROM shipments ORDER BY id DESC LIMIT 6);
         INSERT INTO shipments (id, rev, ver, status) VALUES ('nobody knows it', 1, 1, 0)",
    );
    eip.run(["repair"]).ok();
    assert_eq!(copy.follow(&served), 5 + 6 + 1);
    assert_eq!(copy.deleted, deleted + 1);
    copy.check(&eip);
    drop(served);

    // Other views under the same name.
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(eip.state().join(format!("views.sqlite{end}")));
    }
    eip.run(["dataflow", "--until-caught-up"]).ok();
    let served = Served::start(&eip);
    copy.reset(&served, &eip);
}

#[test]
fn a_copy_that_follows_the_changes_is_what_the_servers_views_are() {
    let eip = Eip::on_servers();
    let data = generate(&eip.path(""), 1_500, 72);
    eip.fast(&data).ok();
    eip.digests();
    let served = Served::start(&eip);
    let mut copy = Copy::default();
    assert_eq!(copy.follow(&served), 1_500);
    copy.check(&eip);

    // A correction whose dataflow dies at each place where that matters, and its revert.
    let new = corrected(&data, &eip.path("new"));
    let window = eip.window(&new, &WIDE).ok();
    for point in ["before-bulk", "after-bulk", "before-commit", "after-commit"] {
        let mut dying = eip.command(["dataflow", "--until-caught-up", "--crash-at", point]);
        dying.stdout(Stdio::null()).stderr(Stdio::null());
        dying.status().unwrap();
        copy.follow(&served);
    }
    eip.run(["dataflow", "--until-caught-up"]).ok();
    copy.follow(&served);
    assert!(copy.deleted > 100, "{}", copy.deleted);
    copy.check(&eip);
    eip.run(["replay", "revert", &window.run_id()]).ok();
    eip.run(["dataflow", "--until-caught-up"]).ok();
    copy.follow(&served);
    copy.check(&eip);

    // What another hand did is mended, and the mending is a change.
    let deleted = copy.deleted;
    let index = format!(
        "{}/{}.shipments",
        eip.value("EIP_ELASTICSEARCH"),
        eip.space()
    );
    let ids: Vec<&String> = copy.shipments.keys().take(11).collect();
    let mut bulk = String::new();
    for id in &ids[..5] {
        bulk.push_str(&format!("{{\"delete\":{{\"_id\":\"{id}\"}}}}\n"));
    }
    for id in &ids[5..] {
        bulk.push_str(&format!("{{\"update\":{{\"_id\":\"{id}\"}}}}\n"));
        bulk.push_str("{\"doc\":{\"sellerRegion\":\"XX\"}}\n");
    }
    bulk.push_str("{\"index\":{\"_id\":\"nobody knows it\"}}\n{\"sellerRegion\":\"XX\"}\n");
    http("POST", &format!("{index}/_bulk?refresh=true"), &bulk);
    eip.run(["repair"]).ok();
    assert_eq!(copy.follow(&served), 5 + 6 + 1);
    assert_eq!(copy.deleted, deleted + 1);
    copy.check(&eip);

    // Other documents under the same name, and tables of another day.
    eip.run(["rebuild"]).ok();
    let (status, _) = served.ask("/v1/shipments?changed_since_tick=0");
    assert_eq!(status, 503, "a dataflow has not gone on in these yet");
    eip.run(["dataflow", "--until-caught-up"]).ok();
    copy.reset(&served, &eip);
    restore_from_dump(&eip);
    eip.run(["dataflow", "--until-caught-up"]).ok();
    copy.reset(&served, &eip);
}

/// PostgreSQL as it is now, dumped and restored: it cannot know what came after the dump.
fn restore_from_dump(eip: &Eip) {
    let file = eip.path("dump.sql");
    let dumped = Command::new("pg_dump")
        .args(["--schema", &format!("\"{}\"", eip.space()), "--file"])
        .arg(&file)
        .arg(eip.value("EIP_POSTGRES"))
        .status();
    assert!(dumped.unwrap().success());
    let drop = format!("DROP SCHEMA \"{}\" CASCADE", eip.space());
    sql(eip.value("EIP_POSTGRES"), &drop);
    let restored = Command::new("psql")
        .args([
            "--no-psqlrc",
            "--quiet",
            "--set",
            "ON_ERROR_STOP=1",
            "--file",
        ])
        .arg(&file)
        .arg(eip.value("EIP_POSTGRES"))
        .stdout(Stdio::null())
        .status();
    assert!(restored.unwrap().success());
}

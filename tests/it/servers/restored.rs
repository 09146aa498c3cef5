//! A store that was emptied, or restored from an old backup, is brought to what the log says by the
//! next start of the dataflow.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::filled;
use crate::support::{Digests, Eip, http, rules, sql};

/// A chain whose views hold more than what `backup` saw: a correction came after it.
struct Corrected<T> {
    eip: Eip,
    backup: T,
    wanted: Digests,
}

fn corrected<T>(seed: u64, backup: impl FnOnce(&Eip) -> T) -> Corrected<T> {
    let (eip, data) = filled(1_000, seed);
    let before = eip.digests();
    let backup = backup(&eip);
    let rules = rules(&eip.path(""), "end_of_day", "45m");
    eip.window(&data, &["--rules", rules.to_str().unwrap()])
        .ok();
    let wanted = eip.digests();
    assert_ne!(wanted, before, "the correction changes the views");
    Corrected {
        eip,
        backup,
        wanted,
    }
}

/// A restart mends all. Whether the damage was there at all is for the caller to say.
fn assert_mended(eip: &Eip, wanted: &Digests) {
    let pass = eip.run(["dataflow", "--until-caught-up"]).ok();
    assert_eq!(&eip.stored_digests(), wanted, "{}{}", pass.out, pass.err);
    eip.verify();
}

fn drop_schema(eip: &Eip) {
    let statement = format!("DROP SCHEMA \"{}\" CASCADE", eip.space());
    sql(eip.value("EIP_POSTGRES"), &statement);
}

/// The indices of the space, by name.
fn indices(eip: &Eip) -> Vec<String> {
    let url = format!(
        "{}/_cat/indices/{}.*?format=json&h=index",
        eip.value("EIP_ELASTICSEARCH"),
        eip.space()
    );
    let listed: Vec<Value> = serde_json::from_str(&http("GET", &url, "")).unwrap();
    let names = listed
        .iter()
        .map(|index| index["index"].as_str().unwrap().to_owned());
    names.collect()
}

fn delete_indices(eip: &Eip) {
    let found = indices(eip);
    assert!(!found.is_empty());
    for index in found {
        let url = format!("{}/{index}", eip.value("EIP_ELASTICSEARCH"));
        http("DELETE", &url, "");
    }
}

#[test]
fn postgres_restored_from_yesterdays_dump_is_brought_up_to_date() {
    let made = corrected(81, |eip| {
        let file = eip.path("yesterday.sql");
        let dumped = Command::new("pg_dump")
            .args(["--schema", &format!("\"{}\"", eip.space()), "--file"])
            .arg(&file)
            .arg(eip.value("EIP_POSTGRES"))
            .status();
        assert!(dumped.unwrap().success());
        file
    });
    drop_schema(&made.eip);
    let restored = Command::new("psql")
        .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"])
        .arg("--file")
        .arg(&made.backup)
        .arg(made.eip.value("EIP_POSTGRES"))
        .stdout(Stdio::null())
        .status();
    assert!(restored.unwrap().success());
    assert_ne!(made.eip.stored_digests(), made.wanted);
    assert_mended(&made.eip, &made.wanted);
}

#[test]
fn postgres_without_the_schema_is_filled_again() {
    let made = corrected(82, |_| ());
    drop_schema(&made.eip);
    assert_mended(&made.eip, &made.wanted);
}

#[test]
fn elasticsearch_without_the_indices_is_filled_again() {
    let made = corrected(83, |_| ());
    delete_indices(&made.eip);
    assert_mended(&made.eip, &made.wanted);
}

#[test]
fn elasticsearch_restored_from_an_old_snapshot_is_brought_up_to_date() {
    let repository = |eip: &Eip| {
        let (server, space) = (eip.value("EIP_ELASTICSEARCH"), eip.space());
        format!("{server}/_snapshot/{space}")
    };
    let only = |eip: &Eip| {
        let indices = format!("{}.*", eip.space());
        json!({"indices": indices, "include_global_state": false}).to_string()
    };
    let made = corrected(84, |eip| {
        let files = json!({"type": "fs", "settings": {"location": eip.space()}});
        let repository = repository(eip);
        http("PUT", &repository, &files.to_string());
        let url = format!("{repository}/old?wait_for_completion=true");
        let taken: Value = serde_json::from_str(&http("PUT", &url, &only(eip))).unwrap();
        assert_eq!(taken["snapshot"]["state"], "SUCCESS", "{taken}");
    });
    delete_indices(&made.eip);
    let repository = repository(&made.eip);
    let url = format!("{repository}/old/_restore?wait_for_completion=true");
    http("POST", &url, &only(&made.eip));
    http("DELETE", &format!("{repository}/old"), "");
    http("DELETE", &repository, "");
    assert_ne!(made.eip.stored_digests(), made.wanted);
    assert_mended(&made.eip, &made.wanted);
}

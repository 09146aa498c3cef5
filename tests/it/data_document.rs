//! docs/DATA.md does what it says: its commands are run, its files are read, its table is compared.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The text between a fence of this language and its end, the one that holds `with`.
fn block<'a>(document: &'a str, language: &str, with: &str) -> &'a str {
    let fence = format!("```{language}\n");
    let mut blocks = document
        .split(&fence)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    blocks.find(|block| block.contains(with)).unwrap()
}

/// A shipment as a line of the document's table.
fn line(shipment: &Value) -> String {
    let text = |name: &str| match &shipment[name] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!(
        "| {} | {} → {} | {} | {} | {} | {} |",
        text("orderId"),
        text("sellerRegion"),
        text("customerRegion"),
        text("status"),
        text("placedAt"),
        text("deliveredAt"),
        text("lateSeconds")
    )
}

#[test]
fn the_worked_example_is_what_happens() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(project.join("docs/DATA.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink(project.join("docs"), place("docs")).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_eip"));
    let mut path = vec![binary.parent().unwrap().to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let mut shell = Command::new("bash");
    for variable in [
        "EIP_STATE",
        "EIP_SPACE",
        "EIP_KAFKA",
        "EIP_ELASTICSEARCH",
        "EIP_POSTGRES",
    ] {
        shell.env_remove(variable);
    }
    let ran = shell
        .args(["-euc", block(&document, "sh", "mkdir 3pl")])
        .current_dir(folder.path())
        .env("PATH", std::env::join_paths(path).unwrap())
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8(ran.stdout).unwrap(),
        String::from_utf8(ran.stderr).unwrap(),
    );
    assert!(ran.status.success(), "{out}\n{err}");

    let written = fs::read_to_string(place("3pl/dataset.toml")).unwrap();
    assert_eq!(block(&document, "toml", "version"), written);
    let example = project.join("docs/examples/3pl/dataset.toml");
    assert_eq!(fs::read_to_string(example).unwrap(), written);

    let header = block(&document, "text", "Shipment No;");
    let export = project.join("docs/examples/3pl/shipments_2024-01.csv");
    assert!(fs::read_to_string(export).unwrap().starts_with(header));

    let rejected = block(&document, "text", "shipments_2024-01.csv line 7").trim_end();
    assert!(out.contains(rejected), "{rejected}\n{out}");

    let shipments = fs::read_to_string(place("3pl-views/shipments.ndjson")).unwrap();
    let lines: Vec<String> = shipments
        .lines()
        .map(|shipment| line(&serde_json::from_str(shipment).unwrap()))
        .collect();
    let shown: Vec<&str> = document
        .lines()
        .filter(|line| line.starts_with("| S-"))
        .collect();
    assert_eq!(shown, lines);
}

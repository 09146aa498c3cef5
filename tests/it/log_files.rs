//! Log files in and out: foreign lines become dead letters, and what came in goes out.

use std::fs;

use crate::support::{Eip, generate, run_oracle};

#[test]
fn foreign_lines_become_dead_letters_and_change_no_view() {
    let source = Eip::new();
    let data = generate(&source.path(""), 500, 31);
    source.fast(&data).ok();
    let log = String::from_utf8(source.log()).unwrap();

    let eip = Eip::new();
    let mut lines: Vec<String> = log.lines().map(str::to_owned).collect();
    let bad = lines[5].replace("Z\",\"orderId\"", "\",\"orderId\"");
    for (place, line) in [
        (3, "not json"),
        (7, "{}"),
        (9, &bad),
        (11, "\u{feff}"),
        (12, "[1,2]"),
    ] {
        lines.insert(place, line.to_owned());
    }
    let file = eip.path("log.ndjson");
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    let ran = eip
        .run(["log".as_ref(), "import".as_ref(), file.as_os_str()])
        .ok();
    assert!(ran.out.contains("5 foreign lines"), "{}", ran.out);
    let dataflow = eip.run(["dataflow", "--until-caught-up"]).ok();
    assert!(dataflow.out.contains("dead letters"), "{}", dataflow.out);
    assert_eq!(eip.stored_digests(), source.stored_digests());
    eip.verify();
    assert_eq!(eip.log().len(), fs::read(&file).unwrap().len());
}

#[test]
fn a_log_with_tombstones_gives_the_oracles_views() {
    let source = Eip::new();
    let data = generate(&source.path(""), 800, 32);
    source
        .run([
            "replay",
            "fast",
            "--no-dataflow",
            "--data",
            data.to_str().unwrap(),
        ])
        .ok();
    let log = String::from_utf8(source.log()).unwrap();
    let mut lines: Vec<String> = log.lines().map(str::to_owned).collect();
    let id_of = |line: &str| {
        let begin = line.find("\"orderId\":\"").unwrap() + 11;
        line[begin..].split('"').next().unwrap().to_owned()
    };
    for i in (0..lines.len()).step_by(17) {
        let gone = format!("{{\"orderId\":\"{}\",\"retract\":null}}", id_of(&lines[i]));
        let again = lines[i].clone();
        lines.push(gone);
        if i % 2 == 0 {
            lines.push(again);
        }
    }
    let eip = Eip::new();
    let file = eip.path("log.ndjson");
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    eip.run(["log".as_ref(), "import".as_ref(), file.as_os_str()])
        .ok();
    let digests = eip.digests();
    eip.verify();

    let out = eip.path("oracle");
    let said = run_oracle([
        "views".as_ref(),
        "--log".as_ref(),
        file.as_os_str(),
        "--out".as_ref(),
        out.as_os_str(),
    ]);
    let Some(said) = said else { return };
    for (view, digest) in digests {
        assert!(said.contains(&digest), "{view} {digest} is not in\n{said}");
    }
}

//! Spaces share the servers and nothing else; a log that was replaced is refused with the way out.

use super::{embedded, filled};
use crate::support::Eip;

#[test]
fn two_spaces_are_compared_listed_and_dropped() {
    let (one, data) = filled(300, 71);
    let wanted = one.digests();
    assert_eq!(wanted, embedded(&data));
    let other = Eip::on_servers();
    other.fast(&data).ok();
    other.run(["dataflow", "--until-caught-up"]).ok();
    let equal = one.run(["diff", one.space(), other.space()]).ok();
    assert_eq!(equal.out.matches("equal").count(), 3, "{}", equal.out);
    let listed = one.run(["space", "list"]).ok();
    for space in [one.space(), other.space()] {
        let line = listed.out.lines().find(|line| line.contains(space));
        let line = line.unwrap_or_else(|| panic!("{space} is not in\n{}", listed.out));
        assert_eq!(line.matches("yes").count(), 3, "{line}");
    }
    other.run(["space", "drop", "--force"]).ok();
    let listed = one.run(["space", "list"]).ok();
    assert!(!listed.out.contains(other.space()), "{}", listed.out);
    assert_eq!(one.stored_digests(), wanted);
}

#[test]
fn a_topic_that_was_made_anew_is_refused_and_a_reset_lets_it_be_read() {
    let (eip, data) = filled(300, 72);
    let wanted = eip.digests();
    // Another chain removes the topics and makes them again under the same names.
    let twin = Eip::on([
        ("EIP_KAFKA", eip.value("EIP_KAFKA").to_owned()),
        (
            "EIP_ELASTICSEARCH",
            eip.value("EIP_ELASTICSEARCH").to_owned(),
        ),
        ("EIP_POSTGRES", eip.value("EIP_POSTGRES").to_owned()),
    ])
    .with("EIP_SPACE", eip.space().to_owned());
    twin.recreate_topics();
    twin.fast(&data).ok();
    let refused = eip.run(["dataflow", "--until-caught-up"]);
    assert_eq!(refused.code, Some(1), "{}", refused.out);
    assert!(refused.err.contains("eip space reset"), "{}", refused.err);
    eip.run(["space", "reset", "--force"]).ok();
    assert_eq!(eip.digests(), wanted);
}

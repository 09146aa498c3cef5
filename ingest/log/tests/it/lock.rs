//! There is one writer.

use eip_log::{JournalWriter, LogError};

use crate::support::*;

#[test]
fn a_second_writer_is_refused_and_told_who_the_first_is() {
    let (_folder, state) = state(1);
    let first = JournalWriter::open(&state, "eip replay window").unwrap();
    let error = JournalWriter::open(&state, "eip demo")
        .err()
        .expect("the lock is held");
    let LogError::Locked { holder, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(
        *holder,
        format!("pid {}, eip replay window", std::process::id())
    );
    assert!(error.to_string().contains("wait until it ends"));
    drop(first);
    JournalWriter::open(&state, "eip demo").unwrap();
}

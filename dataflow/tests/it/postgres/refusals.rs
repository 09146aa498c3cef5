//! What is refused, and what is only not possible now.

use eip_stores::{Fault, PostgresStore, PostgresViews, RefusedDocument, Retry, StatsStore as _};
use eip_views::{ROUTE_STATS_DAILY, SHIPMENT_EVENTS, SHIPMENTS, View};

use super::{Person, TOPIC, TestSpace, as_stats, row, tick, upserts};

#[test]
fn tables_of_a_newer_format_are_refused_with_both_formats_named() {
    let space = TestSpace::new();
    space.store().take_epoch(0).unwrap();
    space.execute("UPDATE progress SET format = 99");
    let write = space.store().take_epoch(0).unwrap_err();
    let read = PostgresViews::open(&space.url, &space.space).err().unwrap();
    for error in [write, read] {
        assert_eq!((error.fault, error.retry), (Fault::User, Retry::Never));
        let text = error.to_string();
        assert!(
            text.contains("format 99") && text.contains("up to 1"),
            "{text}"
        );
    }
}

#[test]
fn views_of_another_log_are_refused_with_the_ways_out() {
    let space = TestSpace::new();
    let mut store = space.store();
    let epoch = store.take_epoch(0).unwrap();
    store
        .commit(&tick(epoch, 1, &upserts(&[row(1, "SP", 1)])))
        .unwrap();
    let mut other = PostgresStore::new(&space.config(&space.url, "another log")).unwrap();
    let text = other.take_epoch(0).unwrap_err().to_string();
    for part in [TOPIC, "another log", "eip space adopt", "eip space reset"] {
        assert!(text.contains(part), "{text}");
    }
    let progress = other.progress().unwrap().unwrap();
    progress.check_log(&space.space, TOPIC, 2).unwrap();
    progress
        .check_log(&space.space, "another log", 2)
        .unwrap_err();
    let error = progress.check_log(&space.space, TOPIC, 3).unwrap_err();
    assert!(error.to_string().contains("2 partitions"), "{error}");
}

#[test]
fn where_no_dataflow_ran_there_is_nothing_to_read() {
    let space = TestSpace::new();
    let error = PostgresViews::open(&space.url, &space.space).err().unwrap();
    assert!(
        error.to_string().contains("no dataflow has run there"),
        "{error}"
    );
}

#[test]
fn a_server_that_cannot_be_reached_or_only_reads_is_tried_again_and_no_password_is_told() {
    let space = TestSpace::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("postgres://eip:secret@{closed}/eip");
    let error = PostgresStore::new(&space.config(&url, TOPIC))
        .unwrap()
        .take_epoch(0)
        .unwrap_err();
    assert_eq!(
        (error.fault, error.retry),
        (Fault::External, Retry::Backoff)
    );
    let text = error.to_string();
    assert!(text.contains(&closed.to_string()), "{text}");
    assert!(!text.contains("secret"), "{text}");

    let mark = if space.url.contains('?') { '&' } else { '?' };
    let options = "options=-c%20default_transaction_read_only%3Don";
    let url = format!("{}{mark}{options}", space.url);
    let error = PostgresStore::new(&space.config(&url, TOPIC))
        .unwrap()
        .take_epoch(0)
        .unwrap_err();
    assert_eq!(error.retry, Retry::Backoff);
    assert!(
        error.to_string().contains("read-only transaction (25006)"),
        "{error}"
    );
}

#[test]
fn rights_that_were_taken_away_come_back() {
    let space = TestSpace::new();
    let mut store = space.store();
    let epoch = store.take_epoch(0).unwrap();
    let mut person = Person::new(&space);
    let role = format!("role-{}", space.space);
    person.execute(&format!(
        "CREATE ROLE \"{role}\" LOGIN; GRANT USAGE ON SCHEMA \"{0}\" TO \"{role}\";
         GRANT ALL ON ALL TABLES IN SCHEMA \"{0}\" TO \"{role}\"",
        space.space.schema()
    ));
    let url = space.url.replace("//eip@", &format!("//{role}@"));
    let mut limited = PostgresStore::new(&space.config(&url, TOPIC)).unwrap();
    let rows = [row(1, "SP", 1)];
    person.execute(&format!(
        "REVOKE INSERT ON route_stats_daily FROM \"{role}\""
    ));
    let error = limited
        .commit(&tick(epoch, 1, &upserts(&rows)))
        .unwrap_err();
    assert_eq!(error.retry, Retry::Backoff);
    assert!(error.to_string().contains("permission denied"), "{error}");
    person.execute(&format!("GRANT INSERT ON route_stats_daily TO \"{role}\""));
    limited.commit(&tick(epoch, 1, &upserts(&rows))).unwrap();
    drop(limited);
    person.execute(&format!("DROP OWNED BY \"{role}\"; DROP ROLE \"{role}\""));
    assert_eq!(as_stats(store.rows(&ROUTE_STATS_DAILY)), rows);
}

#[test]
fn of_a_refused_document_the_last_word_is_kept_until_it_is_forgotten() {
    let space = TestSpace::new();
    let mut store = space.store();
    store.take_epoch(0).unwrap();
    let refused = |id: &str, version, reason: &str| RefusedDocument {
        view: &SHIPMENTS,
        id: id.into(),
        version,
        doc: Some("{\"orderId\":\"\\u0000\"}".into()),
        reason: reason.into(),
    };
    store.refuse(&[]).unwrap();
    store
        .refuse(&[
            refused("b", 5, "first"),
            refused("a", 5, "x\0"),
            refused("b", 6, "second"),
        ])
        .unwrap();
    store.refuse(&[refused("b", 4, "late")]).unwrap();
    let mut gone = refused("c", 9, "a delete");
    (gone.view, gone.doc) = (&SHIPMENT_EVENTS, None);
    store.refuse(std::slice::from_ref(&gone)).unwrap();
    let mut views = PostgresViews::open(&space.url, &space.space).unwrap();
    let expected = [refused("a", 5, "x\u{fffd}"), refused("b", 6, "second")];
    assert_eq!(views.refused(&SHIPMENTS).unwrap(), expected);
    assert_eq!(views.refused(&SHIPMENT_EVENTS).unwrap(), [gone]);
    let keys = ["a", "b", "none"].map(|id| (&SHIPMENTS as &View, id.to_owned()));
    assert_eq!(store.forget_refused(&keys).unwrap(), 2);
    assert!(views.refused(&SHIPMENTS).unwrap().is_empty());
    assert_eq!(views.refused(&SHIPMENT_EVENTS).unwrap().len(), 1);
}

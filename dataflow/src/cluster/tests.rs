use std::io::Write as _;
use std::net::{TcpListener, TcpStream};

use super::*;

/// Addresses that were free a moment ago.
fn addresses(count: usize) -> Vec<String> {
    let listeners: Vec<_> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    listeners
        .iter()
        .map(|listener| listener.local_addr().unwrap().to_string())
        .collect()
}

fn config(process: usize, addresses: &[String]) -> ClusterConfig {
    ClusterConfig {
        process,
        addresses: addresses.to_vec(),
        workers: 1,
        secret: b"a secret".to_vec(),
        build: "this".to_owned(),
        log: "a log".to_owned(),
        patience: Duration::from_secs(20),
        any_address: false,
    }
}

fn connect_all(configs: Vec<ClusterConfig>) -> Vec<Result<Sockets, ClusterError>> {
    let threads: Vec<_> = configs
        .into_iter()
        .map(|config| std::thread::spawn(move || connect(&config, &mut |_| {})))
        .collect();
    threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect()
}

#[test]
fn three_processes_find_each_other_also_past_a_stranger() {
    let addresses = addresses(3);
    let stranger = addresses[0].clone();
    std::thread::spawn(move || {
        while TcpStream::connect(&stranger)
            .and_then(|mut stream| stream.write_all(b"GET / HTTP/1.1\r\n\r\n"))
            .is_err()
        {
            std::thread::yield_now();
        }
    });
    let configs = (0..3).map(|process| config(process, &addresses)).collect();
    for (process, sockets) in connect_all(configs).into_iter().enumerate() {
        let sockets = sockets.unwrap_or_else(|error| panic!("{error}"));
        let places: Vec<bool> = sockets.streams.iter().map(Option::is_some).collect();
        let others: Vec<bool> = (0..3).map(|other| other != process).collect();
        assert_eq!(places, others);
    }
}

#[test]
fn another_build_or_shape_is_named() {
    let addresses = addresses(2);
    let other = ClusterConfig {
        build: "that".to_owned(),
        ..config(1, &addresses)
    };
    let results = connect_all(vec![config(0, &addresses), other]);
    let named = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .any(|error| error.to_string() == "process 1 does not fit: its build is that, ours this");
    assert!(
        named,
        "{:?}",
        results.iter().map(|r| r.as_ref().err()).collect::<Vec<_>>()
    );
}

#[test]
fn who_does_not_know_the_secret_is_not_let_in() {
    let addresses = addresses(2);
    let patience = Duration::from_millis(700);
    let guesser = ClusterConfig {
        secret: b"a guess".to_vec(),
        patience,
        ..config(1, &addresses)
    };
    let honest = ClusterConfig {
        patience,
        ..config(0, &addresses)
    };
    for result in connect_all(vec![honest, guesser]) {
        assert!(matches!(result, Err(ClusterError::Missing { .. })));
    }
}

#[test]
fn an_address_that_others_reach_has_to_be_allowed() {
    let addresses = vec!["0.0.0.0:0".to_owned(), "127.0.0.1:1".to_owned()];
    let error = connect(&config(0, &addresses), &mut |_| {}).err().unwrap();
    assert!(error.to_string().contains("--any-address"), "{error}");
}

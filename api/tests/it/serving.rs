//! The server as a whole: a socket, a request, an end.

use eip_api::{ApiError, CacheConfig, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::support::Api;

#[tokio::test]
async fn it_answers_on_its_socket_until_it_is_told_to_stop() {
    let api = Api::embedded();
    api.make_tables().await;
    api.set_progress(1, 9, &[1]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let client = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = "GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        shutdown.cancel();
        answer
    };
    let config = api.stored.config(CacheConfig::Memory);
    let (served, answer) = tokio::join!(run(listener, config, shutdown.clone()), client);
    served.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("x-request-id"), "{answer}");
    TcpStream::connect(address).await.unwrap_err();
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused_while_there_are_no_tokens() {
    let api = Api::embedded();
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let config = api.stored.config(CacheConfig::Memory);
    let refused = run(listener, config, CancellationToken::new()).await;
    let Err(ApiError::NotLoopback(why)) = refused else {
        panic!("{refused:?}");
    };
    let why = why.to_string();
    assert!(why.contains("without tokens the API listens on"), "{why}");
}

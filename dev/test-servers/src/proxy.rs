//! A proxy before a server that speaks HTTP, which makes faults as a test decides.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// `POST /shipments-w-1-0-1/_bulk?… HTTP/1.1`.
    pub line: String,
    /// What followed the head.
    pub body: Vec<u8>,
}

impl Request {
    /// Whether it writes documents.
    pub fn is_bulk(&self) -> bool {
        self.line.contains("/_bulk?")
    }
}

/// What is to become of a request.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// It goes through, and so does its answer.
    Pass,
    /// It never gets to the server; this is the answer.
    Answer(u16, &'static str),
    /// It goes through, its answer does not.
    Swallow,
    /// It is kept, see [`Proxy::held`]; whoever sent it loses the connection.
    Hold,
    /// The items of a bulk for which this says so are answered 429 and go no further.
    Throttle(fn(usize) -> bool),
}

type Decide = Box<dyn FnMut(&Request) -> Action + Send>;

struct Shared {
    upstream: String,
    decide: Mutex<Decide>,
    held: Mutex<Vec<Request>>,
    ended: AtomicBool,
}

/// A proxy on a port of its own, ended when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy before `host:port`, which asks `decide` about every request.
    pub fn start(upstream: &str, decide: impl FnMut(&Request) -> Action + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            decide: Mutex::new(Box::new(decide)),
            held: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.ended.load(Ordering::SeqCst) {
                    break;
                }
                let serving = Arc::clone(&accepting);
                // Ends when its client hangs up.
                let Ok(stream) = stream else { continue };
                std::thread::spawn(move || serve(stream, &serving));
            }
        });
        Self {
            address,
            shared,
            thread: Some(thread),
        }
    }

    /// Where clients reach the server through it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Decides otherwise from now on.
    pub fn decide(&self, decide: impl FnMut(&Request) -> Action + Send + 'static) {
        *lock(&self.shared.decide) = Box::new(decide);
    }

    /// Takes the requests that were kept.
    pub fn held(&self) -> Vec<Request> {
        std::mem::take(&mut lock(&self.shared.held))
    }

    /// Sends a request that was kept after all; gives the server's answer.
    pub fn release(&self, request: &Request) -> (u16, String) {
        forward(&self.shared.upstream, &request.line, &request.body).expect("the server answers")
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(stream: TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        let action = (lock(&shared.decide))(&request);
        let through = |body: &[u8]| forward(&shared.upstream, &request.line, body);
        let answer = match action {
            Action::Pass => through(&request.body),
            Action::Answer(status, body) => Some((status, body.to_owned())),
            Action::Swallow => {
                through(&request.body);
                None
            }
            Action::Hold => {
                lock(&shared.held).push(request);
                None
            }
            Action::Throttle(which) => throttle(&request, which, through),
        };
        let Some((status, body)) = answer else {
            let _ = reader.get_ref().shutdown(Shutdown::Both);
            return;
        };
        let head = format!(
            "HTTP/1.1 {status} whatever\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        let answer = [head.as_bytes(), body.as_bytes()].concat();
        if reader.get_mut().write_all(&answer).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let (line, length) = read_head(reader)?;
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Request { line, body })
}

/// First line, and the length of what follows; none when it comes in chunks.
fn read_head(reader: &mut impl std::io::BufRead) -> Option<(String, Option<usize>)> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut length = Some(0);
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).ok()? == 0 {
            return None;
        }
        let header = header.trim().to_lowercase();
        if header.is_empty() {
            return Some((line.trim().to_owned(), length));
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok();
        } else if header.starts_with("transfer-encoding:") {
            length = None;
        }
    }
}

/// Sends a request on a connection of its own. `None` when the server cannot be reached.
fn forward(upstream: &str, line: &str, body: &[u8]) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(upstream).ok()?;
    let head = format!(
        "{line}\r\nhost: {upstream}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
    let mut reader = BufReader::new(stream);
    let (line, length) = read_head(&mut reader)?;
    let mut answer = Vec::new();
    if length.is_some() {
        reader.read_to_end(&mut answer).ok()?;
    } else {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            if size == 0 {
                break;
            }
            answer.extend_from_slice(&chunk[..size]);
        }
    }
    let status = line.split(' ').nth(1)?.parse().ok()?;
    Some((status, String::from_utf8(answer).ok()?))
}

/// Cuts the items out that are throttled and puts their answers in.
fn throttle(
    request: &Request,
    which: fn(usize) -> bool,
    through: impl FnOnce(&[u8]) -> Option<(u16, String)>,
) -> Option<(u16, String)> {
    let mut lines = request.body.split_inclusive(|&byte| byte == b'\n');
    let mut passed = Vec::new();
    let mut throttled = Vec::new();
    while let Some(action) = lines.next() {
        let item = throttled.len();
        let document = (!action.starts_with(b"{\"delete\""))
            .then(|| lines.next())
            .flatten();
        throttled.push(which(item));
        if !throttled[item] {
            passed.extend_from_slice(action);
            passed.extend_from_slice(document.unwrap_or_default());
        }
    }
    let mut answers = Vec::new();
    if !passed.is_empty() {
        let (status, answer) = through(&passed)?;
        assert_eq!(status, 200, "{answer}");
        let answer: serde_json::Value = serde_json::from_str(&answer).ok()?;
        answers.clone_from(answer["items"].as_array()?);
    }
    let mut answers = answers.into_iter();
    let items: Vec<serde_json::Value> = throttled
        .into_iter()
        .map(|throttled| {
            let full = serde_json::json!({ "index": { "status": 429, "error": {
                "type": "es_rejected_execution_exception", "reason": "rejected: queue is full",
            } } });
            if throttled {
                full
            } else {
                answers
                    .next()
                    .expect("an answer for each item that went through")
            }
        })
        .collect();
    let answer = serde_json::json!({ "errors": true, "items": items });
    Some((200, answer.to_string()))
}

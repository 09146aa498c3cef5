//! A proxy before PostgreSQL that makes a fault at the n-th message of a client.
//!
//! It knows the frames of the protocol and nothing else of it
//! (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What `SSLRequest` says.
const TLS_WISH: [u8; 4] = 80_877_103_u32.to_be_bytes();

/// What happens at the message that a gate was armed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The message is lost, and the connection with it.
    Cut,
    /// It arrives and is obeyed, but its answer is lost, and the connection with it.
    LoseAnswer,
    /// The server ends the connection's backend before the message arrives.
    EndBackend,
}

/// Ends a backend, as an administrator does.
pub(super) type EndBackend = Box<dyn FnMut() + Send>;

/// The proxy. Its threads end with the connections.
pub(super) struct Gate {
    pub(super) address: SocketAddr,
    armed: Arc<Mutex<Option<Armed>>>,
    closed: Arc<AtomicBool>,
}

struct Armed {
    fault: Fault,
    /// Messages until it happens.
    left: usize,
    end_backend: EndBackend,
}

impl Gate {
    pub(super) fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gate = Self {
            address: listener.local_addr().unwrap(),
            armed: Arc::default(),
            closed: Arc::default(),
        };
        let (armed, closed, server) = (
            Arc::clone(&gate.armed),
            Arc::clone(&gate.closed),
            server.to_owned(),
        );
        thread::spawn(move || {
            for client in listener.incoming() {
                if closed.load(Ordering::Relaxed) {
                    break;
                }
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(&server)) else {
                    continue;
                };
                // Frames go out one by one: each would wait for the acknowledgement of the last.
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let armed = Arc::clone(&armed);
                thread::spawn(move || Passage { client, server }.run(&armed));
            }
        });
        gate
    }

    /// Makes `fault` happen at the n-th message from now on.
    pub(super) fn arm(&self, fault: Fault, n: usize, end_backend: EndBackend) {
        *self.armed.lock().unwrap() = Some(Armed {
            fault,
            left: n,
            end_backend,
        });
    }

    /// Lets all pass; says whether the fault had happened.
    pub(super) fn disarm(&self) -> bool {
        self.armed.lock().unwrap().take().is_none()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

/// One connection through the gate.
struct Passage {
    client: TcpStream,
    server: TcpStream,
}

impl Passage {
    fn run(self, armed: &Mutex<Option<Armed>>) {
        let lost = Arc::new(AtomicBool::new(false));
        let (client, server) = (
            self.client.try_clone().unwrap(),
            self.server.try_clone().unwrap(),
        );
        let answers_lost = Arc::clone(&lost);
        let answers = thread::spawn(move || {
            // However it ends, the connection is over.
            let _ = answers(&server, &client, &answers_lost);
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        });
        let ended = requests(&self.client, &self.server, armed, &lost);
        if ended.is_err() || !lost.load(Ordering::Relaxed) {
            let _ = self.client.shutdown(Shutdown::Both);
            let _ = self.server.shutdown(Shutdown::Both);
        }
        answers.join().unwrap();
    }
}

/// Passes on what the client sends.
fn requests(
    mut client: &TcpStream,
    mut server: &TcpStream,
    armed: &Mutex<Option<Armed>>,
    lost: &AtomicBool,
) -> io::Result<()> {
    // The first message has no type; the wish for TLS before it is declined here.
    let mut message = untyped(client)?;
    if message[4..] == TLS_WISH {
        client.write_all(b"N")?;
        message = untyped(client)?;
    }
    server.write_all(&message)?;
    loop {
        let message = frame(client)?;
        let fault = {
            let mut slot = armed.lock().unwrap();
            match slot.as_mut() {
                Some(armed) if armed.left == 1 => slot.take(),
                Some(armed) => {
                    armed.left -= 1;
                    None
                }
                None => None,
            }
        };
        match fault {
            None => {}
            Some(armed) => match armed.fault {
                Fault::Cut => return Err(io::ErrorKind::ConnectionReset.into()),
                Fault::LoseAnswer => lost.store(true, Ordering::Relaxed),
                Fault::EndBackend => {
                    let mut end_backend = armed.end_backend;
                    end_backend();
                }
            },
        }
        server.write_all(&message)?;
    }
}

/// Passes on what the server answers, or, once the answers are lost, only waits for one.
fn answers(server: &TcpStream, mut client: &TcpStream, lost: &AtomicBool) -> io::Result<()> {
    loop {
        let message = frame(server)?;
        if !lost.load(Ordering::Relaxed) {
            client.write_all(&message)?;
        } else if matches!(message[0], b'Z' | b'G') {
            // Ready for the next query, or for the rows of a COPY.
            return Ok(());
        }
    }
}

fn untyped(mut from: &TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut message = length.to_vec();
    message.resize(u32::from_be_bytes(length) as usize, 0);
    from.read_exact(&mut message[4..])?;
    Ok(message)
}

fn frame(mut from: &TcpStream) -> io::Result<Vec<u8>> {
    let mut head = [0; 5];
    from.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let mut message = head.to_vec();
    message.resize(1 + length, 0);
    from.read_exact(&mut message[5..])?;
    Ok(message)
}

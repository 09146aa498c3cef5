//! The sockets between the processes of one dataflow, opened and checked before timely takes them.
//!
//! Timely authenticates nobody and sends Rust's own layout of its messages. So before a socket is
//! handed over both sides prove that they know the cluster's secret, without sending it, and that
//! they are the same build, of a cluster of the same shape, over the same log:
//!
//! ```text
//!  i connects to every j < i and takes connections from every j > i
//!  i ──► hello: magic, build, process, shape, log, nonce ──► j      (one JSON line)
//!  i ◄── hello ◄── j
//!  i ──► HMAC-SHA256(secret, "process i", both hellos) ──► j        (RFC 2104)
//!  i ◄── HMAC-SHA256(secret, "process j", both hellos) ◄── j
//! ```
//!
//! A stranger's connection is closed and does not disturb the others.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Longest hello.
const LONGEST_HELLO: usize = 4096;
/// How long one handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Between two attempts to reach a process that is not there yet.
const PAUSE: Duration = Duration::from_millis(100);
/// What every hello begins with; another protocol has another.
const MAGIC: &str = "eip dataflow 1";

/// One process of a cluster and where the others are.
pub struct ClusterConfig {
    /// Which process this is, from 0 on.
    pub process: usize,
    /// Where each process listens, in their order.
    pub addresses: Vec<String>,
    /// Worker threads of each process.
    pub workers: usize,
    /// What they share and nobody else knows.
    pub secret: Vec<u8>,
    /// Names the program to the byte: processes of different builds do not understand each other.
    pub build: String,
    /// The log that is read, and how: processes must agree on it.
    pub log: String,
    /// How long to wait for the others.
    pub patience: Duration,
    /// Whether a process may listen on an address that other hosts reach.
    pub any_address: bool,
}

/// Sockets to the other processes, in their order; none at the own place.
pub struct Sockets {
    pub(crate) process: usize,
    pub(crate) streams: Vec<Option<TcpStream>>,
}

/// Why a cluster does not come together.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Shape or addresses make no sense.
    #[error("{0}")]
    Config(String),
    /// The own address cannot be taken.
    #[error("process {process} cannot listen on {address}")]
    Listen {
        /// This process.
        process: usize,
        /// Its address.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody did not come in time.
    #[error(
        "process {process} waited {seconds} s in vain for process {missing}; see whether they run, \
         under the addresses of the hosts file, and with the same secret"
    )]
    Missing {
        /// This process.
        process: usize,
        /// How long it waited.
        seconds: u64,
        /// Who is missing, by number and address.
        missing: String,
    },
    /// A process that belongs to us, and to another build, shape or log.
    #[error("process {other} does not fit: its {what} is {theirs}, ours {ours}")]
    Unfit {
        /// That process.
        other: usize,
        /// What differs.
        what: &'static str,
        /// What it has.
        theirs: String,
        /// What we have.
        ours: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hello {
    magic: String,
    build: String,
    process: usize,
    processes: usize,
    workers: usize,
    log: String,
    nonce: String,
}

/// Why one connection came to nothing.
enum Refused {
    /// Not one of us, or broken off: the connection is dropped and others are waited for.
    Stranger(String),
    /// One of us that cannot work with us.
    Unfit(ClusterError),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Stranger(error.to_string())
    }
}

/// Opens the sockets to all other processes. `waiting` hears for whom it waits whenever that
/// changes.
pub fn connect(
    config: &ClusterConfig,
    waiting: &mut dyn FnMut(&[usize]),
) -> Result<Sockets, ClusterError> {
    let (process, processes) = (config.process, config.addresses.len());
    if process >= processes {
        return Err(ClusterError::Config(format!(
            "there is no process {process} among {processes}; they count from 0"
        )));
    }
    let deadline = Instant::now() + config.patience;
    let mut streams: Vec<Option<TcpStream>> = (0..processes).map(|_| None).collect();
    let listener = (process + 1 < processes)
        .then(|| listen(config))
        .transpose()?;
    let mut told: Vec<usize> = Vec::new();
    loop {
        let missing: Vec<usize> = (0..processes)
            .filter(|&other| other != process && streams[other].is_none())
            .collect();
        if missing.is_empty() {
            return Ok(Sockets { process, streams });
        }
        if missing != told {
            waiting(&missing);
            told.clone_from(&missing);
        }
        if Instant::now() >= deadline {
            let named = missing
                .iter()
                .map(|&other| format!("{other} ({})", config.addresses[other]));
            return Err(ClusterError::Missing {
                process,
                seconds: config.patience.as_secs(),
                missing: named.collect::<Vec<_>>().join(", "),
            });
        }
        let mut found = false;
        for other in missing.into_iter().filter(|&other| other < process) {
            match reach(config, other) {
                Ok(stream) => {
                    streams[other] = Some(stream);
                    found = true;
                }
                Err(Refused::Unfit(error)) => return Err(error),
                Err(Refused::Stranger(why)) => {
                    tracing::debug!(other, why, "not there yet");
                }
            }
        }
        if let Some(listener) = &listener {
            while let Some((other, stream)) = accept(config, listener)? {
                streams[other] = Some(stream);
                found = true;
            }
        }
        if !found {
            std::thread::sleep(PAUSE);
        }
    }
}

fn listen(config: &ClusterConfig) -> Result<TcpListener, ClusterError> {
    let address = &config.addresses[config.process];
    let failed = |source| ClusterError::Listen {
        process: config.process,
        address: address.clone(),
        source,
    };
    let resolved: Vec<SocketAddr> = address.to_socket_addrs().map_err(failed)?.collect();
    if !config.any_address && !resolved.iter().all(|address| address.ip().is_loopback()) {
        return Err(ClusterError::Config(format!(
            "{address} is no loopback address: what passes between workers is not encrypted; \
             allow it (--any-address) on a network that you trust"
        )));
    }
    let listener = TcpListener::bind(&*resolved).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

fn reach(config: &ClusterConfig, other: usize) -> Result<TcpStream, Refused> {
    let address = config.addresses[other]
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| Refused::Stranger("no address".to_owned()))?;
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    let hello = shake_hands(config, &mut stream)?;
    if hello.process != other {
        return Err(Refused::Unfit(unfit(
            other,
            "number",
            &hello.process,
            &other,
        )));
    }
    Ok(stream)
}

/// The next connection of one of us, if there is any now.
fn accept(
    config: &ClusterConfig,
    listener: &TcpListener,
) -> Result<Option<(usize, TcpStream)>, ClusterError> {
    loop {
        let (mut stream, from) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                return Ok(None);
            }
        };
        match shake_hands(config, &mut stream) {
            Ok(hello) if hello.process > config.process => {
                return Ok(Some((hello.process, stream)));
            }
            Ok(hello) => {
                return Err(unfit(
                    hello.process,
                    "number",
                    &hello.process,
                    &config.process,
                ));
            }
            Err(Refused::Unfit(error)) => return Err(error),
            Err(Refused::Stranger(why)) => {
                tracing::warn!(%from, why, "a connection that is not one of ours was closed");
            }
        }
    }
}

fn unfit(
    other: usize,
    what: &'static str,
    theirs: &impl ToString,
    ours: &impl ToString,
) -> ClusterError {
    let (theirs, ours) = (theirs.to_string(), ours.to_string());
    ClusterError::Unfit {
        other,
        what,
        theirs,
        ours,
    }
}

/// Both sides do the same.
fn shake_hands(config: &ClusterConfig, stream: &mut TcpStream) -> Result<Hello, Refused> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(HANDSHAKE))?;
    stream.set_write_timeout(Some(HANDSHAKE))?;
    let mut nonce = [0; 32];
    std::fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut nonce))?;
    let ours = Hello {
        magic: MAGIC.to_owned(),
        build: config.build.clone(),
        process: config.process,
        processes: config.addresses.len(),
        workers: config.workers,
        log: config.log.clone(),
        nonce: hex(&nonce),
    };
    let mut our_line = serde_json::to_vec(&ours).expect("a hello is plain data");
    our_line.push(b'\n');
    stream.write_all(&our_line)?;
    let their_line = read_line(stream)?;
    let theirs: Hello = serde_json::from_slice(&their_line)
        .map_err(|error| Refused::Stranger(format!("its first line is no hello: {error}")))?;
    if theirs.magic != MAGIC || theirs.nonce == ours.nonce {
        return Err(Refused::Stranger("it speaks another protocol".to_owned()));
    }
    let proof = |process: usize, first: &[u8], second: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&config.secret).expect("any length will do");
        mac.update(format!("process {process}\n").as_bytes());
        mac.update(first);
        mac.update(second);
        mac
    };
    let mine = proof(config.process, &our_line, &their_line).finalize();
    stream.write_all(&mine.into_bytes())?;
    let mut answer = [0; 32];
    stream.read_exact(&mut answer)?;
    proof(theirs.process, &their_line, &our_line)
        .verify_slice(&answer)
        .map_err(|_| Refused::Stranger("it does not know our secret".to_owned()))?;
    for (what, theirs_is, ours_is) in [
        ("build", theirs.build.clone(), ours.build),
        ("log", theirs.log.clone(), ours.log),
        (
            "number of processes",
            theirs.processes.to_string(),
            ours.processes.to_string(),
        ),
        (
            "number of workers",
            theirs.workers.to_string(),
            ours.workers.to_string(),
        ),
    ] {
        if theirs_is != ours_is {
            return Err(Refused::Unfit(unfit(
                theirs.process,
                what,
                &theirs_is,
                &ours_is,
            )));
        }
    }
    stream.set_read_timeout(None)?;
    stream.set_write_timeout(None)?;
    Ok(theirs)
}

/// A line with its end, byte by byte: what follows belongs to somebody else.
fn read_line(stream: &mut TcpStream) -> Result<Vec<u8>, Refused> {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.last() != Some(&b'\n') {
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
        if line.len() > LONGEST_HELLO {
            return Err(Refused::Stranger("its first line does not end".to_owned()));
        }
    }
    Ok(line)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all text");
        text
    })
}

#[cfg(test)]
mod tests;

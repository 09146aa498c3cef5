//! Real servers for tests.
//!
//! [`kafka`], [`elasticsearch`], [`postgres`] and [`redis`] give an address: the one in the
//! environment (`EIP_KAFKA` …) when it is set, else that of an instance which `dev/services` starts
//! once for all tests of this checkout, in `services-test` of the target folder. It stays up for the
//! next test run; `dev/services down --dir target/services-test` ends it. Tests keep out of one
//! another's way by spaces of their own.
//!
//! [`Private`] is an instance of one test, which may kill, pause and start its servers. [`Proxy`]
//! stands before a server that speaks HTTP and makes faults.

mod proxy;

pub use proxy::{Action, Proxy, Request};

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// `host:port` of a Kafka broker.
pub fn kafka() -> String {
    shared("kafka")
}

/// URL of an Elasticsearch node.
pub fn elasticsearch() -> String {
    shared("elasticsearch")
}

/// URL of a PostgreSQL database.
pub fn postgres() -> String {
    shared("postgres")
}

/// URL of a Redis server.
pub fn redis() -> String {
    shared("redis")
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no command line to take configuration from"
)]
fn shared(server: &str) -> String {
    let variable = variable(server);
    if let Ok(address) = std::env::var(&variable) {
        return address;
    }
    let folder = target().join("services-test");
    fs::create_dir_all(&folder).expect("the target folder can be written");
    // Test programs run at the same time: one starts the server, the others wait for it.
    let lock = File::create(folder.join("start.lock")).expect("a lock file can be made");
    lock.lock().expect("a lock can be waited for");
    services(["up", "--only", server].map(OsStr::new), &folder);
    address(&folder, server)
}

/// A broker that is killed comes back the sooner.
const PRIVATE: [(&str, &str); 1] = [("EIP_KAFKA_SESSION_MS", "4000")];

/// Servers of one test, stopped and removed when it is dropped.
#[derive(Debug)]
pub struct Private {
    folder: PathBuf,
}

impl Private {
    /// Starts `servers` (`kafka`, `elasticsearch`, `postgres`, `redis`).
    pub fn start(servers: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("services-private-{}-{number}", std::process::id());
        let this = Self {
            folder: target().join(name),
        };
        fs::create_dir_all(&this.folder).expect("the target folder can be written");
        let names = servers.join(",");
        this.services(["up", "--only", &names]);
        this
    }

    /// The address of one of them, as in the environment.
    pub fn address(&self, server: &str) -> String {
        address(&self.folder, server)
    }

    /// Ends a server as a crash would.
    pub fn kill(&self, server: &str) {
        self.call("kill", server);
    }

    /// Stops a server in good order.
    pub fn stop(&self, server: &str) {
        self.call("stop", server);
    }

    /// Starts a server again and waits until it answers.
    pub fn restart(&self, server: &str) {
        self.call("start", server);
    }

    /// Lets a server hang.
    pub fn pause(&self, server: &str) {
        self.call("pause", server);
    }

    /// Lets it go on.
    pub fn resume(&self, server: &str) {
        self.call("resume", server);
    }

    fn call(&self, verb: &str, server: &str) {
        self.services([verb, server]);
    }

    fn services<const N: usize>(&self, arguments: [&str; N]) {
        run(arguments.map(OsStr::new), &self.folder, &PRIVATE)
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // A test that fails already must not abort the program.
        let _ = run(["wipe"].map(OsStr::new), &self.folder, &PRIVATE);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn variable(server: &str) -> String {
    format!("EIP_{}", server.to_uppercase())
}

/// The value that `dev/services env` exports.
fn address(folder: &Path, server: &str) -> String {
    let exports = services(["env"].map(OsStr::new), folder);
    let pairs: BTreeMap<&str, &str> = exports
        .lines()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
        .collect();
    let address = pairs.get(&*variable(server));
    let address = address.unwrap_or_else(|| panic!("`dev/services env` has no {server}"));
    (*address).to_owned()
}

fn services<const N: usize>(arguments: [&OsStr; N], folder: &Path) -> String {
    run(arguments, folder, &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn run<const N: usize>(
    arguments: [&OsStr; N],
    folder: &Path,
    settings: &[(&str, &str)],
) -> Result<String, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../services");
    let mut command = Command::new(&script);
    command.args(arguments).arg("--dir").arg(folder);
    command.envs(settings.iter().copied());
    // What it starts must not hold a pipe of ours open.
    let log = folder.join("services.log");
    let errors = File::options().create(true).append(true).open(&log);
    let errors = errors.map_err(|error| format!("cannot write {}: {error}", log.display()))?;
    let output = folder.join(format!("output-{}", std::process::id()));
    let printed = File::create(&output).map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(printed).stderr(errors);
    let status = command
        .status()
        .map_err(|error| format!("cannot run {}: {error}", script.display()))?;
    let text = fs::read_to_string(&output).map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(text);
    }
    let words: Vec<_> = arguments
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    Err(format!(
        "`dev/services {}` failed; see {}",
        words.join(" "),
        log.display()
    ))
}

/// The target folder of the program that runs: `<target>/<profile>/deps/<program>`.
fn target() -> PathBuf {
    let program = std::env::current_exe().expect("a program knows its place");
    let target = program
        .ancestors()
        .nth(3)
        .expect("tests run in a target folder");
    target.to_owned()
}

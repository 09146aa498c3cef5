//! The binary, folders for it, data, and where the real data and the oracle are.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use eip_log::kafka::{KafkaConfig, KafkaLog};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;

pub(crate) const ORDERS: &str = "olist_orders_dataset.csv";
pub(crate) const ITEMS: &str = "olist_order_items_dataset.csv";
pub(crate) const CUSTOMERS: &str = "olist_customers_dataset.csv";
pub(crate) const SELLERS: &str = "olist_sellers_dataset.csv";

/// Digest of each view, by name.
pub(crate) type Digests = BTreeMap<String, String>;

/// What one command did.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn ok(self) -> Self {
        assert_eq!(
            self.code,
            Some(0),
            "stdout:\n{}\nstderr:\n{}",
            self.out,
            self.err
        );
        self
    }

    /// The id behind `run ` on the first line.
    pub(crate) fn run_id(&self) -> String {
        let first = self.out.lines().next().unwrap_or_default();
        first
            .strip_prefix("run ")
            .unwrap_or_else(|| panic!("no run id in {:?}", self.out))
            .to_owned()
    }
}

/// One chain and the commands on it: a state folder, or a space on servers.
pub(crate) struct Eip {
    folder: TempDir,
    /// What names the servers and the space in the commands' environment.
    servers: Vec<(&'static str, String)>,
}

impl Eip {
    /// In a state folder.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            servers: Vec::new(),
        }
    }

    /// In a space of its own on the servers that all tests share.
    pub(crate) fn on_servers() -> Self {
        Self::on([
            ("EIP_KAFKA", eip_test_servers::kafka()),
            ("EIP_ELASTICSEARCH", eip_test_servers::elasticsearch()),
            ("EIP_POSTGRES", eip_test_servers::postgres()),
        ])
    }

    /// In a space of its own on these servers.
    pub(crate) fn on(addresses: [(&'static str, String); 3]) -> Self {
        let space = format!("t{:016x}", rand::rng().random::<u64>());
        let mut servers = addresses.to_vec();
        servers.push(("EIP_SPACE", space));
        Self {
            folder: tempfile::tempdir().unwrap(),
            servers,
        }
    }

    /// The same space with other addresses: through a proxy, say.
    pub(crate) fn with(mut self, variable: &'static str, value: String) -> Self {
        self.servers.retain(|(name, _)| *name != variable);
        self.servers.push((variable, value));
        self
    }

    /// The space on the servers.
    pub(crate) fn space(&self) -> &str {
        self.value("EIP_SPACE")
    }

    /// What the environment of its commands says.
    pub(crate) fn value(&self, variable: &str) -> &str {
        let found = self.servers.iter().find(|(name, _)| *name == variable);
        &found.unwrap_or_else(|| panic!("{variable} is not set")).1
    }

    /// Removes the topics of the space and makes them anew, as somebody else might.
    pub(crate) fn recreate_topics(&self) {
        let space = self.space().parse().unwrap();
        let folder = self.path("somebody-else");
        let config = KafkaConfig::new(self.value("EIP_KAFKA"), space, folder);
        KafkaLog::recreate(config, Some(4)).unwrap();
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = command();
        command.args(args).env("EIP_STATE", self.state());
        command.envs(self.servers.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    pub(crate) fn fast(&self, data: &Path) -> Ran {
        self.run([
            "replay".as_ref(),
            "fast".as_ref(),
            "--data".as_ref(),
            data.as_os_str(),
        ])
    }

    /// A window run with further arguments.
    pub(crate) fn window(&self, data: &Path, args: &[&str]) -> Ran {
        let fixed = [
            "replay".as_ref(),
            "window".as_ref(),
            "--data".as_ref(),
            data.as_os_str(),
        ];
        self.run(
            fixed
                .into_iter()
                .chain(args.iter().map(|arg| OsStr::new(*arg))),
        )
    }

    /// Brings the views up and gives their digests, from the stored documents and rows.
    pub(crate) fn digests(&self) -> Digests {
        self.run(["dataflow", "--until-caught-up"]).ok();
        self.stored_digests()
    }

    pub(crate) fn stored_digests(&self) -> Digests {
        let out = self.path("export");
        let ran = self
            .run(["export".as_ref(), "--out".as_ref(), out.as_os_str()])
            .ok();
        let lines = ran
            .out
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        let digests: Digests = lines
            .map(|words| (words[0].to_owned(), words[2].to_owned()))
            .collect();
        assert_eq!(digests.len(), 3, "{}", ran.out);
        digests
    }

    /// The recomputation by other means agrees.
    pub(crate) fn verify(&self) {
        self.run(["verify"]).ok();
    }

    /// Bytes of the log as a log file.
    pub(crate) fn log(&self) -> Vec<u8> {
        let out = self.path("log.ndjson");
        self.run([
            "log".as_ref(),
            "export".as_ref(),
            "--out".as_ref(),
            out.as_os_str(),
        ])
        .ok();
        fs::read(out).unwrap()
    }
}

impl Drop for Eip {
    fn drop(&mut self) {
        if !self.servers.is_empty() {
            // What a test leaves behind costs room and nothing else.
            let _ = self.run(["space", "drop", "--force"]);
        }
    }
}

/// What a server answers to a request; anything but 2xx fails the test.
pub(crate) fn http(method: &str, url: &str, body: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let answer = reqwest::Client::new()
            .request(method.parse().unwrap(), url)
            .header("content-type", "application/json")
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{method} {url}: {status} {text}");
        text
    })
}

/// What PostgreSQL answers to a statement, as `psql` prints it without decoration.
pub(crate) fn sql(url: &str, statement: &str) -> String {
    let output = Command::new("psql")
        .args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet"])
        .args(["--set", "ON_ERROR_STOP=1", "--command", statement, url])
        .output()
        .unwrap();
    Ran::of(output).ok().out
}

/// Runs statements on the file of the embedded views, as somebody with a shell might.
pub(crate) fn sqlite(eip: &Eip, statements: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(eip.state().join("views.sqlite"));
        let mut connection = options.connect().await.unwrap();
        let statements = AssertSqlSafe(statements.to_owned());
        sqlx::raw_sql(statements)
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    });
}

/// The binary, without a state folder and without servers.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eip"));
    command.stdin(Stdio::null());
    for variable in [
        "STATE",
        "LOG",
        "SPACE",
        "KAFKA",
        "KAFKA_PROPERTIES",
        "ELASTICSEARCH",
        "ELASTICSEARCH_CA",
        "POSTGRES",
        "REDIS",
        "DATAFLOW",
        "CRASH_AT",
        "INGEST",
        "TOKEN",
        "TOKEN_FILE",
    ] {
        command.env_remove(format!("EIP_{variable}"));
    }
    command
}

pub(crate) fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    Ran::of(command().args(args).output().unwrap())
}

/// A rules file that is named by what it says. Who reads it already is not disturbed.
pub(crate) fn rules(folder: &Path, promise: &str, assignment_delay: &str) -> PathBuf {
    let path = folder.join(format!("{promise}-{assignment_delay}.toml"));
    let text = format!(
        "version = 1\npromise = \"{promise}\"\nassignment_delay = \"{assignment_delay}\"\n"
    );
    if !path.exists() {
        fs::write(&path, text).unwrap();
    }
    path
}

/// Generated data of the Olist shape.
pub(crate) fn generate(folder: &Path, orders: u64, seed: u64) -> PathBuf {
    let out = folder.join(format!("data-{orders}-{seed}"));
    let (orders, seed) = (orders.to_string(), seed.to_string());
    let args = ["generate", "--orders", &orders, "--seed", &seed, "--out"];
    run(args.iter().map(OsStr::new).chain([out.as_os_str()])).ok();
    out
}

/// A copy of a data folder in which `change` has changed the lines of one file.
pub(crate) fn changed(
    data: &Path,
    to: &Path,
    file: &str,
    change: impl Fn(&mut Vec<String>),
) -> PathBuf {
    fs::create_dir_all(to).unwrap();
    for name in [ORDERS, ITEMS, CUSTOMERS, SELLERS] {
        let mut text = String::new();
        if let Ok(mut plain) = fs::File::open(data.join(name)) {
            plain.read_to_string(&mut text).unwrap();
        } else {
            let packed = fs::File::open(data.join(format!("{name}.gz"))).unwrap();
            flate2::read::GzDecoder::new(packed)
                .read_to_string(&mut text)
                .unwrap();
        }
        if name == file {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            change(&mut lines);
            text = lines.join("\n") + "\n";
        }
        fs::write(to.join(name), text).unwrap();
    }
    to.to_owned()
}

/// The folder of the real data, or `None` with a line that says so.
pub(crate) fn olist() -> Option<PathBuf> {
    found("EIP_OLIST", "olist", "the real Olist data")
}

/// The independent implementation of the semantics.
pub(crate) fn oracle() -> Option<PathBuf> {
    found("EIP_ORACLE", "oracle", "the oracle").map(|folder| folder.join("oracle.py"))
}

fn found(variable: &str, name: &str, what: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared")
        .join(name);
    let folder = std::env::var_os(variable).map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "not run: {what} is not at {} ({variable} says where)",
        folder.display()
    );
    None
}

/// Runs the oracle with Python and DuckDB; `None` with a line when they are not there.
pub(crate) fn run_oracle<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Option<String> {
    let oracle = oracle()?;
    let python = std::env::var_os("EIP_PYTHON").unwrap_or_else(|| {
        let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
        if venv.exists() {
            venv.into_os_string()
        } else {
            "python3".into()
        }
    });
    let has_duckdb = Command::new(&python).args(["-c", "import duckdb"]).output();
    if !has_duckdb.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "not run: {} has no duckdb (EIP_PYTHON says which Python)",
            python.display()
        );
        return None;
    }
    let output = Command::new(python)
        .arg(oracle)
        .args(args)
        .output()
        .unwrap();
    Some(Ran::of(output).ok().out)
}

/// How often a fault or random test repeats: `usual`, or `full` under `EIP_SOAK=1`.
pub(crate) fn repetitions(usual: u64, full: u64) -> u64 {
    if std::env::var_os("EIP_SOAK").is_some_and(|soak| soak == "1") {
        full
    } else {
        usual
    }
}

/// A seeded generator; the seed is printed, and `EIP_SEED` repeats one.
pub(crate) fn seeded(test: &str) -> ChaCha8Rng {
    let given = std::env::var_os("EIP_SEED").and_then(|seed| seed.to_str()?.parse().ok());
    let seed = given.unwrap_or_else(|| rand::rng().random::<u32>().into());
    println!("{test}: seed {seed}");
    ChaCha8Rng::seed_from_u64(seed)
}

/// Digests as the oracle's documentation lists them.
pub(crate) fn expected(shipment_events: &str, shipments: &str, route_stats_daily: &str) -> Digests {
    [
        ("shipment_events", shipment_events),
        ("shipments", shipments),
        ("route_stats_daily", route_stats_daily),
    ]
    .map(|(view, digest)| (view.to_owned(), digest.to_owned()))
    .into()
}
